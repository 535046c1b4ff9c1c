//! Attaching and listing, with the referrers API and without: A17, A21, A22.
#![allow(clippy::unwrap_used)]

use cleanbill_model::Digest;
use cleanbill_oci::{Client, ClientOptions, ErrorKind, Referrers};
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};

const TYPE: &str = "application/vnd.example.note";

fn client() -> Client {
    Client::new(ClientOptions { retries: 0, ..ClientOptions::default() }).unwrap()
}

fn image() -> BuiltImage {
    ImageBuilder::new().layer(Layer::new().file("a", "b")).build()
}

async fn start(referrers_api: bool, page_size: Option<usize>) -> Registry {
    let registry = Registry::start(RegistryOptions { referrers_api, page_size, ..RegistryOptions::default() }).await;
    registry.put("app", &image(), "1");
    registry
}

/// Attaches a note and gives its digest.
async fn attach(registry: &Registry, client: &Client, text: &str) -> Digest {
    let reference = registry.reference("app:1").with_digest(image().digest());
    let note = BuiltImage::artifact(&image(), TYPE, text.as_bytes());
    for (_, bytes) in note.blobs() {
        client.push_blob(&reference, TYPE, bytes.to_vec()).await.unwrap();
    }
    let pushed = client.attach(&reference, note.manifest.clone(), TYPE).await.unwrap();
    assert_eq!(pushed.digest, note.digest());
    pushed.digest
}

fn digests(found: &Referrers) -> Vec<Digest> {
    found.list.iter().map(|r| r.descriptor.digest.clone()).collect()
}

fn fallback() -> String {
    image().digest().to_string().replace(':', "-")
}

#[tokio::test]
async fn what_is_attached_is_listed_with_the_api_and_without() {
    for (api, found_by) in [(true, "referrers"), (false, "fallback tag")] {
        let registry = start(api, None).await;
        let client = client();
        let (a, b) = (attach(&registry, &client, "a").await, attach(&registry, &client, "b").await);
        attach(&registry, &client, "a").await;
        // by tag: the digest is resolved first
        let found = client.referrers(&registry.reference("app:1")).await.unwrap();
        assert_eq!(digests(&found), [a, b]);
        assert!(!found.truncated);
        assert!(found.list.iter().all(|r| r.found_by == found_by));
        assert_eq!(found.list[0].descriptor.artifact_type.as_deref(), Some(TYPE));
        assert_eq!(registry.tag("app", &fallback()).is_some(), !api, "the tag is for registries without the API only");
    }
}

#[tokio::test]
async fn nothing_attached_is_an_empty_list() {
    for api in [true, false] {
        let registry = start(api, None).await;
        assert_eq!(client().referrers(&registry.reference("app:1")).await.unwrap().list.len(), 0);
    }
}

#[tokio::test]
async fn all_pages_are_read() {
    let registry = start(true, Some(2)).await;
    for n in 0..5 {
        registry.put_untagged("app", &BuiltImage::artifact(&image(), TYPE, &[n]));
    }
    let found = client().referrers(&registry.reference("app:1")).await.unwrap();
    assert_eq!((found.list.len(), found.truncated), (5, false));
}

#[tokio::test]
async fn a21_more_than_two_hundred_are_cut_and_said_to_be() {
    for page_size in [None, Some(50)] {
        let registry = start(true, page_size).await;
        for n in 0..201u32 {
            registry.put_untagged("app", &BuiltImage::artifact(&image(), TYPE, &n.to_le_bytes()));
        }
        let found = client().referrers(&registry.reference("app:1")).await.unwrap();
        assert_eq!((found.list.len(), found.truncated), (200, true));
    }
}

#[tokio::test]
async fn a21_pages_that_lead_in_a_circle_end() {
    let registry = start(true, Some(1)).await;
    registry.put_untagged("app", &BuiltImage::artifact(&image(), TYPE, b"x"));
    registry.faults().pagination_loop(true);
    let found = client().referrers(&registry.reference("app:1")).await.unwrap();
    assert_eq!((found.list.len(), found.truncated), (1, true));
    let pages = registry.requests().iter().filter(|r| r.path.contains("/referrers/")).count();
    assert_eq!(pages, 2);
}

