//! Tests of `pod`.

use cleanbill_model::{Digest, RuntimeForm};
use serde_json::{Value, json};

use super::*;

fn object(spec: Value, status: Value) -> Object {
    let value = json!({
        "metadata": {"uid": "u1", "name": "web-0", "namespace": "shop"}, "spec": spec, "status": status,
    });
    serde_json::from_value(value).unwrap()
}

/// Each container as `kind name image state digest-form`.
#[track_caller]
fn check(spec: Value, status: Value, expect: &[&str]) {
    let seen = from_object(&object(spec, status)).unwrap();
    let words = seen.pod.containers.iter().map(|c| {
        let form = c.image_id.as_ref().map_or("-", |i| match i.form {
            RuntimeForm::DockerPullable => "pullable",
            RuntimeForm::Repository => "repository",
            RuntimeForm::Bare => "bare",
        });
        format!("{} {} {} {} {form}", c.kind.name(), c.name, c.image, c.state.name())
    });
    assert_eq!(words.collect::<Vec<_>>(), expect);
}

fn status(name: &str, image_id: &str) -> Value {
    json!({"name": name, "image": "", "imageID": image_id, "ready": true, "restartCount": 0})
}

#[test]
fn every_form_of_image_id_is_understood() {
    let d = Digest::sha256("x");
    for (id, form) in [
        (format!("docker-pullable://ghcr.io/o/x@{d}"), "pullable"),
        (format!("ghcr.io/o/x@{d}"), "repository"),
        (d.to_string(), "bare"),
        (d.hex().to_owned(), "bare"),
    ] {
        let spec = json!({"containers": [{"name": "a", "image": "x:1"}]});
        check(
            spec,
            json!({"phase": "Running", "containerStatuses": [status("a", &id)]}),
            &[&format!("main a x:1 running {form}")],
        );
    }
}

#[test]
fn a_container_without_report_is_declared_and_one_with_an_unknown_form_runs() {
    let spec = json!({"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}, {"name": "c", "image": "z"}]});
    let status = json!({"phase": "Pending", "containerStatuses": [status("b", ""), status("c", "new-form:7")]});
    check(spec, status, &["main a x:1 declared -", "main b y declared -", "main c z running -"]);
}

#[test]
fn init_and_ephemeral_containers_have_statuses_of_their_own() {
    let d = Digest::sha256("x").to_string();
    let spec = json!({
        "containers": [{"name": "same", "image": "x"}],
        "initContainers": [{"name": "init", "image": "y"}],
        "ephemeralContainers": [{"name": "debug", "image": "z"}],
    });
    let status = json!({"phase": "Running",
        "initContainerStatuses": [status("init", &d), status("same", &d)],
        "ephemeralContainerStatuses": [status("debug", &d)]});
    check(spec, status, &["main same x declared -", "init init y running bare", "ephemeral debug z running bare"]);
}

#[test]
fn two_containers_of_one_image_name_keep_their_own_digests() {
    let (one, two) = (Digest::sha256("1"), Digest::sha256("2"));
    let spec = json!({"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "x:1"}]});
    let status = json!({"phase": "Running", "containerStatuses": [status("b", &two.to_string()), status("a", &one.to_string())]});
    let seen = from_object(&object(spec, status)).unwrap();
    let digests: Vec<_> = seen.pod.containers.into_iter().map(|c| c.image_id.unwrap().digest).collect();
    assert_eq!(digests, [one, two]);
}

#[test]
fn an_image_volume_runs_with_its_pod() {
    let spec = json!({"containers": [], "volumes": [
        {"name": "models", "image": {"reference": "m:1"}}, {"name": "tmp", "emptyDir": {}}]});
    check(spec.clone(), json!({"phase": "Pending"}), &["volume models m:1 declared -"]);
    check(spec, json!({"phase": "Running"}), &["volume models m:1 running -"]);
}

#[test]
fn a_reported_image_volume_has_its_digest() {
    let id = format!("ghcr.io/o/m@{}", Digest::sha256("m"));
    let spec = json!({"containers": [{"name": "a", "image": "x"}], "volumes": [{"name": "models", "image": {"reference": "m:1"}}]});
    let mut a = status("a", "");
    a["volumeMounts"] = json!([{"name": "models", "mountPath": "/m", "volumeStatus": {"image": {"imageRef": id}}}]);
    check(
        spec,
        json!({"phase": "Pending", "containerStatuses": [a]}),
        &["main a x declared -", "volume models m:1 running repository"],
    );
}

#[test]
fn only_ended_pods_are_finished() {
    for (phase, finished) in
        [("Pending", false), ("Running", false), ("Unknown", false), ("Succeeded", true), ("Failed", true)]
    {
        assert_eq!(is_finished(&object(json!({"containers": []}), json!({"phase": phase}))), finished, "{phase}");
    }
}

#[test]
fn the_controlling_owner_counts_and_a_node_is_none() {
    let check = |owners: Value, kind: &str, name: &str, uid: Option<&str>| {
        let mut pod = object(json!({"containers": []}), json!({}));
        pod.metadata.owner_references = serde_json::from_value(owners).unwrap();
        let seen = from_object(&pod).unwrap();
        assert_eq!((seen.pod.workload.kind.as_str(), seen.pod.workload.name.as_str()), (kind, name));
        assert_eq!(seen.owner.as_deref(), uid);
    };
    let owner = |kind: &str, name: &str, controller: bool| json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": format!("u-{name}"), "controller": controller});
    check(json!([]), "Pod", "web-0", None);
    check(json!([owner("Thing", "t", false), owner("StatefulSet", "web", true)]), "StatefulSet", "web", Some("u-web"));
    check(json!([owner("Thing", "t", false)]), "Thing", "t", Some("u-t"));
    check(json!([owner("Node", "n1", true)]), "Pod", "web-0", None);
}

#[test]
fn an_object_without_uid_is_passed_over() {
    assert_eq!(from_object(&Object::default()), None);
}
