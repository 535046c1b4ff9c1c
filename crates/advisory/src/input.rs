//! Reading what publishers give out: folders, compression and archives down to documents.
//!
//! What a file is, is told by its content. Names that begin with a dot are passed over in folders and
//! archives (`.git`, `..data`). Bounds: 2 GiB after decompression over one import, 64 MiB a record, four
//! levels of wrapping, 32 levels of folders.

use crate::documents::{self, Form};
use crate::{DatabaseError, Import, debian_tracker, osv};
use cleanbill_model::Problem;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Bytes after decompression that one import may take.
const INFLATED: u64 = 2 << 30;
/// Wrappings around a document: a gzip in a tar in a zstd is three.
const WRAPPINGS: u32 = 4;
const FOLDERS: u32 = 32;
/// Problems that are told; the rest is counted.
const TOLD: usize = 10_000;

/// Reads files and folders (recursively) whose formats are told by content: OSV (one record, a list, JSON
/// lines, `{"vulns":[…]}`), the Debian tracker's JSON export; each also under gzip or zstd, and in a
/// tar of either. A file in no known form is a problem.
pub fn import(paths: &[PathBuf]) -> Result<Import, DatabaseError> {
    let mut reader = Importer { left: Rc::new(Cell::new(INFLATED)), ..Importer::default() };
    for path in paths {
        let failed = |source| DatabaseError::Io { path: path.display().to_string(), source };
        if std::fs::metadata(path).map_err(failed)?.is_dir() {
            std::fs::read_dir(path).map_err(failed)?;
            reader.folder(path, FOLDERS);
        } else {
            std::fs::File::open(path).map_err(failed)?;
            reader.file(path);
        }
    }
    Ok(reader.finish())
}

/// What records and problems are handed to while reading.
#[derive(Default)]
pub(crate) struct Sink {
    /// The file that is read, an archive's member after `!/`.
    pub(crate) path: String,
    pub(crate) import: Import,
    pub(crate) tracker: debian_tracker::Records,
    untold: u64,
}

impl Sink {
    pub(crate) fn problem(&mut self, code: &str, what: impl Into<String>, why: impl Into<String>) {
        if self.import.problems.len() < TOLD {
            self.import.problems.push(Problem::new(code, self.path.clone(), what, why));
        } else {
            self.untold += 1;
        }
    }

    pub(crate) fn osv(&mut self, value: serde_json::Value) {
        if let Some(advisory) = osv::read(value, &mut |what, why| self.problem("advisory-record", what, why)) {
            if let Some(modified) = advisory.modified {
                let newest = self.import.as_of.entry(advisory.feed.clone()).or_insert(modified);
                *newest = modified.max(*newest);
            }
            self.import.advisories.push(advisory);
        }
    }
}

#[derive(Default)]
struct Importer {
    sink: Sink,
    left: Rc<Cell<u64>>,
    seen: HashSet<PathBuf>,
}

/// Counts bytes off what is left for the whole import.
struct Counted<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.get().checked_sub(count as u64) {
            Some(left) => self.left.set(left),
            None => {
                self.left.set(0);
                return Err(io::Error::other(format!("the import is larger than {INFLATED} bytes")));
            }
        }
        Ok(count)
    }
}

impl Importer {
    fn folder(&mut self, path: &Path, depth: u32) {
        self.sink.path = path.display().to_string();
        // The same folder is read once, so that links in a circle come to an end.
        if let Ok(real) = path.canonicalize()
            && !self.seen.insert(real)
        {
            return;
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) if depth > 0 => entries,
            Ok(_) => return self.sink.problem("advisory-unreadable", "read the folder", "it is nested too deep"),
            Err(e) => return self.sink.problem("advisory-unreadable", "read the folder", e.to_string()),
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
                    self.sink.path = name.display().to_string();
                    self.sink.problem("advisory-unreadable", "read the file", e.to_string());
                }
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.sink.path = path.display().to_string();
        match std::fs::File::open(path) {
            Ok(file) => self.content(&mut io::BufReader::with_capacity(64 << 10, file), WRAPPINGS),
            Err(e) => self.sink.problem("advisory-unreadable", "read the file", e.to_string()),
        }
    }

    /// Reads bytes, unwrapping them by what they begin with.
    fn content(&mut self, reader: &mut dyn Read, depth: u32) {
        let mut reader = Counted { inner: reader, left: self.left.clone() };
        let mut head = Vec::new();
        if let Err(e) = (&mut reader).take(512).read_to_end(&mut head) {
            return self.sink.problem("advisory-unreadable", "read the file", e.to_string());
        }
        let wrapped = head.starts_with(&[0x1f, 0x8b])
            || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
            || head.get(257..262) == Some(b"ustar");
        if wrapped && depth == 0 {
            return self.sink.problem("advisory-unknown-format", "read the file", "archives in it are nested too deep");
        }
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        let zstd = head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let mut whole = io::Cursor::new(head).chain(reader);
        if gzip {
            self.content(&mut flate2::read::MultiGzDecoder::new(whole), depth - 1);
        } else if zstd {
            match zstd::stream::read::Decoder::new(whole) {
                Ok(mut decoder) => self.content(&mut decoder, depth - 1),
                Err(e) => self.sink.problem("advisory-unreadable", "decompress the file", e.to_string()),
            }
        } else if wrapped {
            self.archive(&mut whole, depth - 1);
        } else {
            self.document(whole);
        }
    }

    fn archive(&mut self, reader: &mut dyn Read, depth: u32) {
        let outer = self.sink.path.clone();
        let mut archive = tar::Archive::new(reader);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(e) => return self.sink.problem("advisory-unreadable", "read the archive", e.to_string()),
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    self.sink.path.clone_from(&outer);
                    return self.sink.problem("advisory-unreadable", "read the archive", e.to_string());
                }
            };
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = name.trim_start_matches("./");
            let hidden = name.split('/').any(|part| part.starts_with('.') && part.len() > 1);
            if entry.header().entry_type().is_file() && !hidden {
                self.sink.path = format!("{outer}!/{name}");
                self.content(&mut entry, depth);
            }
        }
        self.sink.path = outer;
    }

    fn document(&mut self, reader: impl Read) {
        match documents::read(reader, &mut self.sink) {
            Form::Known => self.sink.import.files += 1,
            Form::Empty => {
                self.sink.problem("advisory-unknown-format", "read the file", "it is empty");
            }
            Form::Html => self.sink.problem(
                "advisory-unknown-format",
                "read the file",
                "it is an HTML page, not advisories: a download may have met a sign-in or error page",
            ),
            Form::Unknown(why) => self.sink.problem("advisory-unknown-format", "read the file", why),
        }
    }

    fn finish(self) -> Import {
        let mut sink = self.sink;
        sink.import.advisories.extend(sink.tracker.into_advisories());
        if sink.untold > 0 {
            let why = format!("{} more problems are not listed", sink.untold);
            sink.import.problems.push(Problem::new("advisory-problems", "", "list every problem", why));
        }
        sink.import
    }
}
