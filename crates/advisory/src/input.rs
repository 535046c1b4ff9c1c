//! Reading what publishers give out: folders, compression and archives down to documents.
//!
//! What a file is, is told by its content. Names that begin with a dot are passed over in folders and
//! archives (`.git`, `..data`). One thread walks and unpacks, the documents are read by several
//! (`workers.rs`). Bounds: 8 GiB after decompression over one import, 64 MiB a record, four levels of
//! wrapping, 32 levels of folders.

use crate::documents::{self, Form};
use crate::sink::Sink;
use crate::workers::{Document, Workers};
use crate::{DatabaseError, Import};
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Bytes after decompression that one import may take.
const INFLATED: u64 = 8 << 30;
/// Wrappings around a document: a gzip in a tar in a zstd is three.
const WRAPPINGS: u32 = 4;
const FOLDERS: u32 = 32;
/// A document of up to this many bytes is handed on whole; a larger one is read as a stream, at once.
const WHOLE: usize = 1 << 20;
/// A zip inside another wrapping is taken into memory; one that is larger is not read.
const NESTED_ZIP: u64 = 256 << 20;

/// Reads files and folders (recursively) whose formats are told by content ([`crate::ALL`]), each plain,
/// under gzip or zstd, in a zip, or in a tar under any. A file in no known form is a problem.
pub fn import(paths: &[PathBuf]) -> Result<Import, DatabaseError> {
    for path in paths {
        let failed = |source| DatabaseError::Io { path: path.display().to_string(), source };
        if std::fs::metadata(path).map_err(failed)?.is_dir() {
            std::fs::read_dir(path).map_err(failed)?;
        } else {
            std::fs::File::open(path).map_err(failed)?;
        }
    }
    Ok(bounded(paths, INFLATED))
}

fn bounded(paths: &[PathBuf], inflated: u64) -> Import {
    Workers::run(|workers| {
        let mut walk = Walk { workers, path: String::new(), left: Allowance::new(inflated), seen: HashSet::new() };
        for path in paths {
            if path.is_dir() {
                walk.folder(path, FOLDERS);
            } else {
                walk.file(path);
            }
        }
    })
    .finish()
}

/// What is left of the bytes an import may take.
#[derive(Clone)]
pub(crate) struct Allowance {
    all: u64,
    left: Rc<Cell<u64>>,
}

impl Allowance {
    fn new(all: u64) -> Self {
        Self { all, left: Rc::new(Cell::new(all)) }
    }
}

/// Counts bytes off what is left for the whole import.
struct Counted<R> {
    inner: R,
    left: Allowance,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.left.get().checked_sub(count as u64) {
            Some(left) => self.left.left.set(left),
            None => {
                self.left.left.set(0);
                return Err(io::Error::other(format!("the import is larger than {} bytes", self.left.all)));
            }
        }
        Ok(count)
    }
}

/// Walks folders and archives; hands documents on.
struct Walk<'a> {
    workers: &'a mut Workers,
    /// The file that is read, an archive's member after `!/`.
    path: String,
    left: Allowance,
    seen: HashSet<PathBuf>,
}

