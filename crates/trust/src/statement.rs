//! in-toto statements (in-toto/attestation `spec/v1/statement.md`): what a signature is about.
//!
//! Read from the signed bytes, strictly: a key twice, in whatever map, or one that differs from a
//! known one only in case, would let two readers see two statements in one payload (A46).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cleanbill_model::Digest;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as Derive, Serialize};

/// The predicate type that makes a statement a signature (sigstore/cosign `pkg/types/predicate.go`).
pub(crate) const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const V1: &str = "https://in-toto.io/Statement/v1";
const V01: &str = "https://in-toto.io/Statement/v0.1";
const MAX_SUBJECTS: usize = 1024;
const MAX_DIGESTS: usize = 32;

/// A statement as read.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Predicate type.
    pub(crate) predicate_type: String,
    /// The predicate is an object or absent: only then may it count as one of its type (A03).
    pub(crate) predicate_is_object: bool,
    /// The predicate.
    pub(crate) predicate: Option<serde_json::Value>,
    subjects: Vec<Subject>,
}

#[derive(Debug)]
struct Subject {
    digest: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Subject {
    fn is(&self, digest: &Digest) -> bool {
        self.digest.get(digest.algorithm().name()).is_some_and(|hex| hex == digest.hex())
    }
}

impl Statement {
    /// Parses a payload.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, String> {
        let bad = |e: serde_json::Error| format!("the signed statement is malformed: {e}");
        let _: Unique = serde_json::from_slice(payload).map_err(bad)?;
        let wire: Wire = serde_json::from_slice(payload).map_err(bad)?;
        if wire.kind != V1 && wire.kind != V01 {
            return Err(format!("the signed statement is of type `{}`, not {V1}", shown(&wire.kind)));
        }
        if let Some(found) = wire.more.keys().find(|f| FIELDS.iter().any(|known| known.eq_ignore_ascii_case(f))) {
            return Err(format!("the signed statement has a field `{}` that others may read as another", shown(found)));
        }
        if wire.subject.is_empty() {
            return Err("the signed statement has no subject".to_owned());
        }
        if wire.subject.len() > MAX_SUBJECTS {
            return Err(format!("the signed statement has more than {MAX_SUBJECTS} subjects"));
        }
        let mut subjects = Vec::with_capacity(wire.subject.len());
        for subject in wire.subject {
            let known = |f: &&String| ["digest", "annotations"].iter().any(|known| known.eq_ignore_ascii_case(f));
            if let Some(found) = subject.more.keys().find(known) {
                return Err(format!("a subject has a field `{}` that others may read as another", shown(found)));
            }
            if subject.digest.len() > MAX_DIGESTS {
                return Err(format!("a subject has more than {MAX_DIGESTS} digests"));
            }
            let annotations = subject.annotations.unwrap_or_default().into_iter().map(|(key, value)| match value {
                serde_json::Value::String(text) => (key, text),
                other => (key, other.to_string()),
            });
            subjects.push(Subject { digest: subject.digest, annotations: annotations.collect() });
        }
        Ok(Self {
            predicate_type: wire.predicate_type,
            predicate_is_object: wire.predicate.as_ref().is_none_or(serde_json::Value::is_object),
            predicate: wire.predicate,
            subjects,
        })
    }

    /// Whether one subject is `digest`: by its own algorithm's entry and no other (A13, A14).
    pub(crate) fn speaks_of(&self, digest: &Digest) -> bool {
        self.subjects.iter().any(|s| s.is(digest))
    }

    /// What is annotated to the subject that is `digest`, and to no other.
    pub(crate) fn annotations(&self, digest: &Digest) -> BTreeMap<String, String> {
        self.subjects.iter().find(|s| s.is(digest)).map(|s| s.annotations.clone()).unwrap_or_default()
    }

    /// The first digest it speaks of, for people.
    pub(crate) fn first_subject(&self) -> String {
        self.subjects
            .iter()
            .find_map(|s| s.digest.get_key_value("sha256").or_else(|| s.digest.first_key_value()))
            .map_or_else(|| "no digest at all".to_owned(), |(name, hex)| format!("{}:{}", shown(name), shown(hex)))
    }
}

