//! `cleanbill policy`: what policies make of an image or a resource, without a cluster; and what can be
//! said about the policies themselves.

mod cases;
mod explain;
mod lint;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use cleanbill_admission::{Admission, AdmissionOptions};
use cleanbill_diag::Diagnostic;
use cleanbill_model::{
    AdmissionAnswer, AdmissionRequest, Decision, ImageField, ImageFieldKind, Operation, Reason, Verdict,
};
use cleanbill_policy::PolicySet;
use serde_json::{Value, json};

use crate::args::{Common, Format, Policy, PolicyCheck};
use crate::scans::Looks;
use crate::{Outcome, credentials, database, output};

const FILE_LIMIT: u64 = 16 << 20;

pub(crate) async fn run(args: &Policy, common: &Common) -> anyhow::Result<Outcome> {
    match args {
        Policy::Check(args) => check(args, common).await,
        Policy::Lint { policy, strict, output } => lint::run(policy, *strict, output),
        Policy::Explain { policy, image, resource, namespace } => {
            explain::run(policy, image.as_deref(), resource.as_ref(), namespace)
        }
        Policy::Test { folder, output } => cases::run(folder, output),
        Policy::Fields => {
            output::data(cleanbill_policy::kyverno_fields())?;
            Ok(Outcome::Done)
        }
    }
}

async fn check(args: &PolicyCheck, common: &Common) -> anyhow::Result<Outcome> {
    let PolicyCheck { policy, image, resource, namespace, db, output: format } = args;
    let policies = load(policy)?;
    let requests = match (image, resource) {
        (Some(image), _) => vec![pod_of(image, namespace)],
        (None, Some(file)) => resources(file, namespace)?,
        (None, None) => {
            output::say(format!("{} policies can be read: {}", policies.names().len(), policies.names().join(", ")));
            return Ok(Outcome::Done);
        }
    };
    let admission = admission(policies, db.as_ref(), common)?;
    let mut answers = Vec::new();
    for request in requests {
        let name = format!("{} {}/{}", request.kind, request.namespace, request.name);
        answers.push((name, admission.admit(request).await));
    }
    let text = match format {
        Format::Table => answers.iter().map(|(name, answer)| table(name, answer)).collect(),
        Format::Json => as_json(&answers)?,
    };
    output::data(text)?;
    let verdicts = || answers.iter().flat_map(|(_, a)| &a.verdicts);
    if verdicts().any(|v| v.decision == Decision::Undecided) {
        anyhow::bail!("could not find out about every image (see above)");
    }
    let refused = answers.iter().any(|(_, a)| !a.allowed);
    Ok(if refused { Outcome::Refused(1) } else { Outcome::Done })
}

/// Admission for one command; with a database it looks into images, and has as long for it as `--timeout`
/// gives a registry.
pub(crate) fn admission(policies: PolicySet, db: Option<&PathBuf>, common: &Common) -> anyhow::Result<Admission> {
    let client = credentials::client(common)?;
    let Some(file) = db else {
        return Ok(Admission::new(policies, client, AdmissionOptions::default()));
    };
    let looks = Looks::of_database(database::open(Some(file))?, client.clone(), u64::MAX >> 20);
    let deadline = std::time::Duration::from_secs(common.timeout.max(10));
    let options = AdmissionOptions { deadline, ..AdmissionOptions::default() };
    Ok(Admission::new(policies, client, options).with_scans(std::sync::Arc::new(looks)))
}

/// Reads policy files, and folders one level deep; says warnings, and refuses all on any error.
pub(crate) fn load(paths: &[PathBuf]) -> anyhow::Result<PolicySet> {
    readable(cleanbill_admission::load(&files(paths)?))
}

/// The names and texts of policy files; of a folder, what ends in .yaml, .yml or .json and is no test.
fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).with_context(|| format!("could not read {}", path.display()))?;
            let mut inside = Vec::new();
            for entry in entries {
                let file = entry.with_context(|| format!("could not read {}", path.display()))?.path();
                if file.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json")
                    && file.is_file()
                    && !cases::is_test(&file)
                {
                    inside.push(file);
                }
            }
            inside.sort();
            for file in inside {
                files.push((file.display().to_string(), read(&file)?));
            }
        } else {
            files.push((path.display().to_string(), read(path)?));
        }
    }
    if files.is_empty() {
        anyhow::bail!("no policy file was found\nhint: policies are files that end in .yaml, .yml or .json");
    }
    Ok(files)
}

/// Policies that could be read; warnings are said, errors are the answer.
fn readable(loaded: Result<(PolicySet, Vec<Diagnostic>), Vec<Diagnostic>>) -> anyhow::Result<PolicySet> {
    match loaded {
        Ok((policies, warnings)) => {
            for warning in warnings {
                output::say(warning);
            }
            Ok(policies)
        }
        Err(diagnostics) => {
            let text: Vec<_> = diagnostics.iter().map(ToString::to_string).collect();
            anyhow::bail!("the policies cannot be used\n{}", text.join("\n"));
        }
    }
}

