//! `policy lint`, `explain`, `test` and `fields`, and the short form judged with a registry.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;

use cleanbill_testkit::{ImageBuilder, Layer, Registry, RegistryOptions};
use serde_json::Value;
use support::{expect, key_pair, policy};

/// A short policy that asks for the key in `public`, with `more` fields.
fn short(public: &Path, more: &str) -> String {
    let pem = std::fs::read_to_string(public).unwrap().replace('\n', "\\n");
    format!(
        "apiVersion: cleanbill.dev/v1\nkind: ImagePolicy\nmetadata: {{name: short}}\nspec:\n  signedBy: [{{keys: \"{pem}\"}}]\n{more}"
    )
}

fn json(out: &str) -> Value {
    serde_json::from_str(out).unwrap()
}

#[test]
fn lint_tells_code_place_and_hint_and_strict_fails_on_warnings() {
    let home = tempfile::tempdir().unwrap();
    let (_, public) = key_pair(home.path(), "cosign");
    let wide = short(&public, "  images: [\"ghcr.io/org*\"]\n");
    std::fs::write(home.path().join("wide.yaml"), &wide).unwrap();
    let (out, _) = expect(home.path(), 0, &["policy", "lint", "wide.yaml"]);
    assert!(out.contains("warning[pattern-covers-more]: wide.yaml:6:12: spec.images[0]: "), "{out}");
    assert!(out.contains("hint: end it in") && out.ends_with("1 files: 0 errors, 1 warnings\n"), "{out}");
    expect(home.path(), 1, &["policy", "lint", "--strict", "wide.yaml"]);
    let (out, _) = expect(home.path(), 0, &["policy", "lint", "-o", "json", "wide.yaml"]);
    let said = json(&out);
    assert_eq!(said["schema"], "cleanbill/policy-lint/v1");
    assert_eq!((&said["diagnostics"][0]["line"], &said["diagnostics"][0]["level"]), (&6.into(), &"warning".into()));
    std::fs::write(home.path().join("wrong.yaml"), wide.replace("  images", "  imagse")).unwrap();
    let (out, _) = expect(home.path(), 1, &["policy", "lint", "wrong.yaml"]);
    assert!(out.contains("spec.imagse is not supported yet"), "{out}");
    let key = format!("{}{}", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "A".repeat(88));
    let no_point = format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n");
    std::fs::write(home.path().join("bad.pub"), no_point).unwrap();
    std::fs::write(home.path().join("key.yaml"), short(&home.path().join("bad.pub"), "")).unwrap();
    let (out, _) = expect(home.path(), 1, &["policy", "lint", "key.yaml"]);
    assert!(out.contains("error[policy-key-invalid]"), "{out}");
    expect(home.path(), 2, &["policy", "lint", "missing.yaml"]);
}

#[test]
fn explain_says_it_in_words_and_fields_prints_the_table() {
    let home = tempfile::tempdir().unwrap();
    let (_, public) = key_pair(home.path(), "cosign");
    std::fs::write(home.path().join("p.yaml"), short(&public, "  registries: [ghcr.io]\n")).unwrap();
    let (out, _) = expect(home.path(), 0, &["policy", "explain", "-p", "p.yaml", "--image", "ghcr.io/o/a:1"]);
    assert!(
        out.starts_with("ghcr.io/o/a:1 in a Pod of namespace default\npolicy short, rule images enforces"),
        "{out}"
    );
    assert!(out.contains("  it must come from ghcr.io\n") && out.contains("signed by key "), "{out}");
    std::fs::write(
        home.path().join("r.yaml"),
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: \"quay.io/a:1\"}]}\n",
    )
    .unwrap();
    let (out, _) = expect(home.path(), 0, &["policy", "explain", "-p", "p.yaml", "--resource", "r.yaml"]);
    assert!(out.contains("Service default/s names no image\nquay.io/a:1 in a Pod"), "{out}");
    let (out, _) = expect(home.path(), 0, &["policy", "fields"]);
    assert!(out.contains("| `spec.rules[].verifyImages[].repository` | refused |"), "{out}");
}

