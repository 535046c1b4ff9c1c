//! `sign` and `verify`: each way in which a signature does not count has its own reason and exit code.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use cleanbill_model::{Digest, Reference};
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};
use serde_json::{Value, json};
use support::{client, expect, key_pair};
use tempfile::TempDir;

struct Stage {
    home: TempDir,
    registry: Registry,
}

impl Stage {
    async fn new(options: RegistryOptions) -> Self {
        let stage = Self { home: tempfile::tempdir().unwrap(), registry: Registry::start(options).await };
        key_pair(stage.home.path(), "cosign");
        key_pair(stage.home.path(), "other");
        stage
    }

    fn image(&self, name: &str) -> (String, BuiltImage) {
        let image =
            ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("etc/name", name.as_bytes())).build();
        self.registry.put(name, &image, "1");
        (format!("{}/{name}:1", self.registry.host()), image)
    }

    #[track_caller]
    fn run(&self, code: i32, args: &[&str]) -> (String, String) {
        let (home, args) = (self.home.path(), args.to_vec());
        tokio::task::block_in_place(|| expect(home, code, &args))
    }

    #[track_caller]
    fn refused(&self, key: &str, image: &str, reason: &str) {
        let (out, err) = self.run(1, &["verify", "--key", key, image]);
        assert!(err.contains(&format!("not verified ({reason})")), "{err}");
        assert_eq!(out, "", "nothing is claimed");
        let (out, _) = self.run(1, &["verify", "--key", key, "-o", "json", image]);
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["schema"], "cleanbill/verify/v1");
        assert_eq!(document["images"][0]["reason"], reason);
    }

    /// The bundle that is attached to an image.
    async fn bundle(&self, image: &str, digest: &Digest) -> Value {
        let reference = Reference::parse(image).unwrap().with_digest(digest.clone());
        let client = client();
        let referrers = client.referrers(&reference).await.unwrap();
        let manifest = referrers.list[0].descriptor.digest.clone();
        let cleanbill_image::Document::Manifest(manifest) =
            client.document(&reference.with_digest(manifest)).await.unwrap()
        else {
            panic!("the referrer is an index")
        };
        let bytes = client.blob(&reference, &manifest.layers[0].digest, 1 << 20).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Attaches a bundle to an image, whatever it says.
    async fn attach(&self, image: &str, subject: &BuiltImage, bundle: &Value) {
        const TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let reference = Reference::parse(image).unwrap().with_digest(subject.digest());
        let client = client();
        let config = client.push_blob(&reference, "application/vnd.oci.empty.v1+json", b"{}".to_vec()).await.unwrap();
        let layer = client.push_blob(&reference, TYPE, bundle.to_string().into_bytes()).await.unwrap();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": TYPE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config.digest.to_string(), "size": 2},
            "layers": [{"mediaType": TYPE, "digest": layer.digest.to_string(), "size": layer.size}],
            "subject": {"mediaType": subject.media_type, "digest": subject.digest.to_string(),
                        "size": subject.manifest.len()},
        });
        client.attach(&reference, manifest.to_string().into_bytes(), TYPE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_with_the_key_is_verified_and_claimed_as_cosign_does() {
    for referrers_api in [true, false] {
        let stage = Stage::new(RegistryOptions { referrers_api, ..RegistryOptions::default() }).await;
        let (name, image) = stage.image("app");
        stage.refused("cosign.pub", &name, "unsigned");
        stage.run(0, &["sign", "--key", "cosign.key", "--yes", "--tlog-upload=false", &name]);
        let (out, err) = stage.run(0, &["verify", "--key", "cosign.pub", &name]);
        assert!(err.contains("verified:"), "{err}");
        let claims: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(claims[0]["critical"]["image"]["docker-manifest-digest"], image.digest.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_its_own_reason() {
    let stage = Stage::new(RegistryOptions::default()).await;
    let (name, _) = stage.image("app");
    stage.run(0, &["sign", "--key", "other.key", &name]);
    stage.refused("cosign.pub", &name, "signed-by-another-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_of_the_payload_changed_is_its_own_reason() {
    use base64::Engine as _;
    let stage = Stage::new(RegistryOptions::default()).await;
    let (signed, signed_image) = stage.image("signed");
    let (changed, changed_image) = stage.image("changed");
    stage.run(0, &["sign", "--key", "cosign.key", &signed]);
    let mut bundle = stage.bundle(&signed, &signed_image.digest).await;
    let engine = base64::engine::general_purpose::STANDARD;
    let payload = engine.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    // The forger puts the digest of another image into the signed payload.
    let forged = String::from_utf8(payload).unwrap().replace(signed_image.digest.hex(), changed_image.digest.hex());
    bundle["dsseEnvelope"]["payload"] = json!(engine.encode(forged));
    stage.attach(&changed, &changed_image, &bundle).await;
    stage.refused("cosign.pub", &changed, "payload-changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_a_signature_copied_to_another_digest_is_its_own_reason() {
    let stage = Stage::new(RegistryOptions::default()).await;
    let (signed, signed_image) = stage.image("signed");
    let (copied, copied_image) = stage.image("copied");
    stage.run(0, &["sign", "--key", "cosign.key", &signed]);
    let bundle = stage.bundle(&signed, &signed_image.digest).await;
    stage.attach(&copied, &copied_image, &bundle).await;
    stage.refused("cosign.pub", &copied, "signs-another-image");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_not_unsigned() {
    let stage = Stage::new(RegistryOptions::default()).await;
    let (name, _) = stage.image("app");
    let home = stage.home;
    stage.registry.stop().await;
    let (_, err) = tokio::task::block_in_place(|| expect(home.path(), 2, &["verify", "--key", "cosign.pub", &name]));
    assert!(err.contains("could not read the manifest of"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_says_so_and_exits_2() {
    let stage = Stage::new(RegistryOptions::default()).await;
    let (name, _) = stage.image("app");
    for (args, part) in [
        (&["verify", "--key", "missing.pub", &name][..], "missing.pub"),
        (&["verify", "--key", "cosign.key", &name], "cosign.key"),
        (&["verify", "--key", "cosign.pub", "Not A Reference"], "blanks"),
        (&["verify", "--key", "cosign.pub", "--rekor-url", "https://rekor.example", &name], "transparency-log"),
        (&["sign", "--key", "cosign.key", "--tlog-upload", &name], "transparency-log"),
        (&["sign", "--key", "cosign.key", "-a", "novalue", &name], "KEY=VALUE"),
        (&["sign", "--key", "k8s://ns/name", &name], "--kubeconfig or KUBECONFIG"),
        (&["sign", "--key", "env://NO_SUCH_KEY", &name], "NO_SUCH_KEY"),
        (&["import-key-pair", "--key", "cosign.key", "--output-key-prefix", "cosign"], "there already"),
        (&["attest", "--key", "cosign.key", "--predicate", "missing.json", &name], "missing.json"),
        (&["verify-attestation", "--key", "cosign.pub", "--type", "sbom", &name], "no predicate type"),
        (&["generate-key-pair"], "there already"),
    ] {
        let (_, err) = stage.run(2, args);
        assert!(err.contains(part), "{args:?}: {err}");
    }
}
