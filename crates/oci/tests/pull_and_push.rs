//! Pulling and pushing against the strict registry.
#![allow(clippy::unwrap_used)]

use std::io::Read as _;

use cleanbill_image::{Blobs as _, Document};
use cleanbill_model::{Digest, Platform};
use cleanbill_oci::{Client, ClientOptions, ErrorKind};
use cleanbill_testkit::{BuiltImage, BuiltIndex, ImageBuilder, Layer, Registry, RegistryOptions};

fn client() -> Client {
    Client::new(ClientOptions::default()).unwrap()
}

fn image(platform: &str) -> BuiltImage {
    ImageBuilder::new().platform(platform).layer(Layer::new().file("etc/name", platform)).build()
}

#[tokio::test]
async fn a_tag_resolves_to_the_descriptor_of_its_manifest() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let image = image("linux/amd64");
    registry.put("team/app", &image, "1");
    let found = client().resolve(&registry.reference("team/app:1")).await.unwrap();
    assert_eq!((found.digest, found.size), (image.digest(), image.manifest.len() as u64));
    assert_eq!(found.media_type, image.media_type);
    let methods: Vec<String> = registry.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["HEAD"]);
}

#[tokio::test]
async fn a_digest_beats_the_tag_beside_it() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let (old, new) = (image("linux/amd64"), image("linux/arm64"));
    registry.put("app", &old, "1");
    registry.put("app", &new, "1");
    let reference = registry.reference("app:1").with_digest(old.digest());
    assert_eq!(client().resolve(&reference).await.unwrap().digest, old.digest());
    assert_eq!(client().document(&reference).await.unwrap().raw(), old.manifest);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_named() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let reference = registry.reference("app:1");
    for error in [client().resolve(&reference).await.unwrap_err(), client().document(&reference).await.unwrap_err()] {
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.to_string().contains(&reference.to_string()), "{error}");
    }
    let error = client().document(&reference).await.unwrap_err();
    assert!(error.why.contains("404: manifest unknown"), "{error}");
}

#[tokio::test]
async fn an_index_leads_to_the_image_of_the_wanted_platform() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let (amd, arm) = (image("linux/amd64"), image("linux/arm64/v8"));
    let index = BuiltIndex::new([amd.clone(), arm.clone()]);
    registry.put_index("app", &index, "1");
    let reference = registry.reference("app:1");
    let wanted = Platform::new("linux", "arm64");
    let found = client().image(&reference, Some(&wanted)).await.unwrap();
    assert_eq!(found.identity.index, Some(index.digest()));
    assert_eq!(found.identity.manifest, arm.digest());
    assert_eq!(found.identity.config, arm.config_digest());
    assert_eq!(found.identity.platform, Platform::parse("linux/arm64/v8"));
    assert!(matches!(client().document(&reference).await.unwrap(), Document::Index(_)));
    let error = client().image(&reference, Some(&Platform::new("windows", "amd64"))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_single_manifest_is_used_whatever_platform_is_wanted() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let image = ImageBuilder::new().no_platform().docker_media_types().layer(Layer::new().file("a", "b")).build();
    registry.put("app", &image, "latest");
    let found = client().image(&registry.reference("app"), Some(&Platform::new("linux", "s390x"))).await.unwrap();
    assert_eq!((found.identity.manifest, found.identity.platform, found.identity.index), (image.digest(), None, None));
}

#[tokio::test]
async fn layers_flow_to_a_blocking_reader() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let noise: Vec<u8> = (0u32..1 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let image = ImageBuilder::new().layer(Layer::new().file("noise", &noise)).build();
    registry.put("app", &image, "1");
    let reference = registry.reference("app:1");
    let found = client().image(&reference, None).await.unwrap();
    let blobs = client().blobs(&reference);
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        blobs.open(&found.manifest.layers[0]).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    });
    assert_eq!(Digest::sha256(read.await.unwrap()), image.layers[0].digest);
}

#[tokio::test]
async fn a_layer_that_is_missing_longer_or_shorter_than_stated_is_an_error() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let image = image("linux/amd64");
    registry.put("app", &image, "1");
    let reference = registry.reference("app:1");
    let layer = client().image(&reference, None).await.unwrap().manifest.layers[0].clone();
    let read = |layer: cleanbill_image::Descriptor| {
        let blobs = client().blobs(&reference);
        tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let mut reader = blobs.open(&layer).map_err(|e| e.to_string())?;
            reader.read_to_end(&mut bytes).map_err(|e| e.to_string())
        })
    };
    assert!(read(layer.clone()).await.unwrap().is_ok());
    let mut missing = layer.clone();
    missing.digest = Digest::sha256(b"nobody has this");
    assert!(read(missing).await.unwrap().unwrap_err().contains("404"));
    registry.faults().serve_other_bytes(&layer.digest, vec![0; layer.size as usize + 1]);
    assert!(read(layer.clone()).await.unwrap().unwrap_err().contains("sends more than"));
    registry.faults().serve_other_bytes(&layer.digest, vec![0; layer.size as usize - 1]);
    assert!(read(layer).await.unwrap().unwrap_err().contains("1 bytes less"));
}

#[tokio::test]
async fn what_is_pushed_can_be_pulled() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let image = image("linux/amd64");
    let reference = registry.reference("team/app:2");
    let client = client();
    for (digest, bytes) in image.blobs() {
        let pushed = client.push_blob(&reference, "application/octet-stream", bytes.to_vec()).await.unwrap();
        assert_eq!((&pushed.digest, pushed.size), (digest, bytes.len() as u64));
    }
    let pushed = client.push_manifest(&reference, &image.media_type, image.manifest.clone()).await.unwrap();
    assert_eq!((pushed.digest, pushed.subject_kept), (image.digest(), false));
    assert_eq!(client.image(&reference, None).await.unwrap().identity.config, image.config_digest());
    assert_eq!(registry.tag("team/app", "2"), Some(image.digest()));
}

#[tokio::test]
async fn a_blob_that_is_there_is_not_sent_again() {
    let registry = Registry::start(RegistryOptions::default()).await;
    registry.put_blob("app", b"bytes");
    client().push_blob(&registry.reference("app"), "x/y", b"bytes".to_vec()).await.unwrap();
    let methods: Vec<String> = registry.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["HEAD"]);
}

#[tokio::test]
async fn a_manifest_is_not_pushed_under_a_digest_it_does_not_have() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let image = image("linux/amd64");
    let reference = registry.reference("app").with_digest(Digest::sha256(b"other"));
    let error = client().push_manifest(&reference, &image.media_type, image.manifest).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(registry.requests(), []);
}

#[tokio::test]
async fn a_registry_that_is_down_is_unreachable_and_one_that_refuses_answers() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let reference = registry.reference("app");
    let client = Client::new(ClientOptions { retries: 0, ..ClientOptions::default() }).unwrap();
    client.ping(&reference).await.unwrap();
    registry.stop().await;
    assert_eq!(client.ping(&reference).await.unwrap_err().kind, ErrorKind::Unreachable);
}
