//! The registry is strict: what real registries refuse, it refuses too. Spoken to in bare HTTP/1.1, so
//! that no client's kindness hides a fault.
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use cleanbill_model::Digest;
use cleanbill_testkit::{Auth, BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};

fn image() -> BuiltImage {
    ImageBuilder::new().layer(Layer::new().file("a", "b")).build()
}

fn start(referrers_api: bool) -> Registry {
    Registry::start_blocking(RegistryOptions { referrers_api, ..RegistryOptions::default() })
}

/// Status and the whole answer.
fn ask(registry: &Registry, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(registry.host()).unwrap();
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer[9..12].parse().unwrap(), answer)
}

#[test]
fn a_manifest_whose_blobs_are_missing_is_refused() {
    let registry = start(true);
    let image = image();
    let put = || ask(&registry, "PUT", "/v2/app/manifests/1", &[("content-type", &image.media_type)], &image.manifest);
    assert_eq!(put().0, 400);
    for (_, bytes) in image.blobs() {
        registry.put_blob("app", bytes);
    }
    let (status, answer) = put();
    assert_eq!(status, 201);
    assert!(answer.contains(&format!("docker-content-digest: {}", image.digest)), "{answer}");
    assert!(!answer.contains("oci-subject"), "{answer}");
}

#[test]
fn a_manifest_under_a_digest_or_type_it_does_not_have_is_refused() {
    let registry = start(true);
    let image = image();
    registry.put_untagged("app", &image);
    let other = format!("/v2/app/manifests/{}", Digest::sha256(b"x"));
    assert_eq!(ask(&registry, "PUT", &other, &[("content-type", &image.media_type)], &image.manifest).0, 400);
    assert_eq!(ask(&registry, "PUT", "/v2/app/manifests/1", &[("content-type", "text/plain")], &image.manifest).0, 400);
    assert_eq!(ask(&registry, "PUT", "/v2/app/manifests/1", &[], &image.manifest).0, 400);
}

#[test]
fn an_upload_needs_its_state_and_its_digest() {
    let registry = start(true);
    let (status, answer) = ask(&registry, "POST", "/v2/app/blobs/uploads/", &[], b"");
    assert_eq!(status, 202);
    let place = answer.lines().find_map(|l| l.strip_prefix("location: ")).unwrap().to_owned();
    let bare = place.split('?').next().unwrap();
    let digest = Digest::sha256(b"bytes");
    let octets = [("content-type", "application/octet-stream")];
    assert_eq!(ask(&registry, "PUT", &format!("{bare}?digest={digest}"), &octets, b"bytes").0, 404);
    assert_eq!(ask(&registry, "PATCH", &place, &[("content-range", "0-2")], b"byt").0, 202);
    assert_eq!(ask(&registry, "PATCH", &place, &[("content-range", "5-6")], b"es").0, 416);
    assert_eq!(ask(&registry, "PUT", &format!("{place}&digest={digest}"), &octets, b"es").0, 201);
    assert_eq!(registry.blob("app", &digest).as_deref(), Some(b"bytes".as_slice()));
    let wrong = format!("/v2/app/blobs/uploads/?digest={}", Digest::sha256(b"other"));
    assert_eq!(ask(&registry, "POST", &wrong, &octets, b"bytes").0, 400);
}

#[test]
fn subjects_are_kept_only_with_the_referrers_api() {
    for api in [true, false] {
        let registry = start(api);
        registry.put("app", &image(), "1");
        let note = BuiltImage::artifact(&image(), "application/x.note", b"n");
        for (_, bytes) in note.blobs() {
            registry.put_blob("app", bytes);
        }
        let path = format!("/v2/app/manifests/{}", note.digest);
        let (_, answer) = ask(&registry, "PUT", &path, &[("content-type", &note.media_type)], &note.manifest);
        assert_eq!(answer.contains("oci-subject: "), api, "{answer}");
        let list = format!("/v2/app/referrers/{}?artifactType=application/x.note", image().digest);
        let (status, answer) = ask(&registry, "GET", &list, &[], b"");
        assert_eq!(status, if api { 200 } else { 404 });
        assert_eq!(
            answer.contains(&note.digest.to_string()) && answer.contains("oci-filters-applied"),
            api,
            "{answer}"
        );
    }
}