/// Outside text for a message: no control characters, not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(160).flat_map(char::escape_debug).collect();
    if text.chars().nth(160).is_some() {
        out.push('…');
    }
    out
}

const FIELDS: [&str; 4] = ["_type", "subject", "predicateType", "predicate"];

#[derive(Derive)]
struct Wire {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<WireSubject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(default)]
    predicate: Option<serde_json::Value>,
    /// Consumers are to ignore what they do not know.
    #[serde(flatten)]
    more: BTreeMap<String, serde_json::Value>,
}

#[derive(Derive)]
struct WireSubject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(flatten)]
    more: BTreeMap<String, serde_json::Value>,
}

/// Any JSON in which no map has a key twice.
pub(crate) struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Unique)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Unique;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("field `{}` stands twice", shown(&key))));
            }
            seen.insert(key);
            map.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

/// The statement that an attestation about `digest` signs, byte for byte in cosign's field order.
/// `predicate` is JSON that stands as it is.
pub(crate) fn attestation_statement(
    repository: &str,
    digest: &Digest,
    predicate_type: &str,
    predicate: &serde_json::value::RawValue,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Out<'a> {
        #[serde(rename = "_type")]
        kind: &'a str,
        subject: [Named<'a>; 1],
        #[serde(rename = "predicateType")]
        predicate_type: &'a str,
        predicate: &'a serde_json::value::RawValue,
    }
    #[derive(Serialize)]
    struct Named<'a> {
        name: &'a str,
        digest: BTreeMap<&'a str, &'a str>,
    }
    serde_json::to_vec(&Out {
        kind: V01,
        subject: [Named { name: repository, digest: BTreeMap::from([(digest.algorithm().name(), digest.hex())]) }],
        predicate_type,
        predicate,
    })
}

