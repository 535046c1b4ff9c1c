//! The cases of the public conformance set for bundles (sigstore/sigstore-conformance
//! `test/assets/bundle-verify/README.md` says how they are laid out).

use std::collections::BTreeMap;
use std::path::Path;

use cleanbill_trust::PublicKey;
use cleanbill_trust::offline::{Artifact, Demands, NotVerified, TrustedRoot, Verified, Who, verify_bundle};

use super::data::each_file;

/// The archive of the cases in the folder of data.
pub(crate) const ARCHIVE: &str = "sigstore/sigstore-conformance-assets.tar.zst";
const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// One case, whole: nothing is looked up elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bundle: Vec<u8>,
    pub(crate) artifact: Vec<u8>,
    pub(crate) identity: String,
    pub(crate) issuer: String,
    pub(crate) key: Option<String>,
    /// `None`: that of the public instance.
    pub(crate) root: Option<Vec<u8>>,
}

impl Case {
    /// Whether it is to verify; by its name, as the set has it.
    pub(crate) fn good(&self) -> bool {
        !self.name.ends_with("_fail")
    }

    /// What we say of it, everything demanded.
    pub(crate) fn verdict(&self) -> Result<Verified, String> {
        self.verdict_on(&Artifact::of_bytes(self.artifact.clone()))
    }

    /// What we say of it where only the artifact's digest is known.
    pub(crate) fn verdict_by_digest(&self) -> Result<Verified, String> {
        self.verdict_on(&Artifact::of_digest(cleanbill_model::Digest::sha256(&self.artifact)))
    }

    fn verdict_on(&self, artifact: &Artifact) -> Result<Verified, String> {
        let root = match &self.root {
            Some(json) => TrustedRoot::from_json(json),
            None => TrustedRoot::public_good(),
        }
        .map_err(|e| e.to_string())?;
        let who = match &self.key {
            Some(pem) => Who::Key(PublicKey::from_pem(pem).map_err(|e| e.to_string())?),
            None => Who::Identity { subject: self.identity.clone(), issuer: self.issuer.clone() },
        };
        verify_bundle(&self.bundle, artifact, &who, Demands::default(), Some(&root))
            .map_err(|e: NotVerified| e.to_string())
    }
}

/// The bundles of `tests/fixtures`.
pub(crate) fn fixtures() -> Vec<Case> {
    let read =
        |name: &str| std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap();
    ["log", "tiles", "statement", "key", "foreign_fail", "foreign"]
        .into_iter()
        .map(|name| Case {
            name: name.to_owned(),
            bundle: read(
                if name == "foreign" { "foreign_fail.json".to_owned() } else { format!("{name}.json") }.as_str(),
            ),
            artifact: b"what is signed\n".to_vec(),
            identity: "https://ci.example/build@refs/heads/main".to_owned(),
            issuer: "https://tokens.example".to_owned(),
            key: (name == "key").then(|| String::from_utf8(read("key.pub")).unwrap()),
            root: Some(read(if name == "foreign" { "other-root.json" } else { "root.json" })),
        })
        .collect()
}

/// All cases of the archive, by name.
pub(crate) fn cases(archive: &Path) -> Vec<Case> {
    let mut files: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    let mut artifact = Vec::new();
    each_file(archive, |path, bytes| {
        let Some((_, path)) = path.split_once("assets/") else { return };
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["bundle-verify", "a.txt"] => artifact = bytes.to_vec(),
            ["bundle-verify", case, file] => {
                files.entry((*case).to_owned()).or_default().insert((*file).to_owned(), bytes.to_vec());
            }
            _ => {}
        }
    });
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    files
        .into_iter()
        .map(|(name, mut files)| Case {
            name,
            bundle: files.remove("bundle.sigstore.json").unwrap(),
            artifact: files.remove("artifact").unwrap_or_else(|| artifact.clone()),
            identity: files.remove("identity").map_or_else(|| IDENTITY.to_owned(), text),
            issuer: files.remove("issuer").map_or_else(|| ISSUER.to_owned(), text),
            key: files.remove("key.pub").map(|pem| String::from_utf8(pem).unwrap()),
            root: files.remove("trusted_root.json"),
        })
        .collect()
}
