//! A registry that lies, floods, stalls and points elsewhere: A19, A20, A21, A42.
#![allow(clippy::unwrap_used)]

use std::io::Read as _;
use std::time::Duration;

use cleanbill_image::Blobs as _;
use cleanbill_model::{Digest, Reference};
use cleanbill_oci::{Client, ClientOptions, ErrorKind, OciError};
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};

fn image() -> BuiltImage {
    ImageBuilder::new().layer(Layer::new().file("a", "b")).build()
}

async fn start() -> Registry {
    let registry = Registry::start(RegistryOptions::default()).await;
    registry.put("app", &image(), "1");
    registry
}

fn client() -> Client {
    Client::new(ClientOptions { retries: 1, ..ClientOptions::default() }).unwrap()
}

/// One that gives up soon; for registries that never answer.
fn hasty() -> Client {
    Client::new(ClientOptions { timeout: Duration::from_millis(150), ..ClientOptions::default() }).unwrap()
}

#[track_caller]
fn check(error: &OciError, kind: ErrorKind, part: &str) {
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.why.contains(part), "{error}");
}

#[tokio::test]
async fn a19_other_bytes_than_the_digest_says_are_refused() {
    let registry = start().await;
    let other = ImageBuilder::new().build();
    registry.faults().serve_other_bytes(&image().digest(), other.manifest);
    let pinned = registry.reference("app:1").with_digest(image().digest());
    for reference in [registry.reference("app:1"), pinned] {
        let error = client().document(&reference).await.unwrap_err();
        check(&error, ErrorKind::Invalid, "other content");
    }
}

#[tokio::test]
async fn a19_a_header_that_names_another_digest_is_refused() {
    let registry = start().await;
    registry.faults().lie_about_digest(true);
    let tagged = registry.reference("app:1");
    check(&client().document(&tagged).await.unwrap_err(), ErrorKind::Invalid, "other content");
    let pinned = tagged.with_digest(image().digest());
    check(&client().document(&pinned).await.unwrap_err(), ErrorKind::Invalid, "instead");
    check(&client().resolve(&pinned).await.unwrap_err(), ErrorKind::Invalid, "instead");
}

#[tokio::test]
async fn a19_a_configuration_with_other_bytes_is_refused() {
    let registry = start().await;
    registry.faults().serve_other_bytes(&image().config_digest(), image().config[1..].to_vec());
    check(&client().image(&registry.reference("app:1"), None).await.unwrap_err(), ErrorKind::Invalid, "other content");
}

