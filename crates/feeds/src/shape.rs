//! Whether bytes are the publisher's file, by how they begin and end: an error page with status 200 and a
//! body that was cut where no length was stated must not replace a good file. What the file says is for
//! its reader to judge.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::Form;

/// Bytes that [`begins`] wants, or the whole file where it is shorter.
pub(crate) const HEAD: usize = 512;
/// Bytes that a gzip may inflate to.
const INFLATED: u64 = 8 << 30;
/// The end record of a zip: its own size, and that of the comment behind it.
const ZIP_END: usize = 22;
const ZIP_COMMENT: usize = u16::MAX as usize;

/// Judges the first bytes.
pub(crate) fn begins(form: Form, head: &[u8]) -> Result<(), String> {
    let gzip = head.starts_with(&[0x1f, 0x8b]);
    let text = text(head);
    let good = match form {
        Form::Json => gzip || matches!(text.first(), Some(b'{' | b'[')),
        // The second is an archive without members.
        Form::Zip => head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06"),
        Form::Gzip => gzip,
    };
    if good { Ok(()) } else { Err(format!("{}, not {}", what(text), name(form))) }
}

/// Judges the whole file. The outer error is that of the disk.
pub(crate) fn whole(form: Form, path: &Path) -> io::Result<Result<(), String>> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    Read::by_ref(&mut file).take(2).read_to_end(&mut magic)?;
    file.rewind()?;
    if form == Form::Zip {
        return Ok(zip_ends(&mut file)?.then_some(()).ok_or_else(|| "the archive is cut: it has no end".to_owned()));
    }
    let mut ends = Ends::default();
    if magic == [0x1f, 0x8b] {
        let mut reader = MultiGzDecoder::new(io::BufReader::with_capacity(64 << 10, file)).take(INFLATED + 1);
        if let Err(error) = ends.read(&mut reader) {
            return Ok(Err(format!("the gzip is damaged or cut: {error}")));
        }
        if reader.limit() == 0 {
            return Ok(Err(format!("it inflates to more than {INFLATED} bytes")));
        }
    } else {
        ends.read(&mut file)?;
    }
    Ok(ends.judge(form))
}

/// The first bytes and the last byte of a text.
#[derive(Default)]
struct Ends {
    head: Vec<u8>,
    last: Option<u8>,
}

impl Ends {
    fn read(&mut self, reader: &mut impl Read) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            let room = HEAD.saturating_sub(self.head.len()).min(count);
            self.head.extend(bytes.iter().take(room));
            self.last = bytes.iter().rev().find(|b| !b.is_ascii_whitespace()).copied().or(self.last);
        }
    }

    fn judge(&self, form: Form) -> Result<(), String> {
        let text = text(&self.head);
        let first = text.first().copied();
        match (form, first, self.last) {
            (Form::Json, Some(b'{'), Some(b'}')) | (Form::Json, Some(b'['), Some(b']')) => Ok(()),
            (Form::Json, Some(b'{' | b'['), _) => Err("the JSON is cut: it does not end as it begins".to_owned()),
            (Form::Gzip, Some(first), _) if first != b'<' => Ok(()),
            _ => Err(format!("{}, not {}", what(text), name(form))),
        }
    }
}

fn zip_ends(file: &mut File) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    let tail = size.min((ZIP_END + ZIP_COMMENT) as u64);
    file.seek(SeekFrom::Start(size - tail))?;
    let mut bytes = Vec::new();
    file.take(tail).read_to_end(&mut bytes)?;
    // The record states how long the comment is that reaches to the end of the file.
    Ok(bytes.windows(ZIP_END).enumerate().any(|(at, record)| {
        let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
        record.starts_with(b"PK\x05\x06") && at + ZIP_END + comment == bytes.len()
    }))
}

/// Without what may stand before a text: a byte order mark, white space.
fn text(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start()
}

