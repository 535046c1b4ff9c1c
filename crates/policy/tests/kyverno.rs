//! Kyverno's policies beyond the simplest: namespaced ones, filters, actions, what asks for no
//! signature, and the attacks of the checklist that are about policies, by number.
#![allow(clippy::unwrap_used)]

mod made;

use cleanbill_model::{Decision, Operation, ReasonCode};
use made::{PODS, decides, image, kyverno, load, pem, quoted, refused, request, unsigned};

const ALL: &str = "imageReferences: [\"*\"]";

/// Whether the policy with this match and exclude speaks of an image in such an object.
#[track_caller]
fn speaks(scope: &str, kind: &str, change: impl Fn(&mut cleanbill_model::AdmissionRequest), expect: bool) {
    let mut request = request(kind, "default");
    change(&mut request);
    let set = load(&kyverno(scope, ALL)).unwrap();
    assert_eq!(set.demand(&request, &image("a:1")).applies, expect, "{scope} {request:?}");
}

fn filter(kind: &str, fields: &str) -> String {
    format!("match: {{any: [{{resources: {{kinds: [{kind}], {fields}}}}}]}}")
}

#[test]
fn a_policy_of_a_namespace_speaks_of_that_namespace() {
    let namespaced = |namespace: &str| {
        kyverno(PODS, ALL)
            .replace("kind: ClusterPolicy", "kind: Policy")
            .replace("{name: signed}", &format!("{{name: signed, namespace: {namespace}}}"))
    };
    let set = load(&namespaced("team-a")).unwrap();
    assert_eq!(set.names(), ["team-a/signed"]);
    for (namespace, expect) in [("team-a", true), ("team-b", false), ("", false)] {
        assert_eq!(set.demand(&request("Pod", namespace), &image("a:1")).applies, expect, "{namespace}");
    }
    load(&format!("{}---\n{}", namespaced("team-a"), namespaced("team-b"))).unwrap();
    refused(&format!("{}---\n{}", namespaced("team-a"), namespaced("team-a")), "policy `team-a/signed` is there twice");
    refused(&kyverno(PODS, ALL).replace("kind: ClusterPolicy", "kind: Policy"), "metadata.namespace is missing");
    refused(
        &kyverno(PODS, ALL).replace("{name: signed}", "{name: a, namespace: b}"),
        "a ClusterPolicy has no namespace",
    );
}

#[test]
fn filters_by_name_namespace_operation_and_label() {
    let named = |name: &'static str| move |r: &mut cleanbill_model::AdmissionRequest| name.clone_into(&mut r.name);
    speaks(&filter("Pod", "names: [\"web-*\"]"), "Pod", named("web-1"), true);
    speaks(&filter("Pod", "names: [\"web-*\"]"), "Pod", named("db-1"), false);
    speaks(&filter("Pod", "names: [\"web-*\"]"), "Pod", named(""), true);
    speaks(&filter("Pod", "names: [\"web-*\"]"), "Deployment", named("web-1"), false);
    let in_namespace =
        |name: &'static str| move |r: &mut cleanbill_model::AdmissionRequest| name.clone_into(&mut r.namespace);
    speaks(&filter("Pod", "namespaces: [\"prod-?\"]"), "Pod", in_namespace("prod-1"), true);
    speaks(&filter("Pod", "namespaces: [\"prod-?\"]"), "Pod", in_namespace("prod-10"), false);
    let updates = |r: &mut cleanbill_model::AdmissionRequest| r.operation = Operation::Update;
    speaks(&filter("Pod", "operations: [CREATE, DELETE]"), "Pod", |_| (), true);
    speaks(&filter("Pod", "operations: [CREATE, DELETE]"), "Pod", updates, false);
    refused(&kyverno(&filter("Pod", "operations: [PATCH]"), ALL), "`PATCH` is none of");
    let labelled = |r: &mut cleanbill_model::AdmissionRequest| drop(r.labels.insert("app".into(), "web-1".into()));
    for (selector, expect) in [
        ("matchLabels: {app: \"web-*\"}", true),
        ("matchLabels: {app: db}", false),
        ("matchLabels: {app: \"*\", tier: x}", false),
        ("matchExpressions: [{key: app, operator: In, values: [db, web-1]}]", true),
        ("matchExpressions: [{key: app, operator: Exists}]", true),
        ("matchExpressions: [{key: tier, operator: Exists}]", false),
    ] {
        speaks(&filter("Pod", &format!("selector: {{{selector}}}")), "Pod", labelled, expect);
        speaks(&filter("Pod", &format!("selector: {{{selector}}}")), "Pod", |_| (), false);
    }
}