#[tokio::test]
async fn a20_a_manifest_that_is_also_an_index_is_refused() {
    let registry = start().await;
    let mut json: serde_json::Value = serde_json::from_slice(&image().manifest).unwrap();
    json["manifests"] = serde_json::json!([]);
    registry.put_manifest("app", &image().media_type, &serde_json::to_vec(&json).unwrap(), Some("both"));
    assert_eq!(client().document(&registry.reference("app:both")).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a20_a_content_type_that_contradicts_the_manifest_is_refused() {
    let registry = start().await;
    registry.faults().content_type(Some("application/vnd.oci.image.index.v1+json"));
    assert_eq!(client().document(&registry.reference("app:1")).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a21_a_body_without_end_is_left_at_the_bound() {
    let registry = start().await;
    registry.faults().endless_body(true);
    let reference = registry.reference("app:1");
    let client = client();
    check(&client.document(&reference).await.unwrap_err(), ErrorKind::Invalid, "bigger than 4194304 bytes");
    let error = client.blob(&reference, &image().layers[0].digest, 1000).await.unwrap_err();
    check(&error, ErrorKind::Invalid, "bigger than 1000 bytes");
    let pinned = reference.with_digest(image().digest());
    check(&client.referrers(&pinned).await.unwrap_err(), ErrorKind::Invalid, "bigger than 4194304 bytes");
}

#[tokio::test]
async fn a21_a_layer_without_end_stops_at_the_stated_size() {
    let registry = start().await;
    let reference = registry.reference("app:1");
    let found = client().image(&reference, None).await.unwrap();
    registry.faults().endless_body(true);
    let blobs = client().blobs(&reference);
    let error = tokio::task::spawn_blocking(move || {
        let mut reader = blobs.open(&found.manifest.layers[0]).unwrap();
        std::io::copy(&mut reader, &mut std::io::sink()).unwrap_err().to_string()
    });
    assert!(error.await.unwrap().contains("more than"));
}

#[tokio::test]
async fn a21_a_registry_that_never_answers_or_never_ends_runs_into_the_timeout() {
    let registry = start().await;
    let reference = registry.reference("app:1");
    registry.faults().hang(true);
    check(&hasty().document(&reference).await.unwrap_err(), ErrorKind::Unreachable, "no answer within");
    registry.faults().clear();
    registry.faults().stalled_body(true);
    check(&hasty().document(&reference).await.unwrap_err(), ErrorKind::Unreachable, "did not end within");
}

#[tokio::test]
async fn a21_a_layer_that_stalls_runs_into_the_timeout() {
    let registry = start().await;
    let reference = registry.reference("app:1");
    let noise: Vec<u8> = (0u32..1 << 14).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let big = ImageBuilder::new().layer(Layer::new().file("noise", noise)).build();
    registry.put("app", &big, "1");
    let found = hasty().image(&reference, None).await.unwrap();
    registry.faults().stalled_body(true);
    let blobs = hasty().blobs(&reference);
    let error = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        blobs.open(&found.manifest.layers[0]).unwrap().read_to_end(&mut bytes).unwrap_err().to_string()
    });
    assert!(error.await.unwrap().contains("no bytes for"));
}

#[tokio::test]
async fn redirects_are_counted() {
    let registry = start().await;
    registry.faults().redirect_loop(true);
    let error = client().blob(&registry.reference("app"), &image().config_digest(), 1000).await.unwrap_err();
    check(&error, ErrorKind::Invalid, "more than 5 redirects");
    assert_eq!(registry.requests().len(), 6);
}

#[tokio::test]
async fn a_rate_limit_that_ends_is_waited_for() {
    let registry = start().await;
    registry.faults().too_many_requests(1, Some("0"));
    client().document(&registry.reference("app:1")).await.unwrap();
    let statuses: Vec<u16> = registry.requests().into_iter().map(|r| r.status).collect();
    assert_eq!(statuses, [429, 200]);
}

#[tokio::test]
async fn a_rate_limit_longer_than_the_timeout_is_told_at_once() {
    let registry = start().await;
    registry.faults().too_many_requests(9, Some("3600"));
    let error = client().document(&registry.reference("app:1")).await.unwrap_err();
    check(&error, ErrorKind::Unreachable, "429: too many requests; another try would come after the timeout");
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn a_server_error_is_tried_again_and_then_reported() {
    let registry = start().await;
    registry.faults().server_error(1);
    client().document(&registry.reference("app:1")).await.unwrap();
    registry.faults().server_error(2);
    registry.faults().error_message(Some("out of\u{1b}[2J disk"));
    let error = client().document(&registry.reference("app:1")).await.unwrap_err();
    check(&error, ErrorKind::Unreachable, "500: out of[2J disk");
    let statuses: Vec<u16> = registry.requests().into_iter().map(|r| r.status).collect();
    assert_eq!(statuses, [500, 200, 500, 500]);
}

#[tokio::test]
async fn an_upload_that_breaks_starts_anew() {
    let registry = start().await;
    registry.faults().only("_state=");
    registry.faults().server_error(1);
    client().push_blob(&registry.reference("app"), "x/y", b"new".to_vec()).await.unwrap();
    assert_eq!(registry.blob("app", &Digest::sha256(b"new")).as_deref(), Some(b"new".as_slice()));
    let posts = registry.requests().iter().filter(|r| r.method == "POST").count();
    assert_eq!(posts, 2);
}

#[tokio::test]
async fn a42_addresses_and_names_that_images_must_not_reach() {
    let client = client();
    for host in
        ["169.254.169.254", "100.100.100.200", "[fd00:ec2::254]:80", "registry.default.svc", "x.svc.cluster.local:5000"]
    {
        let reference = Reference::parse(&format!("{host}/app:1")).unwrap();
        assert_eq!(client.document(&reference).await.unwrap_err().kind, ErrorKind::Forbidden, "{host}");
    }
}

#[tokio::test]
async fn a42_an_agent_does_not_ask_its_own_machine() {
    let registry = start().await;
    let agent = Client::new(ClientOptions { allow_loopback: false, ..ClientOptions::default() }).unwrap();
    let port = registry.host().rsplit_once(':').unwrap().1.to_owned();
    for host in [registry.host(), format!("localhost:{port}"), format!("[::1]:{port}"), format!("0.0.0.0:{port}")] {
        let reference = Reference::parse(&format!("{host}/app:1")).unwrap();
        check(&agent.document(&reference).await.unwrap_err(), ErrorKind::Forbidden, "this machine");
    }
    assert_eq!(registry.requests(), []);
}

#[tokio::test]
async fn a42_a_redirect_is_judged_like_the_first_address() {
    let registry = start().await;
    registry.faults().redirect_blobs(Some("http://169.254.169.254"));
    let error = client().blob(&registry.reference("app"), &image().config_digest(), 1000).await.unwrap_err();
    check(&error, ErrorKind::Forbidden, "metadata");
    registry.faults().redirect_blobs(Some("http://blobs.example.com"));
    let error = client().blob(&registry.reference("app"), &image().config_digest(), 1000).await.unwrap_err();
    check(&error, ErrorKind::Forbidden, "without TLS");
}
