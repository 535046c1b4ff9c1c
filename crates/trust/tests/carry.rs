//! Carrying an image elsewhere with what a key vouches for, and nothing else (A77).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use cleanbill_model::{Digest, DigestKind, Reference, Timestamp};
use cleanbill_oci::{Client, ClientOptions};
use cleanbill_testkit::{BuiltImage, ImageBuilder, Layer, Registry, RegistryOptions};
use cleanbill_trust::{
    Demands, Form, How, Look, Predicate, PrivateKey, attached, attest, carry, carry_verified, collect_from, judge,
    sign_as,
};
use serde_json::json;

struct Stage {
    _registry: Registry,
    client: Client,
    from: Reference,
    to: Reference,
    image: BuiltImage,
}

impl Stage {
    async fn new(referrers_api: bool) -> Self {
        let registry = Registry::start(RegistryOptions { referrers_api, ..RegistryOptions::default() }).await;
        let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("etc/a", b"a")).build();
        registry.put("staging", &image, "1");
        let at = |name: &str| Reference::parse(&format!("{}/{name}:1", registry.host())).unwrap();
        Self {
            client: Client::new(ClientOptions::default()).unwrap(),
            from: at("staging"),
            to: at("production"),
            _registry: registry,
            image,
        }
    }

    async fn sign(&self, key: &PrivateKey, form: Form) {
        let how = How { form, repository: None };
        sign_as(&self.client, &self.from, key, &BTreeMap::new(), Timestamp::UNIX_EPOCH, &how).await.unwrap();
    }

    async fn attest(&self, key: &PrivateKey, form: Form) {
        let predicate = Predicate::new("https://example.com/x", b"{}", Timestamp::UNIX_EPOCH).unwrap();
        let how = How { form, repository: None };
        attest(&self.client, &self.from, key, &predicate, Timestamp::UNIX_EPOCH, &how).await.unwrap();
    }

    /// A referrer that nobody signed.
    async fn attach_junk(&self) {
        const TYPE: &str = "application/vnd.example.junk";
        let place = self.from.with_digest(self.image.digest.clone());
        let config = self.client.push_blob(&place, "application/vnd.oci.empty.v1+json", b"{}".to_vec()).await.unwrap();
        let layer = self.client.push_blob(&place, TYPE, b"anything".to_vec()).await.unwrap();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": TYPE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config.digest.to_string(), "size": 2},
            "layers": [{"mediaType": TYPE, "digest": layer.digest.to_string(), "size": layer.size}],
            "subject": {"mediaType": self.image.media_type, "digest": self.image.digest.to_string(), "size": self.image.manifest.len()},
        });
        self.client.attach(&place, manifest.to_string().into_bytes(), TYPE).await.unwrap();
    }

    /// Everything at the target: how many things verify as signatures, and how many there are.
    async fn arrived(&self, key: &PrivateKey) -> (usize, usize) {
        let place = self.to.with_digest(self.image.digest.clone());
        let look = Look { repository: None, attestations: true };
        let collected = collect_from(&self.client, &place, DigestKind::Manifest, &look).await.unwrap();
        let evidence = judge(&collected, &[key.public()], Demands::default());
        (evidence.signatures.iter().filter(|s| !s.verified_by.is_empty()).count(), collected.len())
    }

    async fn attached_there(&self) -> Vec<Digest> {
        let all = attached(&self.client, &self.to, &self.image.digest).await.unwrap();
        all.iter().map(|found| found.document.digest().clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a77_what_others_attached_before_promotion_is_left_behind() {
    let (ours, theirs) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    for referrers_api in [true, false] {
        let stage = Stage::new(referrers_api).await;
        for form in [Form::Bundle, Form::Tag] {
            for key in [&theirs, &ours, &theirs] {
                stage.sign(key, form).await;
                stage.attest(key, form).await;
            }
        }
        stage.attach_junk().await;
        let carried = carry_verified(&stage.client, &stage.from, &stage.to, &[ours.public()]).await.unwrap();
        assert_eq!(carried.digest, stage.image.digest);
        // Two bundles whole, and the two tags without the others' layers.
        assert_eq!(carried.attached, 4);
        assert_eq!(stage.arrived(&ours).await, (2, 4));
        assert_eq!(stage.arrived(&theirs).await.0, 0);
        assert!(carried.unvouched >= 5, "{carried:?}");
        // Copied again, and without a key: all of it is there.
        let all = carry(&stage.client, &stage.from, &stage.to).await.unwrap();
        assert_eq!(all.unvouched, 0);
        assert!(stage.arrived(&theirs).await.0 >= 2);
        assert!(stage.arrived(&ours).await.0 >= 2, "and none of ours is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a77_an_image_that_nobody_vouches_for_is_carried_alone() {
    let (ours, theirs) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let stage = Stage::new(true).await;
    stage.sign(&theirs, Form::Bundle).await;
    stage.sign(&theirs, Form::Tag).await;
    stage.attach_junk().await;
    let carried = carry_verified(&stage.client, &stage.from, &stage.to, &[ours.public()]).await.unwrap();
    assert_eq!((carried.attached, carried.unvouched), (0, 3));
    assert_eq!(stage.attached_there().await, []);
}
