//! From the text of one file to records: tells JSON, CSV, Markdown and YAML apart by the first line that
//! is not blank, and hands on to their readers.

use crate::json::{self, RECORD};
use crate::sink::Sink;
use crate::{epss, rustsec, yaml};
use std::io::{BufRead, BufReader, Read};

/// What a file turned out to be.
pub(crate) enum Form {
    /// Records of a known format, in part at least.
    Known,
    /// Nothing.
    Empty,
    /// A page for people.
    Html,
    /// Something else, and why it is not known.
    Unknown(String),
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a file that is in memory; records and problems go to the sink.
pub(crate) fn read_bytes(bytes: &[u8], sink: &mut Sink) -> Form {
    sink.exported = false;
    let mut bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    // Blank lines before the text mean nothing.
    let (first, after) = loop {
        let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |n| n + 1);
        let (line, after) = bytes.split_at(end);
        if line.is_empty() {
            return Form::Empty;
        }
        if !line.trim_ascii().is_empty() {
            break (line, after);
        }
        bytes = after;
    };
    match first.trim_ascii_start().first() {
        Some(b'{' | b'[') if json::is_line(first) => json::lines(first.to_vec(), &mut { after }, sink),
        Some(b'{' | b'[') => json::document(bytes, sink),
        Some(b'<') => Form::Html,
        _ if epss::is_first_line(first) => epss::read(first, &mut { after }, sink),
        _ => text(bytes, sink),
    }
}

/// Reads a file as it comes.
pub(crate) fn read_stream(reader: impl Read, sink: &mut Sink) -> Form {
    sink.exported = false;
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        first.clear();
        match (&mut reader).take(RECORD).read_until(b'\n', &mut first) {
            Ok(0) => return Form::Empty,
            Ok(_) => {}
            Err(e) => return Form::Unknown(e.to_string()),
        }
        if first.starts_with(BYTE_ORDER_MARK) {
            first.drain(..BYTE_ORDER_MARK.len());
        }
    }
    match first.trim_ascii_start().first() {
        Some(b'{' | b'[') if json::is_line(&first) => json::lines(first, &mut reader, sink),
        Some(b'{' | b'[') => json::stream(std::io::Cursor::new(first).chain(reader), sink),
        Some(b'<') => Form::Html,
        _ if epss::is_first_line(&first) => epss::read(&first, &mut reader, sink),
        _ => match reader.take(RECORD).read_to_end(&mut first) {
            Ok(n) if n as u64 == RECORD => Form::Unknown(format!("it is text of over {RECORD} bytes")),
            Ok(_) => text(&first, sink),
            Err(e) => Form::Unknown(e.to_string()),
        },
    }
}

/// Formats that are read whole.
fn text(bytes: &[u8], sink: &mut Sink) -> Form {
    const NONE: &str = "it is not JSON, and no other format is known";
    for (magic, name) in [(&b"BZh"[..], "bzip2"), (b"\xfd7zXZ", "xz"), (b"7z\xbc\xaf", "7-zip")] {
        if bytes.starts_with(magic) {
            return Form::Unknown(format!("it is compressed with {name}; gzip, zstd, zip and tar are read"));
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Form::Unknown(NONE.to_owned()) };
    if let Some(front) = rustsec::front_matter(text) {
        return rustsec::read(front, sink);
    }
    match yaml::shape(text) {
        Some(shape) => {
            yaml::read(shape, text, sink);
            Form::Known
        }
        None => Form::Unknown(NONE.to_owned()),
    }
}
