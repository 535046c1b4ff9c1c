//! Kyverno's chainsaw tests, step by step: `apply` and what it expects, `assert`, `error`, and the one
//! script there is, `kubectl rollout undo` (kyverno/chainsaw, `Test` of `v1alpha1`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cleanbill_testkit::components::harness::Failed;
use serde_json::Value;

use super::stage::{Stage, request};
use super::support::data::unpack_archive;
use super::support::{run, text};

/// What becomes of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// Every step ends as the test states.
    AsStated,
    /// The policy is refused, naming these.
    Refused(BTreeSet<String>),
    /// All steps end as stated but these, which differ on purpose.
    But(String),
}

use Outcome::{AsStated, But, Refused};

const IVP: &str = "image-validating-policies";

/// Beside those of `ImageValidatingPolicy`, which are refused as a kind.
fn expected(test: &str) -> Outcome {
    let refused = |fields: &[&str]| Refused(fields.iter().map(ToString::to_string).collect());
    let check = "spec.rules[0].verifyImages[0]";
    let of = |rest: &str| format!("{check}.{rest}");
    match test {
        "multiple-attestors"
        | "empty-image"
        | "keyed-basic"
        | "mutateDigest-noverifyDigest-norequired"
        | "verify-image-background-existing" => AsStated,
        "rollback-image-verification" => But(TEMPLATE.to_owned()),
        "configmap-context-lookup" => refused(&["spec.rules[0].context", &of("imageReferences")]),
        "failure-policy-test-noconfigmap-diffimage-success-deprecated" | "noconfigmap-diffimage-success" => {
            refused(&["spec.rules[0].context", &of("attestors[0].entries[0].keys.publicKeys")])
        }
        "imageExtractors-complex" | "imageExtractors-complex-keyless" => {
            refused(&["spec.rules[0].match.any[0].resources.kinds[0]"])
        }
        "keyed-secret" => refused(&[&of("attestors[0].entries[0].keys.secret")]),
        "keyless-attestations-multiple-subjects-2"
        | "keyless-attestations-multiple-subjects-counts-2"
        | "keyless-attestations-multiple-subjects-counts-3" => {
            refused(&[&of("attestations[0].conditions[0].all[0].key")])
        }
        "keyless-attestations-multiple-subjects-4" => refused(&[&of("attestations[0].attestors")]),
        "keyless-image-invalid-attestor" | "keyless-mutatedigest-verifydigest-required" => {
            refused(&[&of("attestors[0].entries[0].keyless")])
        }
        "multiple-image-verification-attestations-trivy-vex-pass" | "notary-attestation-verification" => {
            refused(&["spec.rules[0].context", &of("type")])
        }
        "sigstore-attestation-verification-regexp" => {
            refused(&[&of("attestations[0].attestors[0].entries[0].keyless")])
        }
        _ => refused(&["kind"]),
    }
}

/// Tests whose outcome rests on no signature.
const ASK_FOR_NONE: [&str; 2] = ["empty-image", "mutateDigest-noverifyDigest-norequired"];

/// Why an assertion about a template may differ.
const TEMPLATE: &str = "templates are verified and never changed; their Pods are pinned";