impl Walk<'_> {
    fn unreadable(&mut self, what: &str, why: impl ToString) {
        self.workers.problem("advisory-unreadable", &self.path, what, &why.to_string());
    }

    fn folder(&mut self, path: &Path, depth: u32) {
        self.path = path.display().to_string();
        // The same folder is read once, so that links in a circle come to an end.
        if let Ok(real) = path.canonicalize()
            && !self.seen.insert(real)
        {
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) if depth > 0 => entries,
            Ok(_) => return self.unreadable("read the folder", "it is nested too deep"),
            Err(e) => return self.unreadable("read the folder", e),
        };
        let mut names: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        names.sort();
        for name in names {
            if name.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')) {
                continue;
            }
            match std::fs::metadata(&name) {
                Ok(m) if m.is_dir() => self.folder(&name, depth - 1),
                // Reading a pipe or a device could wait for ever.
                Ok(m) if m.is_file() => self.file(&name),
                Ok(_) => {}
                Err(e) => {
                    self.path = name.display().to_string();
                    self.unreadable("read the file", e);
                }
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.path = path.display().to_string();
        let mut file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(e) => return self.unreadable("read the file", e),
        };
        let mut head = [0; 4];
        let read = file.read(&mut head).and_then(|n| io::Seek::rewind(&mut file).map(|()| n));
        match read {
            Ok(n) if is_zip(&head[..n]) => self.zip_file(file),
            Ok(_) => self.content(&mut file, WRAPPINGS),
            Err(e) => self.unreadable("read the file", e),
        }
    }

    /// Reads bytes, unwrapping them by what they begin with.
    fn content(&mut self, reader: &mut dyn Read, depth: u32) {
        let mut reader = Counted { inner: reader, left: self.left.clone() };
        let mut head = Vec::new();
        if let Err(e) = (&mut reader).take(512).read_to_end(&mut head) {
            return self.unreadable("read the file", e);
        }
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let zip = is_zip(&head);
        let tar = head.get(257..262) == Some(b"ustar");
        if (gzip || zstd || zip || tar) && depth == 0 {
            let why = "archives in it are nested too deep";
            return self.workers.problem("advisory-unknown-format", &self.path, "read the file", why);
        }
        let mut whole = io::Cursor::new(head).chain(reader);
        if gzip {
            self.content(&mut flate2::read::MultiGzDecoder::new(whole), depth - 1);
        } else if zstd {
            match zstd::stream::read::Decoder::new(whole) {
                Ok(mut decoder) => self.content(&mut decoder, depth - 1),
                Err(e) => self.unreadable("decompress the file", e),
            }
        } else if tar {
            self.archive(&mut whole, depth - 1);
        } else if zip {
            let mut bytes = Vec::new();
            match whole.take(NESTED_ZIP + 1).read_to_end(&mut bytes) {
                Ok(n) if n as u64 > NESTED_ZIP => {
                    let why = format!("it is a zip of over {NESTED_ZIP} bytes inside another file");
                    self.unreadable("read the archive", why);
                }
                Ok(_) => self.zip_bytes(&bytes, depth - 1),
                Err(e) => self.unreadable("read the archive", e),
            }
        } else {
            self.document(&mut whole);
        }
    }

    fn archive(&mut self, reader: &mut dyn Read, depth: u32) {
        let outer = self.path.clone();
        let mut archive = tar::Archive::new(reader);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(e) => return self.unreadable("read the archive", e),
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.path.clone_from(&outer);
                    return self.unreadable("read the archive", e);
                }
            };
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type().is_file()
                && let Some(path) = member(&outer, &name)
            {
                self.path = path;
                self.content(&mut entry, depth);
            }
        }
        self.path = outer;
    }

    fn zip_file(&mut self, file: std::fs::File) {
        let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
        match rawzip::ZipArchive::from_file(file, &mut buffer) {
            Ok(archive) => self.zip(&archive, &mut buffer, WRAPPINGS - 1),
            Err(e) => self.unreadable("read the archive", e),
        }
    }

    fn zip_bytes(&mut self, bytes: &[u8], depth: u32) {
        let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
        let found = rawzip::ZipLocator::new().locate_in_reader(bytes, &mut buffer, bytes.len() as u64);
        match found {
            Ok(archive) => self.zip(&archive, &mut buffer, depth),
            Err((_, e)) => self.unreadable("read the archive", e),
        }
    }

    /// Members in the order of the directory, each inflated as it is read.
    fn zip<R: rawzip::ReaderAt>(&mut self, archive: &rawzip::ZipArchive<R>, buffer: &mut [u8], depth: u32) {
        let outer = self.path.clone();
        let mut entries = archive.entries(buffer);
        loop {
            let entry = match entries.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(e) => {
                    self.path.clone_from(&outer);
                    self.unreadable("read the archive", e);
                    break;
                }
            };
            let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
            let Some(path) = member(&outer, &name).filter(|_| !entry.is_dir()) else { continue };
            self.path = path;
            if entry.flags().is_encrypted() {
                self.unreadable("read the file", "it is encrypted");
                continue;
            }
            let method = entry.compression_method();
            let data = match archive.get_entry(entry.wayfinder()) {
                Ok(data) => data.reader(),
                Err(e) => {
                    self.unreadable("read the file", e);
                    continue;
                }
            };
            match method {
                rawzip::CompressionMethod::STORE => self.content(&mut { data }, depth),
                rawzip::CompressionMethod::DEFLATE => {
                    self.content(&mut flate2::read::DeflateDecoder::new(data), depth);
                }
                rawzip::CompressionMethod::ZSTD => match zstd::stream::read::Decoder::new(data) {
                    Ok(mut decoder) => self.content(&mut decoder, depth),
                    Err(e) => self.unreadable("decompress the file", e),
                },
                other => {
                    self.unreadable("read the file", format!("compression method {} is not read", other.as_u16()));
                }
            }
        }
        self.path = outer;
    }

    fn document(&mut self, reader: &mut dyn Read) {
        let mut bytes = Vec::new();
        let failed = reader.take(WHOLE as u64).read_to_end(&mut bytes).err();
        if bytes.len() < WHOLE {
            // What was read before the error is worth reading.
            let cut = failed.map(|e| e.to_string());
            return self.workers.document(Document { path: self.path.clone(), bytes, cut });
        }
        let whole = io::Cursor::new(bytes).chain(reader);
        self.workers.stream(&self.path, |sink| judge(documents::read_stream(whole, sink), sink));
    }
}

