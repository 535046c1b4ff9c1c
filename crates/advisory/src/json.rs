//! JSON documents, read in a stream, so that no more than one record is in memory at a time.
//!
//! | shape | format |
//! |---|---|
//! | object with `id` and `affected`, `modified` or `schema_version` | one OSV record |
//! | list of such, or `{"vulns": […]}` | OSV records |
//! | `{"vulnerabilities": […]}` whose members have a `cveID` | CISA's catalogue of known exploited vulnerabilities |
//! | object of objects of objects with `releases` | the Debian tracker's export |
//! | object of objects with `vulnerable` and `cve` | the Node.js index |
//! | object of objects with `vulnerabilities` and `extractors` | Retire.js |
//! | object with `packages`, a list of objects with `pkg` | secdb of Alpine, Wolfi, Chainguard |
//! | lines, each one JSON document of the above | the same |

use crate::documents::Form;
use crate::sink::Sink;
use crate::{debian_tracker, export, kev, node_core, retirejs, secdb};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Bytes of one record, and of one line.
pub(crate) const RECORD: u64 = 64 << 20;
/// Members that a record may have before it is certain to be none.
const MEMBERS: usize = 64;

/// Whether the first line of a file is a whole document, so that more may follow.
pub(crate) fn is_line(first: &[u8]) -> bool {
    first.trim_ascii_end().ends_with(b"}") && serde_json::from_slice::<IgnoredAny>(first).is_ok()
}

/// Reads one document a line; `line` is the first.
pub(crate) fn lines(mut line: Vec<u8>, reader: &mut impl BufRead, sink: &mut Sink) -> Form {
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
                (_, Some(e)) => sink.record_problem(format!("read line {number}"), e.to_string()),
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

/// Reads a document that is in memory.
pub(crate) fn document(bytes: &[u8], sink: &mut Sink) -> Form {
    read(serde_json::Deserializer::from_slice(bytes), &Rc::new(Cell::new(RECORD)), sink)
}

/// Reads a document as it comes.
pub(crate) fn stream(reader: impl Read, sink: &mut Sink) -> Form {
    let allowance = Rc::new(Cell::new(RECORD));
    let bounded = Bounded { inner: BufReader::with_capacity(64 << 10, reader), left: allowance.clone() };
    read(serde_json::Deserializer::from_reader(bounded), &allowance, sink)
}

fn read<'de, R>(mut text: serde_json::Deserializer<R>, allowance: &Cell<u64>, sink: &mut Sink) -> Form
where
    R: serde_json::de::Read<'de>,
{
    let mut top = Top::new(sink, allowance);
    let read = (&mut top).deserialize(&mut text).and_then(|()| text.end());
    let (form, after) = (top.form(), top.place());
    match (form, read) {
        (Form::Known, Err(e)) => {
            sink.record_problem(format!("read on after {after}"), e.to_string());
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
        } else if kev::is_entry(&value) {
            self.known = true;
            self.last = kev::read_entry(&value, self.sink);
        } else if self.known {
            let what = format!("read record {}", self.records);
            self.sink.record_problem(what, "it is no OSV record: it has no id, or nothing beside it");
        } else {
            "the list does not begin with an OSV record".clone_into(&mut self.why);
        }
    }

    /// A member of an object that is a format's own; `None` gives it back.
    fn member(&mut self, key: &str, value: Value) -> Option<Value> {
        if debian_tracker::is_source(&value) {
            debian_tracker::read_source(key, &value, self.sink);
            self.last = format!("source package {key}");
        } else if node_core::is_entry(&value) {
            node_core::read_entry(key, &value, self.sink);
            self.last = format!("vulnerability {key}");
        } else if retirejs::is_library(&value) {
            retirejs::read_library(key, &value, self.sink);
            self.last = format!("library {key}");
        } else {
            return Some(value);
        }
        self.known = true;
        None
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
        let mut packages = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "vulns" || key == "vulnerabilities" {
                // What is there is a list of records even if it holds none.
                let before = self.records;
                map.next_value_seed(&mut *self)?;
                self.known |= self.records == before;
                continue;
            }
            if key == "packages" {
                let mut found = secdb::Packages::default();
                map.next_value_seed(PackageList { found: &mut found, allowance: self.allowance })?;
                packages = Some(found);
                continue;
            }
            let value: Value = map.next_value()?;
            self.allowance.set(RECORD);
            if let Some(value) = self.member(&key, value) {
                rest.insert(key, value);
                if rest.len() > MEMBERS {
                    "it is JSON of no known format".clone_into(&mut self.why);
                    return if self.known { Ok(()) } else { Err(A::Error::custom(&self.why)) };
                }
            }
        }
        let rest = Value::Object(rest);
        if let Some(packages) = packages.filter(|_| secdb::is_secdb(&rest)) {
            self.known = true;
            secdb::read(&rest, packages, self.sink);
        } else if is_osv(&rest) {
            self.record(rest);
        } else if export::is_ours(&rest) {
            self.known = true;
            export::read(&rest, self.sink);
        } else if kev::is_catalogue(&rest) {
            kev::read_catalogue(&rest, self.sink);
        } else if !self.known {
            "it is JSON of no known format".clone_into(&mut self.why);
        }
        Ok(())
    }
}

/// The list of packages of a secdb, kept small until its release is known.
struct PackageList<'a> {
    found: &'a mut secdb::Packages,
    allowance: &'a Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for PackageList<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PackageList<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of packages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            self.allowance.set(RECORD);
            self.found.add(&value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // Other formats have an object of that name; nothing in it is ours.
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
