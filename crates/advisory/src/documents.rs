//! From the text of one file to records: tells the format by the document's shape and reads it in a
//! stream, so that no more than one record is in memory at a time.
//!
//! | shape | format |
//! |---|---|
//! | object with `id` and `affected`, `modified` or `schema_version` | one OSV record |
//! | list of such, or `{"vulns": […]}` | OSV records |
//! | lines, each one JSON document of the above | the same |
//! | object of objects of objects with `releases` | the Debian tracker's export |

use crate::input::Sink;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Bytes of one record, and of one line.
const RECORD: u64 = 64 << 20;
/// Members that a record may have before it is certain to be none.
const MEMBERS: usize = 64;

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

/// Reads one file; records and problems go to the sink.
pub(crate) fn read(reader: impl Read, sink: &mut Sink) -> Form {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let mut first = Vec::new();
    // Blank lines before the text mean nothing; a byte order mark neither.
    while first.trim_ascii().is_empty() {
        first.clear();
        match (&mut reader).take(RECORD).read_until(b'\n', &mut first) {
            Ok(0) => return Form::Empty,
            Ok(_) => {}
            Err(e) => return Form::Unknown(e.to_string()),
        }
        if first.starts_with(b"\xef\xbb\xbf") {
            first.drain(..3);
        }
    }
    match first.trim_ascii_start().first() {
        Some(b'{' | b'[') => {}
        Some(b'<') => return Form::Html,
        _ => return Form::Unknown("it is not JSON, and no other format is known".to_owned()),
    }
    let complete = first.trim_ascii_end().ends_with(b"}") && serde_json::from_slice::<IgnoredAny>(&first).is_ok();
    if complete { lines(first, &mut reader, sink) } else { document(first, reader, sink) }
}

fn lines(mut line: Vec<u8>, reader: &mut impl BufRead, sink: &mut Sink) -> Form {
    let allowance = Rc::new(Cell::new(RECORD));
    let mut number = 1u64;
    let mut known = false;
    let mut why = String::new();
    loop {
        if !line.trim_ascii().is_empty() {
            let mut text = serde_json::Deserializer::from_slice(&line);
            let mut top = Top::new(sink, &allowance);
            let read = (&mut top).deserialize(&mut text).and_then(|()| text.end());
            let (form, bad) = (top.form(), read.err());
            match (form, bad) {
                (_, Some(e)) => sink.problem("advisory-record", format!("read line {number}"), e.to_string()),
                (Form::Known, None) => known = true,
                (Form::Unknown(reason), None) if known => {
                    sink.problem("advisory-record", format!("read line {number}"), reason);
                }
                (Form::Unknown(reason), None) => why = reason,
                _ => {}
            }
            if !known && number >= 16 {
                break;
            }
        }
        line.clear();
        number += 1;
        match reader.take(RECORD).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) if line.len() as u64 == RECORD && !line.ends_with(b"\n") => {
                sink.problem(
                    "advisory-record",
                    format!("read line {number}"),
                    format!("it is longer than {RECORD} bytes"),
                );
                break;
            }
            Ok(_) => {}
            Err(e) => {
                sink.problem("advisory-unreadable", format!("read line {number}"), e.to_string());
                break;
            }
        }
    }
    if known { Form::Known } else { Form::Unknown(why) }
}

fn document(first: Vec<u8>, rest: impl Read, sink: &mut Sink) -> Form {
    let allowance = Rc::new(Cell::new(RECORD));
    let whole = BufReader::with_capacity(64 << 10, io::Cursor::new(first).chain(rest));
    let bounded = Bounded { inner: whole, left: allowance.clone() };
    let mut text = serde_json::Deserializer::from_reader(bounded);
    let mut top = Top::new(sink, &allowance);
    let read = (&mut top).deserialize(&mut text).and_then(|()| text.end());
    let (form, after) = (top.form(), top.place());
    match (form, read) {
        (Form::Known, Err(e)) => {
            sink.problem("advisory-record", format!("read on after {after}"), e.to_string());
            Form::Known
        }
        (_, Err(e)) if e.is_syntax() || e.is_eof() => Form::Unknown(format!("its JSON is malformed: {e}")),
        (Form::Unknown(why), Err(e)) if why.is_empty() => Form::Unknown(e.to_string()),
        (form, _) => form,
    }
}

/// A reader that gives no more than what is left for one record.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64);
        self.left.set(left.ok_or_else(|| io::Error::other(format!("a record is larger than {RECORD} bytes")))?);
        Ok(count)
    }
}

/// The outermost value of a document, read member by member.
struct Top<'a> {
    sink: &'a mut Sink,
    allowance: &'a Cell<u64>,
    known: bool,
    why: String,
    records: u64,
    last: String,
}

impl<'a> Top<'a> {
    fn new(sink: &'a mut Sink, allowance: &'a Cell<u64>) -> Self {
        Self { sink, allowance, known: false, why: String::new(), records: 0, last: String::new() }
    }

    fn form(&self) -> Form {
        if self.known { Form::Known } else { Form::Unknown(self.why.clone()) }
    }

    /// The last thing that was read whole.
    fn place(&self) -> String {
        match (&*self.last, self.records) {
            ("", 0) => "the beginning".to_owned(),
            ("", n) => format!("record {n}"),
            (name, _) => name.to_owned(),
        }
    }

    fn record(&mut self, value: Value) {
        self.records += 1;
        self.allowance.set(RECORD);
        if is_osv(&value) {
            self.known = true;
            self.last = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            self.sink.osv(value);
        } else if self.known {
            let what = format!("read record {}", self.records);
            self.sink.problem("advisory-record", what, "it is no OSV record: it has no id, or nothing beside it");
        } else {
            "the list does not begin with an OSV record".clone_into(&mut self.why);
        }
    }
}

fn is_osv(value: &Value) -> bool {
    value.get("id").is_some_and(Value::is_string)
        && ["affected", "modified", "schema_version"].iter().any(|k| value.get(k).is_some())
}

impl<'de> DeserializeSeed<'de> for &mut Top<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of advisories")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        "it is an empty list".clone_into(&mut self.why);
        while let Some(value) = list.next_element::<Value>()? {
            self.record(value);
            if !self.known && self.records >= 16 {
                return Err(A::Error::custom(&self.why));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "vulns" || key == "vulnerabilities" {
                // What is there is a list of records even if it holds none.
                let before = self.records;
                map.next_value_seed(&mut *self)?;
                self.known |= self.records == before;
                continue;
            }
            let value: Value = map.next_value()?;
            self.allowance.set(RECORD);
            if crate::debian_tracker::is_source(&value) {
                self.known = true;
                crate::debian_tracker::read_source(&key, &value, self.sink);
                self.last = format!("source package {key}");
            } else {
                rest.insert(key, value);
                if rest.len() > MEMBERS {
                    "it is JSON of no known format".clone_into(&mut self.why);
                    return if self.known { Ok(()) } else { Err(A::Error::custom(&self.why)) };
                }
            }
        }
        let rest = Value::Object(rest);
        if is_osv(&rest) {
            self.record(rest);
        } else if !self.known {
            "it is JSON of no known format".clone_into(&mut self.why);
        }
        Ok(())
    }
}