fn read(path: &PathBuf) -> anyhow::Result<String> {
    let size = std::fs::metadata(path).with_context(|| format!("could not read {}", path.display()))?.len();
    if size > FILE_LIMIT {
        anyhow::bail!("{} is larger than {} MiB", path.display(), FILE_LIMIT >> 20);
    }
    std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

/// A Pod with one container, as if somebody ran the image.
fn pod_of(image: &str, namespace: &str) -> AdmissionRequest {
    AdmissionRequest {
        uid: "policy-check".to_owned(),
        user: String::new(),
        operation: Operation::Create,
        kind: "Pod".to_owned(),
        namespace: namespace.to_owned(),
        name: "policy-check".to_owned(),
        labels: BTreeMap::new(),
        subresource: None,
        dry_run: true,
        images: vec![ImageField {
            pointer: "/spec/containers/0/image".to_owned(),
            kind: ImageFieldKind::Container,
            container: "main".to_owned(),
            image: image.to_owned(),
        }],
        platform: None,
    }
}

/// Every document of a manifest file, the items of lists included, as requests to create them.
fn resources(file: &PathBuf, namespace: &str) -> anyhow::Result<Vec<AdmissionRequest>> {
    let text = read(file)?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text)
        .map_err(|e| anyhow::anyhow!("{} is not YAML or JSON: {e}", file.display()))?;
    let mut requests = Vec::new();
    for document in documents {
        let objects = match (document["kind"].as_str(), &document["items"]) {
            (Some(kind), Value::Array(items)) if kind.ends_with("List") => items.clone(),
            (Some(_), _) => vec![document],
            (None, _) if document.is_null() => continue,
            (None, _) => anyhow::bail!("{} holds a document without `kind`", file.display()),
        };
        for object in objects {
            let review = json!({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                "request": {
                    "uid": "policy-check", "operation": "CREATE", "dryRun": true,
                    "kind": {"group": group(&object), "version": "v1", "kind": object["kind"]},
                    "namespace": object["metadata"]["namespace"].as_str().unwrap_or(namespace),
                    "name": object["metadata"]["name"].as_str().unwrap_or_default(),
                    "object": object,
                },
            });
            let request = cleanbill_cluster::review::parse(review.to_string().as_bytes())
                .with_context(|| format!("could not read {}", file.display()))?;
            requests.push(request);
        }
    }
    if requests.is_empty() {
        anyhow::bail!("{} holds no resource", file.display());
    }
    Ok(requests)
}

/// The API group: what stands before the slash of `apiVersion`.
fn group(object: &Value) -> &str {
    object["apiVersion"].as_str().and_then(|v| v.split_once('/')).map_or("", |(group, _)| group)
}

fn table(name: &str, answer: &AdmissionAnswer) -> String {
    let mut text = format!("{name}: {}\n", if answer.allowed { "admitted" } else { "refused" });
    for verdict in &answer.verdicts {
        let digest = verdict.digest.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
        text.push_str(&format!("  {} {}{digest}\n", verdict.decision.name(), verdict.image));
        for (mark, reason) in
            verdict.reasons.iter().map(|r| ("", r)).chain(verdict.warnings.iter().map(|r| ("audit: ", r)))
        {
            let rule =
                if reason.policy.is_empty() { String::new() } else { format!("{}/{}: ", reason.policy, reason.rule) };
            text.push_str(&format!("    {mark}{rule}{}\n", reason.message));
            for attempt in &reason.attempts {
                text.push_str(&format!("      {}: {}\n", attempt.what, attempt.outcome));
            }
            if !reason.hint.is_empty() {
                text.push_str(&format!("      hint: {}\n", reason.hint));
            }
        }
    }
    if answer.verdicts.is_empty() {
        if answer.message.is_empty() {
            text.push_str("  names no image\n");
        } else {
            text.push_str(&format!("  {}\n", answer.message));
        }
    }
    cleanbill_report::terminal::clean_lines(&text).into_owned()
}

fn as_json(answers: &[(String, AdmissionAnswer)]) -> anyhow::Result<String> {
    let reason = |r: &Reason| {
        json!({"code": r.code.name(), "policy": r.policy, "rule": r.rule, "message": r.message, "hint": r.hint,
               "attempts": r.attempts.iter().map(|a| json!({"what": a.what, "outcome": a.outcome})).collect::<Vec<_>>()})
    };
    let verdict = |v: &Verdict| -> Value {
        json!({"image": v.image.to_string(), "digest": v.digest.as_ref().map(ToString::to_string),
               "decision": v.decision.name(),
               "reasons": v.reasons.iter().map(reason).collect::<Vec<_>>(),
               "warnings": v.warnings.iter().map(reason).collect::<Vec<_>>()})
    };
    let results: Vec<_> = answers
        .iter()
        .map(|(name, answer)| {
            json!({"resource": name, "allowed": answer.allowed, "message": answer.message,
                   "verdicts": answer.verdicts.iter().map(verdict).collect::<Vec<_>>()})
        })
        .collect();
    let document = json!({"schema": "cleanbill/policy-check/v1", "results": results});
    Ok(serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n")
}