#[test]
fn all_filters_must_fit_where_all_is_written() {
    let both = "match: {all: [{resources: {kinds: [Pod]}}, {resources: {kinds: [Pod], namespaces: [prod]}}]}";
    speaks(both, "Pod", |_| (), false);
    speaks(both, "Pod", |r| "prod".clone_into(&mut r.namespace), true);
    let except = format!(
        "{PODS}\n    exclude: {{all: [{{resources: {{namespaces: [default]}}}}, {{resources: {{operations: [UPDATE]}}}}]}}"
    );
    speaks(&except, "Pod", |_| (), true);
    speaks(&except, "Pod", |r| r.operation = Operation::Update, false);
    refused(&kyverno("match: {any: [], all: []}", ALL), "match");
}

#[test]
fn the_digest_alone_can_be_asked_for_where_that_is_said() {
    let only = |fields: &str| {
        let text = kyverno(PODS, &format!("{ALL}\n      {fields}"));
        text[..text.find("\n      attestors").unwrap()].to_owned()
    };
    let set = load(&only("required: false")).unwrap();
    assert_eq!(unsigned(&set, "a:1").reasons[0].code, ReasonCode::Allowed);
    assert!(set.pins(&request("Pod", "default"), &image("a:1")));
    let set = load(&only("required: false\n      mutateDigest: false")).unwrap();
    assert_eq!(unsigned(&set, "a:1").reasons[0].code, ReasonCode::NoDigest);
    refused(&only("required: true"), "there are no attestors");
    refused(&only("required: false\n      mutateDigest: false\n      verifyDigest: false"), "there are no attestors");
    refused(&only("required: false\n      keyless: {}"), "keyless is not supported yet");
}

#[test]
fn what_lies_beside_policies_is_left_out_and_said() {
    let beside = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n---\n";
    let text = format!("{beside}{}", kyverno(PODS, ALL));
    let (set, said) = cleanbill_policy::PolicySet::load(&[("p.yaml".to_owned(), text)]).unwrap();
    assert_eq!((set.names().len(), said.len(), said[0].code), (1, 1, "policy-document-left-out"));
    refused(beside.trim_end_matches("---\n"), "there is no policy in this file");
    refused(&format!("apiVersion: v1\nkind: Pod\n---\n{}", kyverno(PODS, ALL)), "`Pod` of `v1` is not supported yet");
}

#[test]
fn a_refused_field_says_what_to_write_instead() {
    refused(
        &kyverno(PODS, &format!("repository: reg.example/x\n      {ALL}")),
        "hint: signatures are looked for beside the image",
    );
    refused(&kyverno(PODS, &format!("validate: {{}}\n      {ALL}")), "hint: conditions are not judged yet");
}

#[test]
fn a30_an_exception_that_runs_on_is_told_and_lets_no_other_registry_out() {
    let skip = |pattern: &str| format!("{ALL}\n      skipImageReferences: [\"{pattern}\"]");
    let set = load(&kyverno(PODS, &skip("ghcr.io/org/*"))).unwrap();
    decides(&set, "ghcr.io/org/a:1", Decision::Admit);
    decides(&set, "ghcr.io/org-evil/a:1", Decision::Refuse);
    let set = load(&kyverno(PODS, &skip("internal*/x:1"))).unwrap();
    decides(&set, "internal.example.com/x:1", Decision::Refuse);
    let files = [("p.yaml".to_owned(), kyverno(PODS, &skip("ghcr.io/org*")))];
    let (_, said) = cleanbill_policy::PolicySet::load(&files).unwrap();
    assert!(said.iter().any(|d| d.code == "pattern-runs-on" && d.message.contains("ghcr.io/org-evil")), "{said:?}");
}

#[test]
fn a36_any_entry_that_enforces_refuses_whatever_the_others_do() {
    let key = quoted(&pem('A'));
    let entry = |action: &str| {
        format!(
            "{{imageReferences: [\"*\"], failureAction: {action}, attestors: [{{entries: [{{keys: {{publicKeys: {key}}}}}]}}]}}"
        )
    };
    let rule = |entries: &str| {
        format!(
            "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: p}}\nspec:\n  rules:\n  - name: r\n    {PODS}\n    verifyImages: [{entries}]\n"
        )
    };
    decides(&load(&rule(&entry("Audit"))).unwrap(), "a:1", Decision::Admit);
    for pair in [["Audit", "Enforce"], ["Enforce", "Audit"]] {
        decides(&load(&rule(&pair.map(entry).join(", "))).unwrap(), "a:1", Decision::Refuse);
    }
    let overrides = "validationFailureActionOverrides: [{action: Audit, namespaces: [default]}, {action: Enforce, namespaces: [\"d*\"]}]";
    let text = kyverno(PODS, ALL)
        .replace("validationFailureAction: Enforce", &format!("validationFailureAction: Audit\n  {overrides}"));
    decides(&load(&text).unwrap(), "a:1", Decision::Refuse);
}

