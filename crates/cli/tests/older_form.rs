//! cosign's older form, attestations, `tree` and `copy`, on the in-memory registry with and without the
//! referrers API.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use cleanbill_model::Reference;
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};
use serde_json::{Value, json};
use support::{client, expect, key_pair};
use tempfile::TempDir;

const OLD: &str = "--new-bundle-format=false";

struct Stage {
    home: TempDir,
    registry: Registry,
}

impl Stage {
    async fn new(referrers_api: bool) -> Self {
        let registry = Registry::start(RegistryOptions { referrers_api, ..RegistryOptions::default() }).await;
        let stage = Self { home: tempfile::tempdir().unwrap(), registry };
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
    fn json(&self, code: i32, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(code, args).0).unwrap()
    }

    fn file(&self, name: &str, content: &str) {
        std::fs::write(self.home.path().join(name), content).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_on_one_image_have_a_verdict_each() {
    for api in [true, false] {
        let stage = Stage::new(api).await;
        let (name, _) = stage.image("app");
        stage.run(0, &["sign", "--key", "other.key", &name]);
        stage.run(0, &["sign", "--key", "cosign.key", OLD, "-a", "who=ci", &name]);
        let found = stage.json(0, &["verify", "--key", "cosign.pub", "-o", "json", &name]);
        let list = found["images"][0]["signatures"].as_array().unwrap();
        let formats: Vec<_> = list.iter().map(|s| s["format"].as_str().unwrap()).collect();
        assert_eq!(formats, ["bundle", "simple-signing"]);
        assert_eq!(list[0]["why_not"], json!(["signed by another key"]));
        assert_eq!(list[1]["annotations"], json!({"who": "ci"}));
        assert_eq!(list[1]["found_by"], "signature tag");
        // One of several keys is enough, and demanded annotations are those of the signed payload.
        stage.run(0, &["verify", "--key", "other.pub", "--key", "cosign.pub", &name]);
        stage.run(0, &["verify", "--key", "cosign.pub", "-a", "who=ci", &name]);
        let (_, err) = stage.run(1, &["verify", "--key", "cosign.pub", "-a", "who=me", &name]);
        assert!(err.contains("not verified (other-annotations)") && err.contains("tried with key"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_under_a_tag_are_added_and_not_lost() {
    let stage = Stage::new(true).await;
    let (name, _) = stage.image("app");
    for key in ["cosign.key", "other.key"] {
        stage.run(0, &["sign", "--key", key, OLD, &name]);
    }
    for _ in 0..2 {
        stage.run(0, &["sign", "--key", "cosign.key", OLD, "--if-needed", &name]);
    }
    let found = stage.json(0, &["verify", "--key", "cosign.pub", "-o", "json", &name]);
    assert_eq!(found["images"][0]["signatures"].as_array().unwrap().len(), 2, "{found}");
    stage.run(0, &["verify", "--key", "other.pub", &name]);
    // In another form, or with another annotation, it is needed.
    stage.run(0, &["sign", "--key", "cosign.key", "--if-needed", &name]);
    stage.run(0, &["sign", "--key", "cosign.key", OLD, "--if-needed", "-a", "n=1", &name]);
    let found = stage.json(0, &["verify", "--key", "cosign.pub", "-o", "json", &name]);
    assert_eq!(found["images"][0]["signatures"].as_array().unwrap().len(), 4, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_a17_what_others_put_under_the_tag_neither_counts_nor_hides() {
    let stage = Stage::new(true).await;
    let (signed, signed_image) = stage.image("signed");
    let (copied, copied_image) = stage.image("copied");
    stage.run(0, &["sign", "--key", "cosign.key", OLD, &signed]);
    let client = client();
    let tag = |image: &BuiltImage| format!("sha256-{}.sig", image.digest.hex());
    let from = Reference::parse(&signed).unwrap().with_tag(&tag(&signed_image)).unwrap();
    let to = Reference::parse(&copied).unwrap().with_tag(&tag(&copied_image)).unwrap();
    let cleanbill_image::Document::Manifest(manifest) = client.document(&from).await.unwrap() else { panic!() };
    for blob in [&manifest.config, &manifest.layers[0]] {
        client.copy_blob(&from, &to, blob).await.unwrap();
    }
    client.push_manifest(&to, &manifest.media_type, manifest.raw.clone()).await.unwrap();
    let (_, err) = stage.run(1, &["verify", "--key", "cosign.pub", &copied]);
    assert!(err.contains("not verified (signs-another-image)"), "{err}");
    // A layer without a signature beside it changes nothing for the good one.
    let junk = client.push_blob(&from, &manifest.layers[0].media_type, b"{".to_vec()).await.unwrap();
    client.add_layer(&from, &junk).await.unwrap();
    let (_, err) = stage.run(0, &["verify", "--key", "cosign.pub", &signed]);
    assert!(err.contains("carries no signature") && err.contains("counts, key"), "{err}");
    stage.run(0, &["sign", "--key", "cosign.key", &copied]);
    stage.run(0, &["verify", "--key", "cosign.pub", &copied]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_attestations_are_judged_by_their_payload_in_both_forms() {
    for api in [true, false] {
        let stage = Stage::new(api).await;
        stage.file("bom.json", r#"{"bomFormat":"CycloneDX","n":1.10}"#);
        for (name, form) in [("new", "--new-bundle-format=true"), ("old", OLD)] {
            let (name, _) = stage.image(name);
            let verify = |code, key: &str, kind: &str| {
                stage.run(code, &["verify-attestation", "--key", key, "--type", kind, &name])
            };
            assert!(verify(1, "cosign.pub", "cyclonedx").1.contains("(unattested)"));
            let attest =
                ["attest", "--key", "cosign.key", "--predicate", "bom.json", "--type", "cyclonedx", form, &name];
            stage.run(0, &attest);
            let (out, _) = verify(0, "cosign.pub", "cyclonedx");
            let envelope: Value = serde_json::from_str(&out).unwrap();
            assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
            let (out, err) = verify(1, "other.pub", "cyclonedx");
            assert!(out.is_empty() && err.contains("(signed-by-another-key)"), "{err}");
            assert!(verify(1, "cosign.pub", "openvex").1.contains("(other-type)"));
            // It is no signature.
            let (_, err) = stage.run(1, &["verify", "--key", "cosign.pub", &name]);
            assert!(err.contains("not verified"), "{err}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_in_an_image_is_attested_on_the_way() {
    let stage = Stage::new(true).await;
    let (name, image) = stage.image("app");
    let record = r#"{"id":"X-1","affected":[{"package":{"ecosystem":"Go","name":"m"},"versions":["1"]}]}"#;
    stage.file("x.json", record);
    stage.run(0, &["db", "build", "--from", "x.json", "--to", "x.db"]);
    stage.run(0, &["sbom", &name, "-o", "purls", "--attest", "cosign.key"]);
    stage.run(0, &["scan", &name, "--db", "x.db", "--attest", "cosign.key"]);
    for (kind, field) in [("cyclonedx", "bomFormat"), ("vuln", "scanner")] {
        let (out, _) = stage.run(0, &["verify-attestation", "--key", "cosign.pub", "--type", kind, &name]);
        let envelope: Value = serde_json::from_str(&out).unwrap();
        let payload =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, envelope["payload"].as_str().unwrap());
        let statement: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
        assert!(!statement["predicate"][field].is_null(), "{kind}: {statement}");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], image.digest().hex());
    }
    // Nothing can be attached to what lies in no registry, and that is said before anything is looked into.
    stage.file("sbom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.5"}"#);
    for verb in [&["sbom", "sbom.json", "--attest", "cosign.key"][..], &["scan", "sbom.json", "--attest", "cosign.key"]]
    {
        let (_, err) = stage.run(2, verb);
        assert!(err.contains("does not lie in a registry") && err.contains("hint:"), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_everything_and_verifies_by_itself() {
    for api in [true, false] {
        let stage = Stage::new(api).await;
        let target = Stage::new(!api).await;
        stage.file("note.txt", "a note");
        let (name, image) = stage.image("app");
        for form in ["--new-bundle-format=true", OLD] {
            stage.run(0, &["sign", "--key", "cosign.key", form, &name]);
            stage.run(0, &["attest", "--key", "cosign.key", "--predicate", "note.txt", form, &name]);
        }
        let tree = stage.json(0, &["tree", "-o", "json", &name]);
        assert_eq!(tree["manifests"][0]["attached"].as_array().unwrap().len(), 4, "{tree}");
        let to = format!("{}/copied/app:2", target.registry.host());
        stage.run(0, &["copy", &name, &to]);
        let found = stage.json(0, &["verify", "--key", "cosign.pub", "-o", "json", &to]);
        assert_eq!(found["images"][0]["digest"], image.digest.to_string());
        let counts = |list: &Value| {
            list.as_array().unwrap().iter().filter(|s| !s["verified_by"].as_array().unwrap().is_empty()).count()
        };
        assert_eq!(counts(&found["images"][0]["signatures"]), 2, "{found}");
        let found = stage.json(0, &["verify-attestation", "--key", "cosign.pub", "-o", "json", &to]);
        assert_eq!(counts(&found["images"][0]["attestations"]), 2, "{found}");
        // A tag that names another image is not overwritten unasked; the same copy may be made again.
        stage.run(0, &["copy", &name, &to]);
        let (second, _) = stage.image("second");
        let (_, err) = stage.run(2, &["copy", &second, &to]);
        assert!(err.contains("--force"), "{err}");
        stage.run(0, &["copy", "--force", &second, &to]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_can_be_kept_in_another_repository() {
    let stage = Stage::new(true).await;
    let (name, _) = stage.image("app");
    let other = format!("{}/signatures", stage.registry.host());
    for (form, count) in [(OLD, 1), ("--new-bundle-format=true", 2)] {
        stage.run(0, &["sign", "--key", "cosign.key", form, "--signature-repository", &other, &name]);
        stage.run(1, &["verify", "--key", "cosign.pub", &name]);
        let args = ["verify", "--key", "cosign.pub", "--signature-repository", &other, "-o", "json", &name];
        let found = stage.json(0, &args);
        assert_eq!(found["images"][0]["signatures"].as_array().unwrap().len(), count, "{found}");
    }
}
