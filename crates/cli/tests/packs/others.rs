//! kubewarden's requests, and what of policy-controller's is refused by name.

use std::path::PathBuf;

use cleanbill_testkit::components::harness::Failed;
use serde_json::Value;

use super::stage::{KUBEWARDEN, Stage};
use super::support::data::each_file;
use super::support::{policy, run, text};

/// All images that stand under a key `image`, by walking the whole object: knows no kinds.
fn images(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| images(item, found)),
        Value::Object(map) => {
            for (key, item) in map {
                match item {
                    Value::String(image) if key == "image" => found.push(image.clone()),
                    other => images(other, found),
                }
            }
        }
        _ => {}
    }
}

pub(crate) fn requests(files: &[PathBuf]) -> Result<(), Failed> {
    let stage = Stage::new();
    let public = stage.home().join(format!("{}.pub", stage.key(KUBEWARDEN)));
    let file = stage.home().join("policy.yaml");
    std::fs::write(&file, policy("*", &public, "")).unwrap();
    let (mut admitted, mut refused) = (0, 0);
    each_file(&files[0], |path, bytes| {
        if path.rsplit_once('.').is_none_or(|(_, extension)| extension != "json") {
            return;
        }
        // Nothing on the loopback goes by these names, and nothing else is to be asked.
        let mut said = stage.exchanged(std::str::from_utf8(bytes).unwrap());
        for name in ["\"nginx", "\"init"] {
            let to = format!("\"{}{}", stage.exchanged("ghcr.io/library/"), &name[1..]);
            said = said.replace(&format!("\"image\": {name}"), &format!("\"image\": {to}"));
        }
        let request: Value = serde_json::from_str(&said).unwrap();
        let mut named = Vec::new();
        images(&request["object"], &mut named);
        assert!(!named.is_empty(), "{path} names no image");
        let answer = stage.admit(std::slice::from_ref(&file), &request);
        let signed = named.iter().all(|image| image.ends_with(":signed"));
        assert_eq!(answer.allowed, signed, "{path}: {}", answer.message);
        if signed {
            admitted += 1;
            let mut after = Vec::new();
            images(&answer.object, &mut after);
            let pinned = |image: &String| match request["kind"]["kind"].as_str() {
                Some("Pod") => format!("{image}@{}", stage.digest(image).unwrap()),
                _ => image.clone(),
            };
            assert_eq!(after, named.iter().map(pinned).collect::<Vec<_>>(), "{path}");
        } else {
            refused += 1;
            for image in &named {
                assert!(answer.message.contains(&format!("image {image} ")), "{path}: {image}: {}", answer.message);
            }
        }
        assert!(answer.warnings.is_empty(), "{path}: {:?}", answer.warnings);
    });
    assert_eq!((admitted, refused), (8, 12));
    Ok(())
}

/// Wants `yaml` to be refused with its kind and group named.
fn refused(stage: &Stage, what: &str, yaml: &str, version: &str) {
    std::fs::write(stage.home().join("cip.yaml"), yaml).unwrap();
    let output = run(stage.home(), &["policy", "check", "-p", "cip.yaml"]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{what}: {err}");
    let named = format!("`ClusterImagePolicy` of `policy.sigstore.dev/{version}` is not supported yet");
    assert!(err.contains(&named), "{what}: {err}");
}

pub(crate) fn cluster_image_policies(files: &[PathBuf]) -> Result<(), Failed> {
    let stage = Stage::new();
    let mut count = 0;
    each_file(&files[0], |path, bytes| {
        let text = String::from_utf8_lossy(bytes);
        if !path.contains("/testdata/policy-controller/") || !text.contains("kind: ClusterImagePolicy") {
            return;
        }
        let version = if text.contains("policy.sigstore.dev/v1beta1") { "v1beta1" } else { "v1alpha1" };
        refused(&stage, path, &text, version);
        count += 1;
    });
    assert_eq!(count, 43);
    Ok(())
}

pub(crate) fn globs(files: &[PathBuf]) -> Result<(), Failed> {
    let stage = Stage::new();
    let mut count = 0;
    each_file(&files[0], |path, bytes| {
        if !path.ends_with("glob-cases.jsonl") {
            return;
        }
        let mut globs = String::new();
        for line in std::str::from_utf8(bytes).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            globs.push_str(&format!("  - glob: {}\n", case["glob"]));
            count += 1;
        }
        let yaml = format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: globs}}\nspec:\n  images:\n{globs}  authorities:\n  - static: {{action: pass}}\n"
        );
        refused(&stage, path, &yaml, "v1beta1");
    });
    assert_eq!(count, 42);
    Ok(())
}
