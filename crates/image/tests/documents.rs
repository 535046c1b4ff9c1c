//! Manifests, indexes and configurations: what is read and what is refused.
#![allow(clippy::unwrap_used)]

use cleanbill_image::{Config, Document, Index};
use cleanbill_model::{Digest, Platform};

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn descriptor(extra: &str) -> String {
    format!(r#"{{"mediaType":"{OCI}","digest":"{}","size":1{extra}}}"#, Digest::sha256(extra))
}

fn manifest(extra: &str) -> String {
    format!(r#"{{"schemaVersion":2{extra},"config":{},"layers":[{}]}}"#, descriptor(""), descriptor(""))
}

#[track_caller]
fn refuse(raw: &str, content_type: Option<&str>, part: &str) {
    let error = Document::parse(raw.as_bytes().to_vec(), content_type).expect_err(part).to_string();
    assert!(error.contains(part), "{error}");
}

#[track_caller]
fn accept(raw: &str, content_type: Option<&str>, media_type: &str) {
    let document = Document::parse(raw.as_bytes().to_vec(), content_type).unwrap();
    assert_eq!((document.media_type(), document.raw()), (media_type, raw.as_bytes()));
    assert_eq!(*document.digest(), Digest::sha256(raw));
}

#[test]
fn media_types_come_from_the_document_then_the_registry_then_the_content() {
    accept(&manifest(&format!(r#","mediaType":"{DOCKER}""#)), Some(DOCKER), DOCKER);
    accept(&manifest(""), Some(DOCKER), DOCKER);
    accept(&manifest(""), Some("application/json; charset=utf-8"), OCI);
    accept(&manifest(""), None, OCI);
    accept(r#"{"schemaVersion":2,"manifests":[]}"#, None, OCI_INDEX);
}

// Attack A20.
#[test]
fn what_two_readers_may_see_differently_is_refused() {
    refuse(&manifest(r#","manifests":[]"#), None, "an index and an image at once");
    refuse(&manifest(&format!(r#","mediaType":"{OCI}""#)), Some(OCI_INDEX), "the registry says");
    refuse(&manifest(&format!(r#","mediaType":"{OCI_INDEX}""#)), None, "not what its media type");
    refuse(&manifest(""), Some(OCI_INDEX), "not what its media type");
    refuse(&manifest(r#","Layers":[]"#), None, "by case only");
    refuse(&manifest(r#","config":null"#), None, "duplicate field");
}

#[test]
fn what_is_no_image_of_today_is_refused() {
    refuse("{", None, "EOF");
    refuse(r#"{"schemaVersion":1}"#, None, "schema 1");
    refuse(r#"{"schemaVersion":2,"fsLayers":[],"layers":[]}"#, None, "schema 1");
    refuse(r#"{"layers":[]}"#, None, "`schemaVersion` is not 2");
    refuse(r#"{"schemaVersion":2,"layers":[]}"#, None, "no `config`");
    refuse(&manifest(r#","mediaType":"text/plain""#), None, "neither an image manifest");
    refuse(&manifest("").replace("sha256:", "sha256:x"), None, "hexadecimal");
    refuse(&manifest("").replace("\"size\":1", "\"size\":-1"), None, "invalid value");
    refuse(&" ".repeat((4 << 20) + 1), None, "more than 4194304");
    let layers = vec![descriptor(""); 1025].join(",");
    refuse(
        &format!(r#"{{"schemaVersion":2,"config":{},"layers":[{layers}]}}"#, descriptor("")),
        None,
        "more than 1024",
    );
}

fn index(entries: &[&str]) -> Index {
    let entries: Vec<_> = entries.iter().map(|e| descriptor(e)).collect();
    let raw = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    match Document::parse(raw.into_bytes(), None).unwrap() {
        Document::Index(index) => index,
        Document::Manifest(_) => panic!("an index"),
    }
}

const AMD: &str = r#","platform":{"os":"linux","architecture":"amd64"}"#;
const ARM: &str = r#","platform":{"os":"linux","architecture":"arm64","variant":"v8"}"#;
const ATTESTATION: &str = r#","platform":{"os":"unknown","architecture":"unknown"}"#;

#[test]
fn the_first_entry_that_serves_is_selected() {
    let index = index(&[ATTESTATION, AMD, ARM]);
    let select = |p| index.select(Platform::parse(p).as_ref()).map(|d| d.digest.clone());
    assert_eq!(select("linux/arm64").unwrap(), Digest::sha256(ARM));
    assert_eq!(select("linux/amd64").unwrap(), Digest::sha256(AMD));
    let error = select("linux/s390x").unwrap_err().to_string();
    assert_eq!(error, "no image for linux/s390x; there is linux/amd64, linux/arm64/v8");
}

#[test]
fn an_entry_without_platform_serves_any_and_an_attestation_none() {
    let any = index(&[""]);
    assert!(any.select(Platform::parse("linux/s390x").as_ref()).is_ok());
    assert!(index(&[ATTESTATION]).select(Platform::parse("unknown/unknown").as_ref()).is_err());
}

#[test]
fn a_configuration_without_platform_has_none() {
    let parse = |text: &str| Config::parse(text.as_bytes().to_vec());
    assert_eq!(parse("{}").unwrap().platform, None);
    assert_eq!(parse(r#"{"os":"","architecture":""}"#).unwrap().platform, None);
    let full = r#"{"os":"linux","architecture":"arm","variant":"v7","rootfs":{"diff_ids":null}}"#;
    assert_eq!(parse(full).unwrap().platform, Platform::parse("linux/arm/v7"));
    assert!(parse(r#"{"rootfs":{"diff_ids":["md5:x"]}}"#).is_err());
    assert!(parse("[]").is_err());
}
