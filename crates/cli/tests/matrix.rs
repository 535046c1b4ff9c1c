//! Who signs, who verifies: cosign 2, cosign 3 and we, on a registry with the referrers API (olareg) and
//! on one without (distribution). Every cell is run with the real programs, each with a key pair of
//! its own making, and its outcome is compared with [`EXPECTED`], also where that is a failure. Where
//! a cell works, the same must fail with another key, with other annotations and for another type of
//! attestation; of an index, each platform is verified by itself too.
//!
//! Forms: tags are `sha256-HEX.sig` and `.att` (cosign's `specs/SIGNATURE_SPEC.md`), referrers are
//! sigstore bundles attached as OCI referrers (`specs/BUNDLE_SPEC.md`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, OnceLock};

use cleanbill_model::Reference;
use cleanbill_testkit::components::Component;
use cleanbill_testkit::components::cosign::{Cosign, cosign, cosign2};
use cleanbill_testkit::components::harness::{self, Failed, plain_test, real_test};
use cleanbill_testkit::components::registry::{Distribution, Olareg};
use cleanbill_testkit::{BuiltImage, BuiltIndex, ImageBuilder, Layer};
use support::{client, push, run, text};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Tool {
    Cosign2,
    Cosign3,
    Ours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Tags,
    Referrers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Key,
    Annotations,
    Attestation,
    Index,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kept {
    Distribution,
    Olareg,
}

/// What becomes of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Signed and verified.
    Works,
    /// The signer does not write this form, and says this.
    Unwritten(&'static str),
    /// The verifier refuses what was written, and says this.
    Unread(&'static str),
}

use Form::{Referrers, Tags};
use Kept::{Distribution as Fallback, Olareg as Api};
use Outcome::{Unread, Unwritten, Works};
use Subject::{Annotations, Attestation, Index, Key};
use Tool::{Cosign2, Cosign3, Ours};

const TOOLS: [Tool; 3] = [Cosign2, Cosign3, Ours];
const FORMS: [Form; 2] = [Tags, Referrers];
const SUBJECTS: [Subject; 4] = [Key, Annotations, Attestation, Index];
const KEPT: [Kept; 2] = [Fallback, Api];

/// The same on both registries: signer, form, subject; then cosign 2, cosign 3 and we as verifiers.
const EXPECTED: [(Tool, Form, Subject, [Outcome; 3]); 24] = [
    (Cosign2, Tags, Key, [Works, Works, Works]),
    (Cosign2, Tags, Annotations, [Works, Works, Works]),
    (Cosign2, Tags, Attestation, [Works, Works, Works]),
    (Cosign2, Tags, Index, [Works, Works, Works]),
    (Cosign2, Referrers, Key, [Unwritten(NO_FLAG), Unwritten(NO_FLAG), Unwritten(NO_FLAG)]),
    (Cosign2, Referrers, Annotations, [Unwritten(NO_FLAG), Unwritten(NO_FLAG), Unwritten(NO_FLAG)]),
    (Cosign2, Referrers, Attestation, [Works, Works, Works]),
    (Cosign2, Referrers, Index, [Unwritten(NO_FLAG), Unwritten(NO_FLAG), Unwritten(NO_FLAG)]),
    (Cosign3, Tags, Key, [Works, Works, Works]),
    (Cosign3, Tags, Annotations, [Works, Works, Works]),
    (Cosign3, Tags, Attestation, [Works, Works, Works]),
    (Cosign3, Tags, Index, [Works, Works, Works]),
    (Cosign3, Referrers, Key, [Unread(NO_SIGNATURES), Works, Works]),
    (Cosign3, Referrers, Annotations, [Unread(NO_SIGNATURES), Works, Works]),
    (Cosign3, Referrers, Attestation, [Works, Works, Works]),
    (Cosign3, Referrers, Index, [Unread(NO_SIGNATURES), Works, Works]),
    (Ours, Tags, Key, [Works, Works, Works]),
    (Ours, Tags, Annotations, [Works, Works, Works]),
    (Ours, Tags, Attestation, [Works, Works, Works]),
    (Ours, Tags, Index, [Works, Works, Works]),
    (Ours, Referrers, Key, [Unread(NO_SIGNATURES), Works, Works]),
    (Ours, Referrers, Annotations, [Unread(NO_SIGNATURES), Works, Works]),
    (Ours, Referrers, Attestation, [Works, Works, Works]),
    (Ours, Referrers, Index, [Unread(NO_SIGNATURES), Works, Works]),
];

/// cosign 2 writes signatures under tags only; attestations it writes in both forms.
const NO_FLAG: &str = "unknown flag: --new-bundle-format";
/// cosign 2 looks for signatures under tags only, whatever its flags say.
const NO_SIGNATURES: &str = "no signatures found";

/// A trusted root that trusts nobody.
const TRUSTED_ROOT: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cosign2 => "cosign2",
            Cosign3 => "cosign3",
            Ours => "cleanbill",
        })
    }
}