/// Counts a file that was read; tells of one that could not be. What publishers put beside their records
/// for people to read has a code of its own.
pub(crate) fn judge(form: Form, sink: &mut Sink) {
    let (why, text) = match form {
        Form::Known => {
            sink.import.files += 1;
            return;
        }
        Form::Empty => ("it is empty".to_owned(), false),
        Form::Html => {
            ("it is an HTML page, not advisories: a download may have met a sign-in or error page".to_owned(), true)
        }
        Form::Unknown(why) => (why, true),
    };
    let code = if text && is_for_people(&sink.path) { "advisory-documentation" } else { "advisory-unknown-format" };
    sink.problem(code, "read the file", why);
}

/// Whether a file is named as those that stand in every repository.
fn is_for_people(path: &str) -> bool {
    const NAMES: [&str; 9] = [
        "README",
        "LICENSE",
        "LICENCE",
        "COPYING",
        "NOTICE",
        "CHANGELOG",
        "CONTRIBUTING",
        "CODE_OF_CONDUCT",
        "SECURITY",
    ];
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default().to_ascii_uppercase();
    let folder = parts.next().unwrap_or_default().to_ascii_uppercase();
    let stem = name.split('.').next().unwrap_or_default();
    NAMES.contains(&stem) || folder == "LICENSES"
}

fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// The path of an archive's member; `None` for hidden ones.
fn member(outer: &str, name: &str) -> Option<String> {
    let name = name.trim_start_matches("./");
    let hidden = name.split('/').any(|part| part.starts_with('.') && part.len() > 1);
    (!hidden).then(|| format!("{outer}!/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_has_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let record = r#"{"id":"X-1","affected":[]}"#;
        for name in ["a", "b", "c"] {
            std::fs::write(folder.path().join(name), record).unwrap();
        }
        let import = bounded(&[folder.path().to_owned()], 2 * record.len() as u64);
        assert_eq!(import.advisories.len(), 2);
        assert!(import.problems[0].why.contains("larger than 52 bytes"), "{:?}", import.problems);
        assert!(bounded(&[folder.path().to_owned()], 1000).problems.is_empty());
    }
}
