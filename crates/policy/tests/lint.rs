//! What `policy lint` says, and what it does not say of a policy that is as it should be.
#![allow(clippy::unwrap_used)]

mod made;

use cleanbill_policy::{Day, lint};
use made::{PODS, kyverno, short, signed_by};

fn said(text: &str) -> Vec<String> {
    let today = Day::parse("2026-06-01").unwrap();
    lint(&[("p.yaml".to_owned(), text.to_owned())], today).iter().map(ToString::to_string).collect()
}

/// The linter says this, at a line and column.
#[track_caller]
fn says(text: &str, code: &str, part: &str) {
    let said = said(text);
    let found = said.iter().find(|s| s.starts_with(&format!("warning[{code}]: p.yaml:")));
    assert!(found.is_some_and(|s| s.contains(part)), "{code} {part:?} not in {said:#?}");
}

#[track_caller]
fn silent(text: &str) {
    assert_eq!(said(text), [] as [&str; 0], "{text}");
}

fn images(pattern: &str) -> String {
    kyverno(PODS, &format!("imageReferences: [\"{pattern}\"]"))
}

#[test]
fn a_policy_as_it_should_be_is_silent() {
    silent(&images("ghcr.io/org/*"));
    silent(&images("*"));
    silent(&images("ghcr.io/org/app:*"));
    silent(&short(&format!("images: [\"ghcr.io/org/*\"], registries: [ghcr.io], {}", signed_by('A'))));
}

#[test]
fn patterns_that_match_nothing_too_much_or_elsewhere() {
    says(&images("ghcr.io/org/app"), "pattern-without-tag", "matches nothing");
    says(&images("ghcr.io/Org/app:*"), "pattern-matches-nothing", "no capitals");
    says(&images("ghcr.io/org*"), "pattern-covers-more", "`ghcr.io/org-evil/…` among them");
    says(&images("myregistry/*"), "pattern-hub-only", "Docker Hub alone");
    says(&images("*.example/app:*"), "pattern-any-registry", "any registry");
    says(&short("images: [\"ghcr.io/org*\"], digest: pin"), "pattern-covers-more", "spec.images[0]");
    let skip = "imageReferences: [\"*\"]\n      skipImageReferences: [\"ghcr.io/org*\"]";
    says(&kyverno(PODS, skip), "pattern-runs-on", "also excepts every longer name");
}

#[test]
fn fields_without_effect_are_told() {
    for field in ["useCache: true", "required: false"] {
        let text = kyverno(PODS, &format!("imageReferences: [\"*\"]\n      {field}"));
        says(&text, "field-without-effect", field.split(':').next().unwrap());
    }
    let audits = kyverno(PODS, "imageReferences: [\"*\"]\n      mutateDigest: true\n      failureAction: Audit");
    says(&audits, "field-without-effect", "a rule that only audits pins nothing");
    says(&images("*").replace("  rules:", "  background: true\n  rules:"), "field-without-effect", "spec.background");
    let ctlog = images("*").replace("publicKeys:", "ctlog: {ignoreSCT: true}, publicKeys:");
    says(&ctlog, "field-without-effect", "a key has none");
}

#[test]
fn rules_that_nothing_can_reach_are_told() {
    let scope = |text: &str| kyverno(text, "imageReferences: [\"*\"]");
    let one = |fields: &str| format!("match: {{any: [{{resources: {{kinds: [Pod], {fields}}}}}]}}");
    says(&scope(&one("operations: [DELETE]")), "rule-unreachable", "no object that carries images");
    says(
        &scope("match: {all: [{resources: {kinds: [Pod], names: [a]}}, {resources: {kinds: [Deployment]}}]}"),
        "rule-unreachable",
        "rule `verify`",
    );
    says(&scope("match: {any: [{resources: {kinds: [Deployment/scale]}}]}"), "rule-unreachable", "rule `verify`");
    let excluded = format!("{PODS}\n    exclude: {{any: [{{resources: {{kinds: [\"*\"]}}}}]}}");
    says(&scope(&excluded), "rule-unreachable", "rule `verify`");
    let partly = format!("{PODS}\n    exclude: {{any: [{{resources: {{kinds: [Pod]}}}}], all: null}}");
    says(&scope(&partly), "rule-unreachable", "rule `verify`");
    silent(&scope(&format!("{PODS}\n    exclude: {{any: [{{resources: {{namespaces: [kube-system]}}}}]}}")));
    silent(&scope("match: {any: [{resources: {kinds: [Pod/ephemeralcontainers]}}]}"));
    let namespaced = scope(&one("namespaces: [other]"))
        .replace("kind: ClusterPolicy", "kind: Policy")
        .replace("{name: signed}", "{name: signed, namespace: team}");
    says(&namespaced, "rule-unreachable", "rule `verify`");
    let skipped = "imageReferences: [\"ghcr.io/o/*\"]\n      skipImageReferences: [\"*\"]";
    says(&kyverno(PODS, skipped), "rule-skips-everything", "takes out all");
}

#[test]
fn expired_exceptions_are_told_and_running_ones_are_not() {
    let with = |until: &str| {
        short(&format!(
            "digest: pin, exceptions: [{{images: [\"ghcr.io/o/x:*\"], reason: r, owner: o, until: {until}}}]"
        ))
    };
    says(&with("2026-05-31"), "exception-expired", "ended on 2026-05-31");
    silent(&with("2026-06-01"));
}

#[test]
fn expressions_that_are_not_anchored_are_told_beside_the_refusal() {
    let keyless = |expression: &str| {
        let text = images("*");
        let at = text.find("attestors: ").unwrap();
        format!("{}attestors: [{{entries: [{{keyless: {{subjectRegExp: \"{expression}\"}}}}]}}]\n", &text[..at])
    };
    says(&keyless("https://github.com/org/.*"), "expression-unanchored", "fits inside longer texts");
    assert!(!said(&keyless("^https://x$")).iter().any(|s| s.contains("unanchored")));
    assert!(said(&keyless("x")).iter().any(|s| s.contains("keyless is not supported yet")));
}

#[test]
fn a_label_that_brings_objects_in_is_told() {
    let scope = "match: {any: [{resources: {kinds: [Pod], selector: {matchLabels: {a: b}}}}]}";
    says(&kyverno(scope, "imageReferences: [\"*\"]"), "scope-by-label", "whoever creates it chooses");
}