fn name(form: Form) -> &'static str {
    match form {
        Form::Json => "JSON",
        Form::Zip => "a zip archive",
        Form::Gzip => "text under gzip",
    }
}

/// What it is instead, as far as it can be told.
fn what(text: &[u8]) -> &'static str {
    let lower = text.get(..text.len().min(64)).unwrap_or_default().to_ascii_lowercase();
    if text.is_empty() {
        "it is empty"
    } else if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") || lower.starts_with(b"<head") {
        "it is an HTML page, as a sign-in or error page would be"
    } else if text.starts_with(b"<") {
        "it is XML or HTML"
    } else if text.starts_with(b"version https://git-lfs") {
        "it is a pointer of Git LFS"
    } else {
        "it is something else"
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    const ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0ab";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn judge(form: Form, bytes: &[u8]) -> Result<(), String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        whole(form, file.path()).unwrap()
    }

    #[track_caller]
    fn check(form: Form, bytes: &[u8], expect: Result<(), &str>) {
        match (judge(form, bytes), expect) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[track_caller]
    fn check_begin(form: Form, bytes: &[u8], expect: Result<(), &str>) {
        match (begins(form, bytes), expect) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (got, expect) => panic!("{got:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn the_first_bytes_tell_a_page_from_a_file() {
        check_begin(Form::Json, b" \n{\"a\":", Ok(()));
        check_begin(Form::Json, b"\xef\xbb\xbf[", Ok(()));
        check_begin(Form::Json, &gzip(b"{}"), Ok(()));
        check_begin(Form::Json, b"\n<!DOCTYPE HTML><html>", Err("an HTML page"));
        check_begin(Form::Json, b"<?xml version", Err("XML or HTML, not JSON"));
        check_begin(Form::Json, b"", Err("empty"));
        check_begin(Form::Zip, b"PK\x03\x04", Ok(()));
        check_begin(Form::Zip, b"<html>", Err("not a zip archive"));
        check_begin(Form::Zip, b"{}", Err("something else"));
        check_begin(Form::Gzip, b"cve,epss", Err("not text under gzip"));
        check_begin(Form::Gzip, b"version https://git-lfs.github.com/spec/v1", Err("Git LFS"));
    }

    #[test]
    fn a_cut_file_is_known_by_its_end() {
        check(Form::Json, b"{\"a\":[]}\n", Ok(()));
        check(Form::Json, b"[{}]", Ok(()));
        check(Form::Json, b"{\"a\":[]", Err("cut"));
        check(Form::Json, b"{", Err("cut"));
        check(Form::Json, b"", Err("empty"));
        check(Form::Zip, ZIP, Ok(()));
        check(Form::Zip, &ZIP[..ZIP.len() - 1], Err("cut"));
        check(Form::Zip, b"PK\x03\x04", Err("cut"));
    }

    #[test]
    fn a_gzip_is_read_to_its_end() {
        let json = gzip(br#"{"a":1}"#);
        check(Form::Json, &json, Ok(()));
        check(Form::Json, &json[..json.len() - 3], Err("damaged or cut"));
        let mut flipped = json.clone();
        *flipped.last_mut().unwrap() ^= 1;
        check(Form::Json, &flipped, Err("damaged or cut"));
        check(Form::Json, &gzip(b"<html>"), Err("an HTML page"));
        check(Form::Json, &gzip(b"{\"a\":"), Err("cut"));
        check(Form::Gzip, &gzip(b"#model_version:v1\ncve,epss,percentile\n"), Ok(()));
        check(Form::Gzip, &gzip(b"<html>"), Err("an HTML page"));
        check(Form::Gzip, &gzip(b""), Err("empty"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for form in [Form::Json, Form::Zip, Form::Gzip] {
                let _ = begins(form, &bytes);
                let _ = judge(form, &bytes);
            }
        }

        #[test]
        fn no_cut_of_an_archive_passes(at in 0..ZIP.len()) {
            prop_assert!(judge(Form::Zip, &ZIP[..at]).is_err());
        }
    }
}
