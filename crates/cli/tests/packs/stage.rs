//! A registry with images of the names that the packs use, signed by keys that stand for theirs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use base64::Engine as _;
use cleanbill_testkit::{ImageBuilder, Layer, Registry, RegistryOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{cleanbill, expect, key_pair};

/// A name in the pack, and who signed it there: the second line of the key's PEM text.
const IMAGES: [(&str, Option<&str>); 6] = [
    ("ghcr.io/kyverno/test-verify-image:signed", Some(KYVERNO)),
    ("ghcr.io/kyverno/test-verify-image:signed-keyless", None),
    ("ghcr.io/kyverno/test-verify-image-rollback:signed-1", Some(ROLLBACK)),
    ("ghcr.io/kyverno/test-verify-image-rollback:signed-2", Some(ROLLBACK)),
    ("ghcr.io/kubewarden/test-verify-image-signatures:signed", Some(KUBEWARDEN)),
    ("ghcr.io/kubewarden/test-verify-image-signatures:unsigned", None),
];

/// The key of `test-verify-image`.
const KYVERNO: &str = "5/KAQN0/KjHcorm/J5yctVd7iEcnessRQjU917hmKO6JWVGHpDguIyakZA==";
/// The key of `test-verify-image-rollback`.
const ROLLBACK: &str = "1tC5ZWN2IuJTe2RbyVrDEn1qLBXNzGKhIXbsUyO5+BuIfgMdek1pDYFZGQ==";
/// The key that stands for the one of kubewarden's requests, which come without.
pub(crate) const KUBEWARDEN: &str = "kubewarden";

/// The registry, the keys and a home.
pub(crate) struct Stage {
    home: TempDir,
    registry: Registry,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::signed_by(None)
    }

    /// With another signer of all images than the policies ask for.
    pub(crate) fn signed_by(stranger: Option<&str>) -> Self {
        let stage =
            Self { home: tempfile::tempdir().unwrap(), registry: Registry::start_blocking(RegistryOptions::default()) };
        for (at, (name, key)) in IMAGES.into_iter().enumerate() {
            let image =
                ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("name", name.as_bytes())).build();
            let (repository, tag) = name.strip_prefix("ghcr.io/").unwrap().rsplit_once(':').unwrap();
            stage.registry.put(repository, &image, tag);
            let Some(key) = key else { continue };
            let prefix = stage.key(stranger.unwrap_or(key));
            // cosign's older form and the newer one by turns: policies must not care.
            let form = ["--new-bundle-format=false", "--new-bundle-format=true"][at % 2];
            let file = format!("{prefix}.key");
            expect(stage.home(), 0, &["sign", "--key", &file, form, &stage.exchanged(name)]);
        }
        stage
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The name of the key pair that stands for `original`; made when first asked for.
    pub(crate) fn key(&self, original: &str) -> String {
        let name: String = original.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
        if !self.home().join(format!("{name}.pub")).exists() {
            key_pair(self.home(), &name);
        }
        name
    }

    /// The digest of the image of this name in the pack.
    pub(crate) fn digest(&self, name: &str) -> Option<String> {
        let name = name.split('@').next()?;
        let (repository, tag) = name.strip_prefix(&format!("{}/", self.registry.host()))?.rsplit_once(':')?;
        Some(self.registry.tag(repository, tag)?.to_string())
    }

    /// A text of the pack with the registry's name and the keys exchanged.
    pub(crate) fn exchanged(&self, text: &str) -> String {
        let mut out = text.replace("ghcr.io/", &format!("{}/", self.registry.host()));
        // As a pattern: `ghcr.io*` would be another registry too.
        out = out.replace("ghcr.io*", &format!("{}*", self.registry.host()));
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for key in lines.windows(4).filter(|l| l[0].ends_with("BEGIN PUBLIC KEY-----") && l[3].starts_with("-----END"))
        {
            let prefix = self.key(key[2]);
            let pem = std::fs::read_to_string(self.home().join(format!("{prefix}.pub"))).unwrap();
            for (theirs, ours) in key[1..3].iter().zip(pem.lines().skip(1)) {
                out = out.replace(theirs, ours);
            }
        }
        out
    }

    /// What the binary answers to a review of this request.
    pub(crate) fn admit(&self, policies: &[PathBuf], request: &Value) -> Answer {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let mut command = cleanbill(self.home());
        command.arg("admit");
        for policy in policies {
            command.arg("-p").arg(policy);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(review.to_string().as_bytes()).unwrap();
        Answer::of(&child.wait_with_output().unwrap(), &request["object"])
    }
}

/// An answer, and the object as it would be kept.
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) message: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) object: Value,
}

impl Answer {
    fn of(output: &Output, object: &Value) -> Self {
        let answer: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("no answer: {}", String::from_utf8_lossy(&output.stderr)));
        let response = &answer["response"];
        let mut object = object.clone();
        if let Some(patch) = response["patch"].as_str() {
            let patch = base64::engine::general_purpose::STANDARD.decode(patch).unwrap();
            let patch: Vec<Value> = serde_json::from_slice(&patch).unwrap();
            for operation in patch {
                assert_eq!(operation["op"], "replace");
                *object.pointer_mut(operation["path"].as_str().unwrap()).unwrap() = operation["value"].clone();
            }
        }
        Self {
            allowed: response["allowed"].as_bool().unwrap(),
            message: response["status"]["message"].as_str().unwrap_or_default().to_owned(),
            warnings: response["warnings"].as_array().into_iter().flatten().map(ToString::to_string).collect(),
            object,
        }
    }
}

/// A request to create `object`, or to change it from `old`.
pub(crate) fn request(object: &Value, old: Option<&Value>) -> Value {
    let (group, version) = object["apiVersion"].as_str().unwrap().rsplit_once('/').unwrap_or(("", "v1"));
    json!({
        "uid": "1", "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
        "kind": {"group": group, "version": version, "kind": object["kind"]},
        "namespace": object["metadata"]["namespace"].as_str().unwrap_or("default"),
        "name": object["metadata"]["name"], "object": object, "oldObject": old, "userInfo": {"username": "alice"},
    })
}
