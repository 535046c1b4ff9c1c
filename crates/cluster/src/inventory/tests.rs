//! Tests of `inventory`.

use serde_json::{Value, json};

use super::*;

fn pod(uid: &str, owner: Option<&str>) -> Object {
    let owners = owner.map(|o| json!([{"apiVersion": "v1", "kind": "ReplicaSet", "name": format!("rs-{o}"), "uid": o, "controller": true}]));
    serde_json::from_value(json!({
        "metadata": {"uid": uid, "name": uid, "namespace": "d", "ownerReferences": owners},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "x"}]}, "status": {"phase": "Running"},
    }))
    .unwrap()
}

fn finished(uid: &str) -> Object {
    let mut object = pod(uid, None);
    object.status.get_or_insert_default().phase = Some("Succeeded".to_owned());
    object
}

fn node(name: &str, status: Value, labels: Value) -> Node {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": labels}, "status": status})).unwrap()
}

fn arm(name: &str) -> Node {
    node(name, json!({}), json!({"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"}))
}

fn meta(uid: &str, above: Option<(&str, &str)>) -> ObjectMeta {
    let owners = above
        .map(|(kind, name)| json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": "z", "controller": true}]));
    serde_json::from_value(json!({"uid": uid, "name": format!("own-{uid}"), "ownerReferences": owners})).unwrap()
}

/// `+pod workload platform`, `-pod`, `= pods…`.
fn words(changes: Vec<Change>) -> Vec<String> {
    let pod = |p: &Pod| {
        let platform = p.platform.as_ref().map_or("?".to_owned(), |p| p.architecture.clone());
        format!("{} {}/{} {platform}", p.uid, p.workload.kind, p.workload.name)
    };
    let word = |change: &Change| match change {
        Change::Snapshot(pods) => format!("= {}", pods.iter().map(pod).collect::<Vec<_>>().join(", ")),
        Change::Changed(p) => format!("+{}", pod(p)),
        Change::Gone(uid) => format!("-{uid}"),
    };
    changes.iter().map(word).collect()
}

/// Everything listed: `pods`, one arm64 node `n1`, no owners.
fn started(pods: Vec<Object>) -> (Inventory, Vec<String>) {
    let mut inventory = Inventory::default();
    assert!(inventory.pod(Event::Init).is_empty());
    for object in pods {
        assert!(inventory.pod(Event::InitApply(object)).is_empty());
    }
    assert!(inventory.pod(Event::InitDone).is_empty());
    inventory.owner(Between::ReplicaSet, Event::InitDone);
    inventory.owner(Between::Job, Event::InitDone);
    inventory.node(Event::Init);
    inventory.node(Event::InitApply(arm("n1")));
    let changes = words(inventory.node(Event::InitDone));
    (inventory, changes)
}

#[test]
fn nothing_is_told_before_everything_was_listed_once() {
    let (_, changes) = started(vec![pod("b", None), pod("a", None), finished("f")]);
    assert_eq!(changes, ["= a Pod/a arm64, b Pod/b arm64"]);
}

#[test]
fn a_watch_that_cannot_be_had_does_not_hold_up_the_rest() {
    let mut inventory = Inventory::default();
    inventory.settle(Source::Owners(Between::Job));
    inventory.settle(Source::Owners(Between::ReplicaSet));
    inventory.settle(Source::Nodes);
    inventory.pod(Event::Init);
    inventory.pod(Event::InitApply(pod("a", Some("r"))));
    assert_eq!(words(inventory.pod(Event::InitDone)), ["= a ReplicaSet/rs-r ?"]);
}

#[test]
fn changes_are_told_once() {
    let (mut inventory, _) = started(vec![pod("a", None)]);
    assert_eq!(words(inventory.pod(Event::Apply(pod("b", None)))), ["+b Pod/b arm64"]);
    assert!(inventory.pod(Event::Apply(pod("b", None))).is_empty(), "nothing differs");
    assert_eq!(words(inventory.pod(Event::Delete(pod("b", None)))), ["-b"]);
    assert!(inventory.pod(Event::Delete(pod("b", None))).is_empty());
}

#[test]
fn a_pod_that_has_ended_is_gone() {
    let (mut inventory, _) = started(vec![pod("a", None)]);
    assert_eq!(words(inventory.pod(Event::Apply(finished("a")))), ["-a"]);
    assert!(inventory.pod(Event::Apply(finished("never-ran"))).is_empty());
}

#[test]
fn a_watch_that_starts_again_gives_a_new_snapshot() {
    let (mut inventory, _) = started(vec![pod("a", None), pod("b", None)]);
    inventory.pod(Event::Init);
    inventory.pod(Event::InitApply(pod("b", None)));
    assert_eq!(words(inventory.pod(Event::InitDone)), ["= b Pod/b arm64"]);
    assert!(inventory.pod(Event::Delete(pod("a", None))).is_empty());
}

#[test]
fn a_pod_goes_by_its_deployment_or_cron_job() {
    let (mut inventory, _) = started(vec![pod("a", Some("r")), pod("b", Some("j")), pod("c", Some("alone"))]);
    let told = inventory.owner(Between::ReplicaSet, Event::Apply(meta("r", Some(("Deployment", "web")))));
    assert_eq!(words(told), ["+a Deployment/web arm64"]);
    let told = inventory.owner(Between::Job, Event::Apply(meta("j", Some(("CronJob", "nightly")))));
    assert_eq!(words(told), ["+b CronJob/nightly arm64"]);
    let told = inventory.owner(Between::ReplicaSet, Event::Apply(meta("alone", None)));
    assert_eq!(words(told), ["+c ReplicaSet/own-alone arm64"]);
    assert!(inventory.owner(Between::Job, Event::Apply(meta("j", Some(("CronJob", "nightly"))))).is_empty());
}

#[test]
fn a_deleted_owner_is_remembered_as_long_as_it_has_pods() {
    let (mut inventory, _) = started(vec![pod("a", Some("r"))]);
    inventory.owner(Between::ReplicaSet, Event::Apply(meta("r", Some(("Deployment", "web")))));
    inventory.owner(Between::ReplicaSet, Event::Delete(meta("r", None)));
    let mut changed = pod("a", Some("r"));
    changed.spec.as_mut().unwrap().containers[0].image = Some("y".to_owned());
    assert_eq!(words(inventory.pod(Event::Apply(changed))), ["+a Deployment/web arm64"]);
    assert_eq!(inventory.owners.len(), 1);
    inventory.pod(Event::Delete(pod("a", Some("r"))));
    assert!(inventory.owners.is_empty() && inventory.ended.is_empty() && inventory.children.is_empty());
}

#[test]
fn a_node_that_tells_its_platform_later_changes_its_pods() {
    let (mut inventory, _) = started(vec![pod("a", None)]);
    let info = json!({"nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "bootID": "",
        "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "", "kubeletVersion": "",
        "machineID": "", "osImage": "", "systemUUID": ""}});
    let told = inventory.node(Event::Apply(node("n1", info, json!({"kubernetes.io/arch": "arm64"}))));
    assert_eq!(words(told), ["+a Pod/a amd64"], "what the kubelet reports goes before labels");
    assert!(inventory.node(Event::Apply(arm("n2"))).is_empty(), "no pod is there");
    assert!(inventory.node(Event::Apply(node("n1", json!({}), json!({})))).is_empty(), "it says nothing");
}