pub(crate) fn all(files: &[PathBuf]) -> Result<(), Failed> {
    let data = tempfile::tempdir().unwrap();
    unpack_archive(&files[0], data.path());
    let (stage, strangers) = (Stage::new(), Stage::signed_by(Some("a stranger")));
    let mut tests = Vec::new();
    folders(data.path(), &mut tests);
    tests.sort();
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    println!("| test | outcome |\n|---|---|");
    for folder in &tests {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let cli = folder.components().any(|c| c.as_os_str() == "cli");
        let ivp = cli || folder.to_string_lossy().contains(IVP);
        let outcome = outcome(&stage, folder).map_err(|why| format!("{name}: {why}"))?;
        let (count, told) = match &outcome {
            AsStated => ("as stated", "as stated".to_owned()),
            Refused(fields) => ("refused", format!("refused: {}", Vec::from_iter(fields.clone()).join(", "))),
            But(why) => ("but", format!("as stated, but {why}")),
        };
        *counts.entry(count).or_default() += 1;
        println!("| {}{name} | {told} |", if ivp { "ImageValidatingPolicy " } else { "" });
        // What asks for a signature must not have this outcome where strangers signed.
        if !matches!(outcome, Refused(_)) && !ASK_FOR_NONE.contains(&name) {
            let theirs = self::outcome(&strangers, folder);
            if theirs.is_ok() {
                wrong.push(format!("{name}: the same where a stranger signed: {theirs:?}"));
            }
        }
        let expected = if ivp { Refused(["kind".to_owned()].into()) } else { expected(name) };
        if outcome != expected {
            wrong.push(format!("{name}: expected {expected:?}, had {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(tests.len(), 43);
    assert_eq!(counts, BTreeMap::from([("as stated", 5), ("but", 1), ("refused", 37)]));
    Ok(())
}

/// Folders that hold a test: one with steps, or one of the command line with policy and resources.
fn folders(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    let cli = folder.parent().is_some_and(|p| p.ends_with("test-image-validating-policy"));
    if cli || entries.iter().any(|e| e.ends_with("chainsaw-test.yaml")) {
        found.push(folder.to_owned());
    }
    for entry in entries.iter().filter(|e| e.is_dir()) {
        folders(entry, found);
    }
}

fn documents(stage: &Stage, file: &Path) -> Vec<Value> {
    let text = stage.exchanged(&fs::read_to_string(file).unwrap());
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    documents.into_iter().filter(Value::is_object).collect()
}

fn kind(document: &Value) -> &str {
    document["kind"].as_str().unwrap_or_default()
}

fn is_policy(document: &Value) -> bool {
    kind(document).ends_with("Policy")
}

fn outcome(stage: &Stage, folder: &Path) -> Result<Outcome, String> {
    let mut steps = Steps { stage, folder, policies: Vec::new(), versions: BTreeMap::new(), differs: None };
    let test = folder.join("chainsaw-test.yaml");
    if !test.exists() {
        // A test of the command line: its policy is the file that holds one.
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_some_and(|e| e == "yaml")
                && documents(stage, &file).iter().any(is_policy)
                && let Some(refused) = steps.load(&file)
            {
                return Ok(Refused(refused));
            }
        }
        return Err("has no policy that is refused, and no steps to run".to_owned());
    }
    let test: Value = serde_saphyr::from_str(&fs::read_to_string(test).unwrap()).unwrap();
    for step in test["spec"]["steps"].as_array().unwrap() {
        let bindings = step["use"]["with"]["bindings"].as_array().cloned().unwrap_or_default();
        if step["use"]["template"].as_str().is_some_and(|t| t.ends_with("create-policy.yaml")) {
            let file = bindings.iter().find(|b| b["name"] == "file").unwrap()["value"].as_str().unwrap();
            if let Some(refused) = steps.load(&folder.join(file)) {
                return Ok(Refused(refused));
            }
        }
        for action in step["try"].as_array().into_iter().flatten() {
            if let Some(refused) = steps.act(action)? {
                return Ok(Refused(refused));
            }
        }
    }
    if steps.policies.is_empty() {
        return Err("no policy was loaded".to_owned());
    }
    Ok(steps.differs.map_or(AsStated, But))
}

/// A test on its way.
struct Steps<'a> {
    stage: &'a Stage,
    folder: &'a Path,
    policies: Vec<PathBuf>,
    /// What was applied and let in, oldest first, by kind and name.
    versions: BTreeMap<(String, String), Vec<Value>>,
    differs: Option<String>,
}

impl Steps<'_> {
    /// Puts a policy in force; where it is refused, the fields that are named.
    fn load(&mut self, file: &Path) -> Option<BTreeSet<String>> {
        let to = self.stage.home().join("policy.yaml");
        fs::write(&to, self.stage.exchanged(&fs::read_to_string(file).unwrap())).unwrap();
        let output = run(self.stage.home(), &["policy", "lint", "-o", "json", "policy.yaml"]);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let errors: Vec<&Value> =
            said["diagnostics"].as_array().unwrap().iter().filter(|d| d["level"] == "error").collect();
        let refused = errors
            .iter()
            .map(|d| {
                let message = d["message"].as_str().unwrap();
                let field = message.split([':', ' ']).next().unwrap();
                assert!(field == "kind" || field.starts_with("spec."), "a refusal names no field: {message}");
                field.to_owned()
            })
            .collect::<BTreeSet<_>>();
        if !errors.is_empty() {
            // Who uses it is refused too, in the same words.
            let output = run(self.stage.home(), &["policy", "check", "-p", "policy.yaml"]);
            assert_eq!(output.status.code(), Some(2));
            assert!(refused.iter().any(|field| text(&output.stderr).contains(field)), "{}", text(&output.stderr));
            return Some(refused);
        }
        self.policies = vec![to];
        None
    }

    fn act(&mut self, action: &Value) -> Result<Option<BTreeSet<String>>, String> {
        let (verb, action) = action.as_object().unwrap().iter().next().unwrap();
        match verb.as_str() {
            "script" if action["content"].as_str().is_some_and(|c| c.contains("rollout undo")) => self.undo()?,
            "apply" | "create" | "assert" | "error" => {
                let file = self.folder.join(action["file"].as_str().unwrap());
                let refused = action["expect"][0]["check"]["($error != null)"] == true;
                for document in documents(self.stage, &file) {
                    match verb.as_str() {
                        "apply" | "create" if is_policy(&document) => {
                            if let Some(fields) = self.load(&file) {
                                return Ok(Some(fields));
                            }
                        }
                        "apply" | "create" => self.apply(&document, refused)?,
                        "assert" => self.assert(&document)?,
                        _ => {
                            if self.versions.contains_key(&key(&document)) {
                                return Err(format!("{:?} should not be there", key(&document)));
                            }
                        }
                    }
                }
            }
            // Nothing here comes later than it is asked for.
            "sleep" => {}
            other => return Err(format!("cannot do `{other}`")),
        }
        Ok(None)
    }

    fn apply(&mut self, object: &Value, refused: bool) -> Result<(), String> {
        let old = self.versions.get(&key(object)).and_then(|versions| versions.last()).cloned();
        if !self.policies.is_empty() {
            let answer = self.stage.admit(&self.policies, &request(object, old.as_ref()));
            if answer.allowed == refused {
                return Err(format!(
                    "{:?} was {}: {}",
                    key(object),
                    if refused { "let in" } else { "refused" },
                    answer.message
                ));
            }
            if refused {
                return Ok(());
            }
            self.versions.entry(key(object)).or_default().push(answer.object);
        } else {
            self.versions.entry(key(object)).or_default().push(object.clone());
        }
        Ok(())
    }

    fn undo(&mut self) -> Result<(), String> {
        let last = self.versions.values().find(|versions| versions.len() > 1).ok_or("nothing to roll back")?;
        let before = last[last.len() - 2].clone();
        self.apply(&before, false)
    }

    fn assert(&mut self, stated: &Value) -> Result<(), String> {
        if kind(stated) == "List" {
            return stated["items"].as_array().unwrap().iter().try_for_each(|report| self.report(report));
        }
        let Some(live) = self.versions.get(&key(stated)).and_then(|versions| versions.last()) else {
            return Err(format!("{:?} is not there", key(stated)));
        };
        for path in ["/spec/containers", "/spec/template/spec/containers"] {
            for container in stated.pointer(path).and_then(Value::as_array).into_iter().flatten() {
                let Some(image) = container["image"].as_str() else { continue };
                let here = live.pointer(path).unwrap().as_array().unwrap();
                let here = here.iter().find(|c| c["name"] == container["name"]).unwrap()["image"].as_str().unwrap();
                // Images of the same name have another digest here.
                let (name, pinned) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
                let digest = self.stage.digest(name).ok_or_else(|| format!("{name} was not made"))?;
                let stated_here = if pinned { format!("{name}@{digest}") } else { name.to_owned() };
                if here == stated_here {
                    continue;
                }
                if pinned && here == name && kind(stated) != "Pod" {
                    self.differs = Some(TEMPLATE.to_owned());
                    continue;
                }
                return Err(format!("{stated_here} is stated, and it is {here}"));
            }
        }
        Ok(())
    }

    /// A report about an object that was there before the policy: what `policy check` says of it.
    fn report(&self, report: &Value) -> Result<(), String> {
        let scope = &report["scope"];
        let of = (kind(scope).to_owned(), scope["name"].as_str().unwrap().to_owned());
        let object = self.versions.get(&of).and_then(|versions| versions.last()).ok_or("no such object")?;
        fs::write(self.stage.home().join("object.json"), object.to_string()).unwrap();
        let check = ["policy", "check", "-p", "policy.yaml", "--resource", "object.json", "-o", "json"];
        let output = run(self.stage.home(), &check);
        let said: Value = serde_json::from_slice(&output.stdout).map_err(|_| text(&output.stderr))?;
        let verdicts: Vec<&Value> =
            said["results"].as_array().unwrap().iter().flat_map(|r| r["verdicts"].as_array().unwrap()).collect();
        let passes =
            verdicts.iter().all(|v| v["decision"] == "admitted" && v["warnings"].as_array().is_none_or(Vec::is_empty));
        let stated = report["results"].as_array().unwrap().iter().all(|r| r["result"] == "pass");
        if verdicts.is_empty() || passes != stated {
            return Err(format!("the report says pass: {stated}; policy check says {said}"));
        }
        Ok(())
    }
}

fn key(object: &Value) -> (String, String) {
    (kind(object).to_owned(), object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
}