fn main() -> std::process::ExitCode {
    let stage = Arc::new(Stage::default());
    let mut trials = vec![plain_test("the_matrix_is_complete", || {
        for (signer, form, subject) in groups() {
            let rows = EXPECTED.iter().filter(|row| (row.0, row.1, row.2) == (signer, form, subject)).count();
            assert_eq!(rows, 1, "{signer} {form:?} {subject:?}");
        }
        Ok(())
    })];
    for (signer, form, subject, outcomes) in EXPECTED {
        for kept in KEPT {
            for (verifier, expected) in TOOLS.into_iter().zip(outcomes) {
                let cell = Cell { signer, form, subject, kept };
                let name = format!("{signer}_signs_{verifier}_verifies_{subject:?}_{form:?}_{kept:?}").to_lowercase();
                let mut needs = vec![kept.component()];
                needs.extend([signer, verifier].iter().filter_map(|tool| tool.component()));
                let stage = Arc::clone(&stage);
                trials.push(real_test(name, &needs, move || stage.cell(cell, verifier, expected)));
            }
        }
    }
    harness::main(trials)
}

fn groups() -> impl Iterator<Item = (Tool, Form, Subject)> {
    TOOLS.into_iter().flat_map(|tool| {
        FORMS.into_iter().flat_map(move |form| SUBJECTS.into_iter().map(move |subject| (tool, form, subject)))
    })
}

impl Tool {
    fn component(self) -> Option<Component> {
        match self {
            Cosign2 => Some(Component::Cosign2),
            Cosign3 => Some(Component::Cosign),
            Ours => None,
        }
    }
}

impl Kept {
    fn component(self) -> Component {
        match self {
            Fallback => Component::Distribution,
            Api => Component::Olareg,
        }
    }
}

/// One signing, verified by three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Cell {
    signer: Tool,
    form: Form,
    subject: Subject,
    kept: Kept,
}

/// The key pair that a tool made for itself, and one that signs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Pair {
    Of(Tool),
    Other,
}

/// What a signer left: the references to verify (an index and its platforms), or what it said instead.
type Signed = Result<Vec<String>, String>;

/// What all cells share; everything is started by the first that needs it.
#[derive(Default)]
struct Stage {
    home: OnceLock<TempDir>,
    cosign2: OnceLock<Cosign>,
    cosign3: OnceLock<Cosign>,
    olareg: OnceLock<Olareg>,
    distribution: OnceLock<Distribution>,
    keys: Mutex<HashMap<Pair, Arc<OnceLock<()>>>>,
    signed: Mutex<HashMap<Cell, Arc<OnceLock<Signed>>>>,
}

