//! Who may make a break-glass object, and what must stand in it.

use super::*;
use serde_json::json;

const NOW: &str = "2026-06-01T10:00:00Z";

fn review() -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "kind": {"group": "cleanbill.dev", "version": "v1", "kind": "BreakGlass"},
        "userInfo": {"username": "ann@example.com", "groups": ["sre", "system:authenticated"]},
        "object": {"spec": {"namespace": "shop", "digest": Digest::sha256(b"x").to_string(), "reason": "outage 7",
            "requestedBy": "ann@example.com", "expires": "2026-06-01T14:00:00Z"}}}})
}

/// What is said of the review with one value changed.
#[track_caller]
fn check(pointer: &str, value: Value, part: &str) {
    let mut review = review();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match review.pointer_mut(parent).unwrap() {
        Value::Object(map) if value.is_null() => drop(map.remove(key)),
        place => place[key] = value,
    }
    let asked = parse(review.to_string().as_bytes()).unwrap();
    let said = asked.check(NOW.parse().unwrap()).expect_err(pointer);
    assert!(said.contains(part), "{part:?} not in {said:?}");
}

#[test]
fn a_person_asks_for_one_digest_in_one_namespace_for_a_few_hours() {
    let asked = parse(review().to_string().as_bytes()).unwrap();
    let spec = asked.check(NOW.parse().unwrap()).unwrap().unwrap();
    assert_eq!((spec.namespace.as_str(), spec.reason.as_str()), ("shop", "outage 7"));
    let mut grouped = review();
    grouped["request"]["object"]["spec"]["groups"] = json!(["sre"]);
    assert!(parse(grouped.to_string().as_bytes()).unwrap().check(NOW.parse().unwrap()).is_ok());
}

#[test]
fn a74_what_makes_it_unsound_is_refused_by_its_field() {
    let spec = "/request/object/spec";
    check(&format!("{spec}/requestedBy"), json!("bob@example.com"), "spec.requestedBy is `bob@example.com`");
    check("/request/userInfo/username", json!("bob@example.com"), "and you are `bob@example.com`");
    check(&format!("{spec}/groups"), json!(["admins"]), "you are not in `admins`");
    check(&format!("{spec}/digest"), json!("latest"), "spec.digest");
    check(&format!("{spec}/digest"), Value::Null, "spec.digest is missing");
    check(&format!("{spec}/reason"), json!("  "), "spec.reason is missing");
    check(&format!("{spec}/reason"), json!("x".repeat(1025)), "more than 1024");
    check(&format!("{spec}/namespace"), Value::Null, "spec.namespace is missing");
    check(&format!("{spec}/expires"), json!("2026-06-01T14:00:01Z"), "more than 4 hours away");
    check(&format!("{spec}/expires"), json!("2026-06-01T10:00:00Z"), "it is past");
    check(&format!("{spec}/expires"), json!("soon"), "spec.expires");
    check(&format!("{spec}/everywhere"), json!(true), "spec.everywhere is not known");
    check(spec, Value::Null, "there is no spec");
    let mut robot = review();
    let name = "system:serviceaccount:shop:deployer";
    robot["request"]["userInfo"]["username"] = json!(name);
    robot["request"]["object"]["spec"]["requestedBy"] = json!(name);
    let said = parse(robot.to_string().as_bytes()).unwrap().check(NOW.parse().unwrap()).unwrap_err();
    assert!(said.contains("is no person"), "{said}");
}

#[test]
fn an_update_that_changes_nothing_of_it_passes_and_any_other_is_looked_at() {
    let mut update = review();
    update["request"]["operation"] = json!("UPDATE");
    update["request"]["oldObject"] = update["request"]["object"].clone();
    update["request"]["userInfo"]["username"] = json!("system:serviceaccount:kube-system:collector");
    let asked = parse(update.to_string().as_bytes()).unwrap();
    assert_eq!(asked.check(NOW.parse().unwrap()), Ok(None));
    update["request"]["object"]["spec"]["namespace"] = json!("prod");
    assert!(parse(update.to_string().as_bytes()).unwrap().check(NOW.parse().unwrap()).is_err());
    // Only an update has something to leave as it was.
    update["request"]["object"] = update["request"]["oldObject"].clone();
    update["request"]["operation"] = json!("CREATE");
    assert!(parse(update.to_string().as_bytes()).unwrap().check(NOW.parse().unwrap()).is_err());
}

#[test]
fn reviews_of_other_things_are_errors() {
    for (pointer, value) in [("/kind", json!("Pod")), ("/request/uid", json!(""))] {
        let mut other = review();
        *other.pointer_mut(pointer).unwrap() = value;
        assert!(parse(other.to_string().as_bytes()).is_err(), "{pointer}");
    }
    let mut pod = review();
    pod["request"]["kind"] = json!({"group": "", "version": "v1", "kind": "Pod"});
    assert!(parse(pod.to_string().as_bytes()).unwrap_err().to_string().contains("only BreakGlass"));
    assert!(parse(b"{").is_err());
}

#[test]
fn the_definition_is_one_of_the_cluster() {
    let crd: Value = serde_saphyr::from_str(definition()).unwrap();
    assert_eq!(crd["spec"]["scope"], "Cluster");
    assert_eq!(crd["metadata"]["name"], "breakglasses.cleanbill.dev");
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut fields: Vec<&str> = spec["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["digest", "expires", "groups", "namespace", "reason", "requestedBy"]);
}