#[tokio::test]
async fn a41_a_next_page_on_another_host_is_refused() {
    let registry = start(true, None).await;
    registry.faults().link(Some("<http://127.0.0.1:9/v2/app/referrers/x>; rel=\"next\""));
    let error = client().referrers(&registry.reference("app:1")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.why.contains("another host"), "{error}");
}

#[tokio::test]
async fn a17_a_list_that_is_not_json_is_an_error_and_not_an_empty_list() {
    let registry = start(true, None).await;
    registry.faults().malformed_referrers(true);
    assert_eq!(client().referrers(&registry.reference("app:1")).await.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a17_one_malformed_entry_hides_no_other() {
    let registry = start(true, None).await;
    let good = Digest::sha256(b"x");
    let body = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":7}},{{"mediaType":"m","digest":"{good}","size":1}},null]}}"#
    );
    registry.faults().referrers_body(Some(body.as_bytes()));
    assert_eq!(digests(&client().referrers(&registry.reference("app:1")).await.unwrap()), [good]);
}

#[tokio::test]
async fn a22_a_foreign_entry_of_the_fallback_tag_is_listed_as_found_there() {
    let registry = start(false, None).await;
    let other = ImageBuilder::new().build();
    let foreign = BuiltImage::artifact(&other, TYPE, b"about another image");
    registry.put_untagged("app", &foreign);
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {"mediaType": foreign.media_type, "digest": foreign.digest.to_string(), "size": foreign.manifest.len(), "artifactType": TYPE},
    ]});
    let index = serde_json::to_vec(&index).unwrap();
    registry.put_manifest("app", "application/vnd.oci.image.index.v1+json", &index, Some(&fallback()));
    let client = client();
    let found = client.referrers(&registry.reference("app:1")).await.unwrap();
    assert_eq!((found.list[0].found_by, found.list.len()), ("fallback tag", 1));
    // what the caller checks: the manifest itself names its subject
    let opened = client.document(&registry.reference("app").with_digest(foreign.digest())).await.unwrap();
    let cleanbill_image::Document::Manifest(manifest) = opened else { panic!("not a manifest") };
    assert_eq!(manifest.subject.unwrap().digest, other.digest());
}

#[tokio::test]
async fn a_tag_that_is_no_index_is_not_overwritten() {
    let registry = start(false, None).await;
    registry.put("app", &ImageBuilder::new().build(), &fallback());
    let reference = registry.reference("app:1").with_digest(image().digest());
    let note = BuiltImage::artifact(&image(), TYPE, b"x");
    for (_, bytes) in note.blobs() {
        registry.put_blob("app", bytes);
    }
    assert!(client().attach(&reference, note.manifest, TYPE).await.is_err());
    assert_eq!(registry.tag("app", &fallback()), Some(ImageBuilder::new().build().digest()));
}

#[tokio::test]
async fn a_manifest_about_something_else_is_not_attached() {
    let registry = start(true, None).await;
    let reference = registry.reference("app:1").with_digest(image().digest());
    let foreign = BuiltImage::artifact(&ImageBuilder::new().build(), TYPE, b"x");
    for manifest in [foreign.manifest, image().manifest, b"{".to_vec()] {
        assert_eq!(client().attach(&reference, manifest, TYPE).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(registry.requests(), []);
}

#[tokio::test]
async fn two_attach_at_once_through_one_client_and_both_stay() {
    let registry = start(false, None).await;
    let client = client();
    let (a, b) = tokio::join!(attach(&registry, &client, "a"), attach(&registry, &client, "b"));
    let mut found = digests(&client.referrers(&registry.reference("app:1")).await.unwrap());
    let mut expected = vec![a, b];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn two_who_do_not_know_of_each_other_write_at_once_and_both_stay() {
    let registry = start(false, None).await;
    // Both have read "no tag yet" when they write, so the second write loses the first one's entry.
    registry.faults().meet("PUT", &fallback(), 2);
    let (one, two) = (client(), client());
    let (a, b) = tokio::join!(attach(&registry, &one, "a"), attach(&registry, &two, "b"));
    let found = digests(&client().referrers(&registry.reference("app:1")).await.unwrap());
    assert!(found.contains(&a) && found.contains(&b) && found.len() == 2, "{found:?}");
    let writes = registry.requests().iter().filter(|r| r.method == "PUT" && r.path.ends_with(&fallback())).count();
    assert_eq!(writes, 3, "the lost entry is written again");
}