#[test]
fn cases_are_run_and_a_wrong_one_fails() {
    let home = tempfile::tempdir().unwrap();
    let (_, public) = key_pair(home.path(), "cosign");
    key_pair(home.path(), "other");
    let folder = home.path().join("policies");
    std::fs::create_dir_all(folder.join("team")).unwrap();
    std::fs::write(folder.join("p.yaml"), policy("ghcr.io", &public, "")).unwrap();
    let pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: c, image: \"ghcr.io/o/a:1\"}]}}}\n";
    std::fs::write(folder.join("team/d.yaml"), pod).unwrap();
    let cases = "apiVersion: cleanbill.dev/v1\nkind: PolicyTest\npolicies: [../p.yaml]\ncases:\n\
        - {name: signed, image: \"ghcr.io/o/a:1\", signedBy: [../../cosign.pub], expect: admitted, reason: signed}\n\
        - {name: unsigned, resource: d.yaml, expect: refused, reason: unsigned}\n\
        - {name: other, image: \"ghcr.io/o/a:1\", signedBy: [../../other.pub], expect: refused, reason: signed-by-another-key}\n\
        - {name: down, image: \"ghcr.io/o/a:1\", unreachable: true, expect: undecided}\n";
    let file = folder.join("team/p.test.yaml");
    std::fs::write(&file, cases).unwrap();
    let (out, _) = expect(home.path(), 0, &["policy", "test", "policies"]);
    assert!(out.ends_with("4 cases, 0 failed\n"), "{out}");
    std::fs::write(&file, cases.replace("resource: d.yaml, expect: refused", "resource: d.yaml, expect: admitted"))
        .unwrap();
    let (out, _) = expect(home.path(), 1, &["policy", "test", "policies", "-o", "json"]);
    let said = json(&out);
    let passed: Vec<_> = said["cases"].as_array().unwrap().iter().map(|c| c["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [true, false, true, true], "{said}");
    std::fs::write(&file, cases.replace("d.yaml", "gone.yaml")).unwrap();
    expect(home.path(), 2, &["policy", "test", "policies"]);
    std::fs::remove_file(&file).unwrap();
    let (_, err) = expect(home.path(), 2, &["policy", "test", "policies"]);
    assert!(err.contains("holds no cases"), "{err}");
}

#[test]
fn attestations_and_findings_are_tested_explained_and_read_where_images_are_judged() {
    let home = tempfile::tempdir().unwrap();
    let (_, public) = key_pair(home.path(), "cosign");
    let pem = std::fs::read_to_string(&public).unwrap().replace('\n', "\\n");
    let asks = format!(
        "  attestations: [{{type: t, keys: \"{pem}\", conditions: [{{all: [{{key: '{{{{ a }}}}', operator: Equals, value: b}}]}}]}}]\n"
    );
    std::fs::write(home.path().join("p.yaml"), short(&public, &asks)).unwrap();
    std::fs::write(home.path().join("good.json"), r#"{"a": "b"}"#).unwrap();
    std::fs::write(home.path().join("bad.json"), r#"{"a": "c"}"#).unwrap();
    let case = |predicate: &str, expect: &str| {
        format!(
            "  - {{name: {predicate}, image: \"a:1\", signedBy: [cosign.pub], attested: [{{type: t, by: [cosign.pub], predicate: {predicate}}}], expect: {expect}}}\n"
        )
    };
    let head = "apiVersion: cleanbill.dev/v1\nkind: PolicyTest\npolicies: [p.yaml]\ncases:\n";
    let cases = format!("{head}{}{}", case("good.json", "admitted"), case("bad.json", "refused, reason: not-attested"));
    std::fs::write(home.path().join("p.test.yaml"), cases).unwrap();
    let (out, _) = expect(home.path(), 0, &["policy", "test", "."]);
    assert!(out.ends_with("2 cases, 0 failed\n"), "{out}");
    let (out, _) = expect(home.path(), 0, &["policy", "explain", "-p", "p.yaml", "--image", "a:1"]);
    assert!(out.contains("every attestation of type t must meet 1 conditions"), "{out}");
    let (_, err) = expect(home.path(), 0, &["policy", "check", "-p", "p.yaml"]);
    assert!(err.contains("1 policies can be read: short"), "{err}");
    std::fs::write(home.path().join("g.yaml"), short(&public, "  findings: {failOn: 'high,fixable'}\n")).unwrap();
    let (out, _) = expect(home.path(), 0, &["policy", "explain", "-p", "g.yaml", "--image", "a:1"]);
    assert!(out.contains("nothing that `high,fixable` counts may be wrong with any of its platforms"), "{out}");
    let gate = "  - {name: gate, image: \"a:1\", signedBy: [cosign.pub], expect: refused, reason: not-scanned}\n";
    std::fs::write(home.path().join("p.test.yaml"), format!("{}{gate}", head.replace("p.yaml", "g.yaml"))).unwrap();
    expect(home.path(), 0, &["policy", "test", "."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_short_form_is_judged_with_a_registry() {
    let home = tempfile::tempdir().unwrap();
    let registry = Registry::start(RegistryOptions::default()).await;
    let host = registry.host();
    let (_, public) = key_pair(home.path(), "cosign");
    for name in ["signed", "legacy"] {
        let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("n", name.as_bytes())).build();
        registry.put(name, &image, "1");
    }
    let run = |code: i32, args: &[&str]| tokio::task::block_in_place(|| expect(home.path(), code, args)).0;
    run(0, &["sign", "--key", "cosign.key", &format!("{host}/signed:1")]);
    let with = |until: &str, registries: &str| {
        let more = format!(
            "  registries: [\"{registries}\"]\n  exceptions: [{{images: [\"{host}/legacy:*\"], reason: moves, owner: pay, until: {until}}}]\n"
        );
        std::fs::write(home.path().join("p.yaml"), short(&public, &more)).unwrap();
    };
    let check = |code: i32, name: &str| {
        let image = format!("{host}/{name}:1");
        let said = json(&run(code, &["policy", "check", "-p", "p.yaml", "-o", "json", "--image", &image]));
        said["results"][0]["verdicts"][0]["reasons"][0]["code"].as_str().unwrap().to_owned()
    };
    with("9999-12-31", &host);
    assert_eq!(check(0, "signed"), "signed");
    assert_eq!(check(0, "legacy"), "skipped");
    with("2000-01-01", &host);
    assert_eq!(check(1, "legacy"), "unsigned");
    with("2000-01-01", "ghcr.io");
    assert_eq!(check(1, "signed"), "registry-not-allowed");
}