#[test]
fn a_media_type_that_is_not_accepted_is_not_served() {
    let registry = start(true);
    registry.put("app", &image(), "1");
    let index = "application/vnd.oci.image.index.v1+json";
    assert_eq!(ask(&registry, "GET", "/v2/app/manifests/1", &[("accept", index)], b"").0, 404);
    assert_eq!(ask(&registry, "GET", "/v2/app/manifests/1", &[("accept", "*/*")], b"").0, 200);
}

#[test]
fn ranges_names_tags_and_deletion() {
    let registry = start(true);
    registry.put("a/b", &image(), "1");
    registry.put("a/b", &image(), "2");
    let digest = registry.put_blob("a/b", b"0123456789");
    let (status, answer) = ask(&registry, "GET", &format!("/v2/a/b/blobs/{digest}"), &[("range", "bytes=2-4")], b"");
    assert!(status == 206 && answer.ends_with("\r\n\r\n234"), "{answer}");
    assert_eq!(ask(&registry, "GET", "/v2/A/manifests/1", &[], b"").0, 400);
    let (_, answer) = ask(&registry, "GET", "/v2/a/b/tags/list?n=1", &[], b"");
    assert!(answer.contains(r#""tags":["1"]"#) && answer.contains("last=1>; rel=\"next\""), "{answer}");
    assert_eq!(ask(&registry, "DELETE", "/v2/a/b/manifests/1", &[], b"").0, 202);
    assert_eq!(registry.tags("a/b"), ["2"]);
    assert!(registry.delete_manifest("a/b", &image().digest.to_string()));
    assert_eq!(registry.manifest("a/b", "2"), None);
}

#[test]
fn a_token_counts_for_its_repository_and_action_alone() {
    let auth = Auth::Token { user: "u".to_owned(), password: "p".to_owned() };
    let registry = Registry::start_blocking(RegistryOptions { auth, ..RegistryOptions::default() });
    registry.put("app", &image(), "1");
    registry.put("other", &image(), "1");
    let (status, answer) = ask(&registry, "GET", "/v2/app/manifests/1", &[], b"");
    assert!(status == 401 && answer.contains("scope=\"repository:app:pull\""), "{answer}");
    let path = format!("/token?service={}&scope=repository:app:pull", registry.host());
    assert_eq!(ask(&registry, "GET", &path, &[], b"").0, 401);
    let (_, answer) = ask(&registry, "GET", &path, &[("authorization", "Basic dTpw")], b""); // u:p
    let token = answer.split("\"token\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let status = |method, path| ask(&registry, method, path, &[("authorization", &bearer)], b"").0;
    assert_eq!(status("GET", "/v2/app/manifests/1"), 200);
    assert_eq!(status("GET", "/v2/other/manifests/1"), 401);
    assert_eq!(status("POST", "/v2/app/blobs/uploads/"), 401);
}

#[test]
fn faults_count_down_and_can_be_limited_to_a_path() {
    let registry = start(true);
    registry.put("app", &image(), "1");
    let get = |path| ask(&registry, "GET", path, &[], b"").0;
    registry.faults().only("/manifests/");
    registry.faults().too_many_requests(1, Some("7"));
    assert_eq!(get("/v2/"), 200);
    assert_eq!([get("/v2/app/manifests/1"), get("/v2/app/manifests/1")], [429, 200]);
    registry.faults().server_error(1);
    assert_eq!([get("/v2/app/manifests/1"), get("/v2/app/manifests/1")], [500, 200]);
    assert_eq!(registry.requests().iter().map(|r| r.status).collect::<Vec<_>>(), [200, 429, 200, 500, 200]);
}