impl Stage {
    fn home(&self) -> &Path {
        self.home
            .get_or_init(|| {
                let home = tempfile::tempdir().unwrap();
                std::fs::write(home.path().join("predicate.json"), r#"{"a":1}"#).unwrap();
                std::fs::write(home.path().join("trusted-root.json"), TRUSTED_ROOT).unwrap();
                home
            })
            .path()
    }

    fn host(&self, kept: Kept) -> &str {
        match kept {
            Api => self.olareg.get_or_init(|| Olareg::start().unwrap()).host(),
            Fallback => self.distribution.get_or_init(|| Distribution::start().unwrap()).host(),
        }
    }

    fn tool(&self, tool: Tool, arguments: &[&str]) -> Output {
        let home = self.home();
        match tool {
            Cosign2 => self.cosign2.get_or_init(|| cosign2("").unwrap()).run(home, arguments).unwrap(),
            Cosign3 => self.cosign3.get_or_init(|| cosign("").unwrap()).run(home, arguments).unwrap(),
            Ours => run(home, arguments),
        }
    }

    /// A key pair, made when first asked for: PREFIX of `.key` and `.pub`.
    fn key(&self, pair: Pair) -> PathBuf {
        let once = Arc::clone(self.keys.lock().unwrap().entry(pair).or_default());
        let (tool, name) = match pair {
            Pair::Of(tool) => (tool, tool.to_string()),
            Pair::Other => (Ours, "other".to_owned()),
        };
        let prefix = self.home().join(name);
        once.get_or_init(|| {
            let output = self.tool(tool, &["generate-key-pair", "--output-key-prefix", prefix.to_str().unwrap()]);
            assert!(output.status.success(), "{tool}: {}", text(&output.stderr));
        });
        prefix
    }

    fn signed(&self, cell: Cell) -> Signed {
        let once = Arc::clone(self.signed.lock().unwrap().entry(cell).or_default());
        once.get_or_init(|| self.sign(cell)).clone()
    }

    fn sign(&self, cell: Cell) -> Signed {
        let Cell { signer, form, subject, kept } = cell;
        let name = format!("{}/{signer}/{form:?}/{subject:?}", self.host(kept)).to_lowercase();
        let (reference, mut parts) = publish(&name, subject == Index);
        let key = self.key(Pair::Of(signer)).with_extension("key");
        let mut arguments = match subject {
            Attestation => vec!["attest", "--predicate", "predicate.json", "--type", "custom"],
            Annotations => vec!["sign", "-a", "who=ci"],
            Index => vec!["sign", "--recursive"],
            Key => vec!["sign"],
        };
        arguments.extend(["--yes", "--key", key.to_str().unwrap(), "--tlog-upload=false"]);
        if signer == Cosign3 {
            arguments.push("--use-signing-config=false");
        }
        match (signer, form) {
            (Cosign2, Tags) => {} // its only form, or its default
            (_, Tags) => arguments.push("--new-bundle-format=false"),
            (_, Referrers) => arguments.push("--new-bundle-format=true"),
        }
        arguments.push(&reference);
        let output = self.tool(signer, &arguments);
        if !output.status.success() {
            return Err(text(&output.stderr));
        }
        parts.insert(0, reference);
        Ok(parts)
    }

    /// Whether `verifier` accepts; what it said otherwise.
    fn verify(&self, cell: Cell, verifier: Tool, key: Pair, claim: &str, reference: &str) -> Result<(), String> {
        let key = self.key(key).with_extension("pub");
        let mut arguments = match cell.subject {
            Attestation => vec!["verify-attestation", "--type", claim],
            Annotations => vec!["verify", "-a", claim],
            Key | Index => vec!["verify"],
        };
        arguments.extend(["--key", key.to_str().unwrap(), "--insecure-ignore-tlog"]);
        match (verifier, cell.form) {
            (Ours, _) => {} // reads both
            (_, Tags) => arguments.push("--new-bundle-format=false"),
            (Cosign3, Referrers) => arguments.push("--new-bundle-format=true"),
            // It would fetch a trusted root, though with a key none is needed.
            (Cosign2, Referrers) => {
                arguments.extend(["--new-bundle-format=true", "--trusted-root", "trusted-root.json"]);
            }
        }
        arguments.push(reference);
        let output = self.tool(verifier, &arguments);
        if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
    }

    fn cell(&self, cell: Cell, verifier: Tool, expected: Outcome) -> Result<(), Failed> {
        let (claim, other_claim) = match cell.subject {
            Attestation => ("custom", Some("openvex")),
            Annotations => ("who=ci", Some("who=me")),
            Key | Index => ("", None),
        };
        let references = match (self.signed(cell), expected) {
            (Ok(references), Works | Unread(_)) => references,
            (Ok(_), Unwritten(_)) => return Err(format!("expected {expected:?}, and it was written").into()),
            (Err(said), Unwritten(why)) if said.contains(why) => return Ok(()),
            (Err(said), _) => return Err(format!("expected {expected:?}; the signer said: {said}").into()),
        };
        for reference in &references {
            match (self.verify(cell, verifier, Pair::Of(cell.signer), claim, reference), expected) {
                (Ok(()), Works) => {}
                (Err(said), Unread(why)) if said.contains(why) => continue,
                (answer, _) => return Err(format!("{reference}: expected {expected:?}, had {answer:?}").into()),
            }
            if self.verify(cell, verifier, Pair::Other, claim, reference).is_ok() {
                return Err(format!("{reference}: {verifier} accepts another's key").into());
            }
            if let Some(other_claim) = other_claim
                && self.verify(cell, verifier, Pair::Of(cell.signer), other_claim, reference).is_ok()
            {
                return Err(format!("{reference}: {verifier} accepts {other_claim}").into());
            }
        }
        Ok(())
    }
}

fn image(marker: &str, platform: &str) -> BuiltImage {
    ImageBuilder::new().platform(platform).layer(Layer::new().file("marker", marker.as_bytes())).build()
}

/// Pushes an image or an index; gives its reference, and those of an index's platforms.
fn publish(name: &str, index: bool) -> (String, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let tag = format!("{name}:1");
        if !index {
            return (format!("{name}@{}", push(&tag, &image(name, "linux/amd64")).await), Vec::new());
        }
        let parts = [image(name, "linux/amd64"), image(name, "linux/arm64")];
        let mut references = Vec::new();
        for (part, tag) in parts.iter().zip(["amd", "arm"]) {
            references.push(format!("{name}@{}", push(&format!("{name}:{tag}"), part).await));
        }
        let index = BuiltIndex::new(parts);
        let reference = Reference::parse(&tag).unwrap();
        client().push_manifest(&reference, &index.media_type, index.manifest.clone()).await.unwrap();
        (format!("{name}@{}", index.digest), references)
    })
}