#[test]
fn a36_no_order_of_rules_turns_a_refusal_into_anything_else() {
    let named = |name: &str, spec: &str| made::short(spec).replace("name: short", &format!("name: {name}"));
    let (met, unmet) = (named("met", &made::signed_by('A')), named("unmet", &made::signed_by('B')));
    let elsewhere = named("elsewhere", "registries: [quay.io]");
    for [first, second] in [[&met, &unmet], [&unmet, &met]] {
        let set = load(&format!("{first}---\n{second}")).unwrap();
        let signed = made::evidence(&[made::key('A')]);
        let verdict = set.judge(&request("Pod", "x"), &image("a:1"), Some(&made::digest()), Ok(&signed));
        assert_eq!((verdict.decision, verdict.reasons.len()), (Decision::Refuse, 2));
    }
    let down = cleanbill_model::Unavailable { what: "read".to_owned(), why: "refused".to_owned() };
    for [first, second] in [[&met, &elsewhere], [&elsewhere, &met]] {
        let set = load(&format!("{first}---\n{second}")).unwrap();
        let verdict = set.judge(&request("Pod", "x"), &image("a:1"), None, Err(&down));
        assert_eq!(verdict.decision, Decision::Refuse, "{verdict:?}");
    }
}

#[test]
fn a38_exceptions_from_elsewhere_are_no_policies() {
    for kind in ["kyverno.io/v2", "policies.kyverno.io/v1"] {
        let text = format!("apiVersion: {kind}\nkind: PolicyException\nmetadata: {{name: x, namespace: evil}}\n");
        refused(&text, "`PolicyException`");
        refused(&format!("{}---\n{text}", kyverno(PODS, ALL)), "`PolicyException`");
    }
}

#[test]
fn a39_no_label_takes_a_workload_out_of_a_rule() {
    let exclude = |selector: &str| {
        kyverno(&format!("{PODS}\n    exclude: {{any: [{{resources: {{kinds: [Pod], selector: {selector}}}}}]}}"), ALL)
    };
    refused(&exclude("{matchLabels: {skip: \"true\"}}"), "a label would take an object out of the rule");
    for operator in ["NotIn, values: [x]", "DoesNotExist"] {
        let selector = format!("selector: {{matchExpressions: [{{key: skip, operator: {operator}}}]}}");
        refused(&kyverno(&filter("Pod", &selector), ALL), "a label would take an object out of the rule");
    }
    let namespaces =
        format!("{PODS}\n    exclude: {{any: [{{resources: {{namespaceSelector: {{matchLabels: {{a: b}}}}}}}}]}}");
    refused(&kyverno(&namespaces, ALL), "namespaceSelector is not supported yet");
}

#[test]
fn a48_pods_are_judged_whatever_becomes_of_the_controllers() {
    let text = kyverno(PODS, ALL)
        .replace("{name: signed}", "{name: signed, annotations: {pod-policies.kyverno.io/autogen-controllers: none}}");
    let set = load(&text).unwrap();
    assert!(set.demand(&request("Pod", "default"), &image("a:1")).enforced);
    assert!(!set.demand(&request("Job", "default"), &image("a:1")).applies);
}

#[test]
fn a70_a_namespaced_policy_reaches_for_nothing_of_others() {
    for reach in [
        "keys: {publicKeys: \"k8s://other/key\"}",
        "keys: {publicKeys: \"env://TOKEN\"}",
        "keys: {publicKeys: /etc/passwd}",
        "keys: {kms: \"awskms:///alias/x\"}",
        "keys: {secret: {name: key, namespace: other}}",
        "keyless: {subject: x}",
    ] {
        let text = kyverno(PODS, &format!("{ALL}\n      #"))
            .replace("kind: ClusterPolicy", "kind: Policy")
            .replace("{name: signed}", "{name: signed, namespace: team}");
        let at = text.find("attestors: ").unwrap();
        refused(&format!("{}attestors: [{{entries: [{{{reach}}}]}}]\n", &text[..at]), "error[policy-");
    }
    let credentials = format!("{ALL}\n      imageRegistryCredentials: {{secrets: [\"other/pull\"]}}");
    refused(&kyverno(PODS, &credentials), "imageRegistryCredentials is not supported yet");
}