/// The statement that a signature over `digest` signs, byte for byte in cosign's field order.
pub(crate) fn signature_statement(
    digest: &Digest,
    annotations: &BTreeMap<String, String>,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Out<'a> {
        #[serde(rename = "_type")]
        kind: &'a str,
        subject: [OutSubject<'a>; 1],
        #[serde(rename = "predicateType")]
        predicate_type: &'a str,
        predicate: Empty,
    }
    #[derive(Serialize)]
    struct OutSubject<'a> {
        digest: BTreeMap<&'a str, &'a str>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        annotations: &'a BTreeMap<String, String>,
    }
    #[derive(Serialize)]
    struct Empty {}
    serde_json::to_vec(&Out {
        kind: V1,
        subject: [OutSubject { digest: BTreeMap::from([(digest.algorithm().name(), digest.hex())]), annotations }],
        predicate_type: SIGN,
        predicate: Empty {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Digest {
        Digest::sha256(b"image")
    }

    fn statement(subject: &str, predicate: &str) -> String {
        format!(r#"{{"_type":"{V1}","subject":{subject},"predicateType":"{SIGN}"{predicate}}}"#)
    }

    #[track_caller]
    fn check(text: &str) -> Statement {
        Statement::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let err = Statement::parse(text.as_bytes()).expect_err(text);
        assert!(err.contains(part), "{text}: {err}");
    }

    #[test]
    fn what_is_written_is_what_cosign_writes() {
        let bytes = signature_statement(&ours(), &BTreeMap::new()).unwrap();
        let expect = statement(&format!(r#"[{{"digest":{{"sha256":"{}"}}}}]"#, ours().hex()), r#","predicate":{}"#);
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expect);
        let read = Statement::parse(&bytes).unwrap();
        assert!(read.speaks_of(&ours()) && read.predicate_is_object && read.predicate_type == SIGN);
        let with = signature_statement(&ours(), &BTreeMap::from([("who".to_owned(), "ci".to_owned())])).unwrap();
        assert!(String::from_utf8(with).unwrap().contains(r#""annotations":{"who":"ci"}"#));
    }

    #[test]
    fn both_statement_versions_are_read_and_no_other() {
        let text = statement(&format!(r#"[{{"name":"x","digest":{{"sha256":"{}"}}}}]"#, ours().hex()), "");
        assert!(check(&text).speaks_of(&ours()));
        assert!(check(&text.replace("Statement/v1", "Statement/v0.1")).speaks_of(&ours()));
        refused(&text.replace("Statement/v1", "Statement/v2"), "of type");
    }

    #[test]
    fn a03_a_predicate_that_is_no_object_is_told() {
        let subject = r#"[{"digest":{}}]"#;
        assert!(check(&statement(subject, "")).predicate_is_object);
        assert!(check(&statement(subject, r#","predicate":{"a":1}"#)).predicate_is_object);
        assert!(!check(&statement(subject, r#","predicate":"{}""#)).predicate_is_object);
        assert!(!check(&statement(subject, r#","predicate":[]"#)).predicate_is_object);
    }

    #[test]
    fn annotations_are_those_of_our_subject_alone() {
        let other = Digest::sha256(b"other").hex().to_owned();
        let two = format!(
            r#"[{{"digest":{{"sha256":"{other}"}},"annotations":{{"who":"x"}}}},{{"digest":{{"sha256":"{}"}},"annotations":{{"n":1}}}}]"#,
            ours().hex()
        );
        assert_eq!(
            check(&statement(&two, "")).annotations(&ours()),
            BTreeMap::from([("n".to_owned(), "1".to_owned())])
        );
        refused(&statement(&two.replace("\"annotations\":{\"n", "\"Annotations\":{\"n"), ""), "read as another");
    }

    #[test]
    fn a14_only_the_digests_own_algorithm_counts() {
        let (hex, other) = (ours().hex().to_owned(), Digest::sha256(b"other").hex().to_owned());
        let speaks = |subject: &str| check(&statement(subject, "")).speaks_of(&ours());
        assert!(!speaks(&format!(r#"[{{"digest":{{"sha512":"{hex}"}}}}]"#)));
        assert!(!speaks(&format!(r#"[{{"digest":{{"sha1":"{hex}","sha256":"{other}"}}}}]"#)));
        assert!(!speaks(&format!(r#"[{{"digest":{{"sha256":"{}"}}}}]"#, hex.to_uppercase())));
        assert!(!speaks(&format!(r#"[{{"name":"{hex}"}}]"#)));
        assert!(speaks(&format!(r#"[{{"digest":{{"sha256":"{other}"}}}},{{"digest":{{"sha256":"{hex}"}}}}]"#)));
    }

    #[test]
    fn a14_a_million_subjects_are_not_walked() {
        let one = r#"{"digest":{}}"#;
        let many = |n: usize| format!("[{}]", vec![one; n].join(","));
        check(&statement(&many(1024), ""));
        refused(&statement(&many(1025), ""), "more than 1024 subjects");
        refused(&statement("[]", ""), "no subject");
        let digests: Vec<_> = (0..33).map(|n| format!(r#""a{n}":"x""#)).collect();
        refused(&statement(&format!(r#"[{{"digest":{{{}}}}}]"#, digests.join(",")), ""), "more than 32 digests");
    }

    #[test]
    fn a46_a_key_that_stands_twice_is_refused_in_every_map() {
        let hex = ours().hex().to_owned();
        let good = format!(r#"[{{"digest":{{"sha256":"{hex}"}}}}]"#);
        refused(&statement(&good, &format!(r#","predicateType":"{SIGN}""#)), "stands twice");
        refused(&statement(&good, r#","predicate":{"a":1,"a":2}"#), "stands twice");
        refused(&statement(&format!(r#"[{{"digest":{{"sha256":"00","sha256":"{hex}"}}}}]"#), ""), "stands twice");
        refused(&statement(&format!(r#"[{{"digest":{{}},"digest":{{"sha256":"{hex}"}}}}]"#), ""), "stands twice");
        refused(&statement(&good, r#","PredicateType":"https://spdx.dev/Document""#), "read as another");
        refused(&statement(&format!(r#"[{{"Digest":{{}},"digest":{{"sha256":"{hex}"}}}}]"#), ""), "read as another");
        check(&statement(&good, r#","later":{"x":[1,2,{"y":null}]}"#));
    }

    #[test]
    fn what_is_no_statement_is_refused() {
        refused("", "malformed");
        refused("[]", "malformed");
        refused(r#"{"critical":{},"optional":null}"#, "malformed");
        refused(&"[".repeat(100_000), "malformed");
        refused(&(statement("[{}]", "") + "{}"), "trailing");
    }
}
