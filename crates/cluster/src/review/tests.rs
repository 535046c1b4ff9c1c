//! Reviews of every kind, and damaged ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::{AdmissionAnswer, ImageFieldKind, JsonPatch};
use serde_json::json;

use super::*;

fn review(group: &str, kind: &str, object: Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": "CREATE", "namespace": "shop", "name": "",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "object": object,
        }
    })
}

fn read(review: &Value) -> Result<AdmissionRequest, ReviewError> {
    parse(review.to_string().as_bytes())
}

fn pod(spec: Value) -> Value {
    review("", "Pod", json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": spec}))
}

fn pointers(review: &Value) -> Vec<String> {
    read(review).unwrap().images.into_iter().map(|f| f.pointer).collect()
}

#[track_caller]
fn check(group: &str, kind: &str, path: &str) {
    let spec =
        json!({"containers": [{"name": "a", "image": "one:1"}], "initContainers": [{"name": "a", "image": "two:2"}]});
    let object = path.trim_start_matches('/').rsplit('/').fold(spec, |inner, key| json!({key: inner}));
    let request = read(&review(group, kind, object)).unwrap();
    let found: Vec<(String, &str)> = request.images.iter().map(|f| (f.pointer.clone(), f.image.as_str())).collect();
    assert_eq!(
        found,
        [(format!("{path}/containers/0/image"), "one:1"), (format!("{path}/initContainers/0/image"), "two:2")],
        "{group}/{kind}"
    );
    assert_eq!(request.kind, kind);
}

#[test]
fn a48_all_nine_kinds_bear_pods() {
    check("", "Pod", "/spec");
    check("", "PodTemplate", "/template/spec");
    check("", "ReplicationController", "/spec/template/spec");
    check("apps", "ReplicaSet", "/spec/template/spec");
    check("apps", "Deployment", "/spec/template/spec");
    check("apps", "StatefulSet", "/spec/template/spec");
    check("apps", "DaemonSet", "/spec/template/spec");
    check("batch", "Job", "/spec/template/spec");
    check("batch", "CronJob", "/spec/jobTemplate/spec/template/spec");
}

#[test]
fn a73_an_older_version_of_a_group_is_the_same_kind() {
    check("extensions", "Deployment", "/spec/template/spec");
    let mut older = review(
        "batch",
        "CronJob",
        json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}}}),
    );
    older["request"]["kind"]["version"] = json!("v1beta1");
    assert_eq!(pointers(&older), ["/spec/jobTemplate/spec/template/spec/containers/0/image"]);
}

#[test]
fn other_kinds_and_other_operations_have_no_images() {
    let object = json!({"spec": {"containers": [{"image": "x"}]}});
    assert!(pointers(&review("", "ConfigMap", object.clone())).is_empty());
    assert!(pointers(&review("example.org", "Pod", object.clone())).is_empty());
    for operation in ["DELETE", "CONNECT"] {
        let mut review = review("", "Pod", Value::Null);
        review["request"]["operation"] = json!(operation);
        let request = read(&review).unwrap();
        assert_eq!((request.operation, request.images.len()), (Operation::Other, 0));
    }
    let empty = review("", "ReplicationController", json!({"spec": {"replicas": 1}}));
    assert!(pointers(&empty).is_empty());
}

#[test]
fn a26_debugging_containers_come_with_the_whole_pod() {
    let mut review = pod(json!({
        "containers": [{"name": "a", "image": "a:1"}],
        "ephemeralContainers": [{"name": "d", "image": "old"}, {"name": "e", "image": "busybox"}],
    }));
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["subResource"] = json!("ephemeralcontainers");
    let mut old = review["request"]["object"].clone();
    old["spec"]["ephemeralContainers"].as_array_mut().unwrap().pop();
    review["request"]["oldObject"] = old;
    let request = read(&review).unwrap();
    assert_eq!(request.subresource.as_deref(), Some("ephemeralcontainers"));
    let found: Vec<_> = request.images.iter().map(|f| (f.kind, f.pointer.as_str(), f.container.as_str())).collect();
    assert_eq!(found, [(ImageFieldKind::Ephemeral, "/spec/ephemeralContainers/1/image", "e")]);
    review["request"]["kind"]["kind"] = json!("EphemeralContainers");
    review["request"]["object"]["kind"] = json!("EphemeralContainers");
    assert!(read(&review).unwrap_err().to_string().contains("whole Pods"));
}

#[test]
fn a73_an_update_names_what_it_changes() {
    let mut review = pod(json!({"containers": [{"name": "a", "image": "a:2"}, {"name": "b", "image": "b:1"}]}));
    review["request"]["operation"] = json!("UPDATE");
    assert_eq!(pointers(&review).len(), 2, "without the old object everything is new");
    review["request"]["oldObject"] =
        json!({"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}});
    assert_eq!(pointers(&review), ["/spec/containers/0/image"]);
    // Names say nothing: the same two containers in another order are two changed places (A28).
    review["request"]["oldObject"] =
        json!({"spec": {"containers": [{"name": "b", "image": "b:1"}, {"name": "a", "image": "a:2"}]}});
    assert_eq!(pointers(&review).len(), 2);
    review["request"]["operation"] = json!("CREATE");
    review["request"]["oldObject"] = review["request"]["object"].clone();
    assert_eq!(pointers(&review).len(), 2, "a creation has no old object that counts");
}

#[test]
fn a25_an_object_that_is_being_deleted_has_its_images() {
    let mut review = pod(json!({"containers": [{"name": "a", "image": "a:2"}]}));
    review["request"]["object"]["metadata"] =
        json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]});
    for operation in ["CREATE", "UPDATE"] {
        review["request"]["operation"] = json!(operation);
        assert_eq!(pointers(&review), ["/spec/containers/0/image"]);
    }
}

#[test]
fn a27_image_volumes_and_restartable_init_containers() {
    let request = read(&pod(json!({
        "initContainers": [{"name": "side", "image": "side:1", "restartPolicy": "Always"}],
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "model", "image": {"reference": "model:1", "pullPolicy": "Always"}}],
    })))
    .unwrap();
    let found: Vec<_> = request.images.iter().map(|f| (f.kind, f.pointer.as_str(), f.container.as_str())).collect();
    assert_eq!(
        found,
        [
            (ImageFieldKind::Init, "/spec/initContainers/0/image", "side"),
            (ImageFieldKind::Volume, "/spec/volumes/1/image/reference", "model"),
        ]
    );
}

#[test]
fn a28_one_name_in_two_lists_is_two_images() {
    let review = pod(json!({
        "containers": [{"name": "a", "image": "x"}, {"name": "a", "image": "y"}],
        "initContainers": [{"name": "a", "image": "x"}],
    }));
    assert_eq!(
        pointers(&review),
        ["/spec/containers/0/image", "/spec/containers/1/image", "/spec/initContainers/0/image"]
    );
}

#[test]
fn fields_nobody_knows_yet_are_found() {
    let request = read(&pod(json!({
        "containers": [{"name": "a", "image": "a:1", "debugger": {"image": "dbg:1"}}],
        "sidecars": [{"name": "s", "image": {"reference": "side:1"}}],
        "a/b": {"image": "slash"},
        "nodeSelector": {"image": "gold"},
        "volumes": [{"name": "disk", "rbd": {"image": "disk", "pool": "p"}}],
        "env": [{"name": "image", "value": "no"}],
    })))
    .unwrap();
    let mut unknown: Vec<_> = request
        .images
        .iter()
        .filter(|f| f.kind == ImageFieldKind::Unknown)
        .map(|f| (f.pointer.as_str(), f.image.as_str(), f.container.as_str()))
        .collect();
    unknown.sort_unstable();
    assert_eq!(
        unknown,
        [
            ("/spec/a~1b/image", "slash", ""),
            ("/spec/containers/0/debugger/image", "dbg:1", "a"),
            ("/spec/sidecars/0/image/reference", "side:1", "s"),
        ]
    );
    assert_eq!(request.images.len(), 4);
}

#[test]
fn what_a_verdict_needs_besides_images() {
    let mut review = pod(json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}, "containers": []}));
    review["request"]["object"]["metadata"] = json!({"generateName": "p-", "labels": {"app": "x"}});
    review["request"]["dryRun"] = json!(true);
    let request = read(&review).unwrap();
    assert_eq!(request.platform, Some(Platform::new("linux", "arm64")));
    assert_eq!(request.labels.get("app").map(String::as_str), Some("x"));
    assert!(request.dry_run);
    assert_eq!((request.uid.as_str(), request.namespace.as_str(), request.name.as_str()), ("u-1", "shop", ""));
}

#[track_caller]
fn refused(review: &Value, part: &str) {
    let error = read(review).expect_err(part).to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn damaged_and_foreign_reviews_are_refused_by_name() {
    assert!(matches!(parse(b"{"), Err(ReviewError::Json(_))));
    assert_eq!(parse(&vec![b' '; LIMIT + 1]), Err(ReviewError::TooBig(LIMIT + 1)));
    refused(&json!([]), "not an AdmissionReview");
    refused(&json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview"}), "v1beta1");
    refused(&json!({"apiVersion": "v1", "kind": "Pod"}), "`Pod` of `v1`");
    let good = pod(json!({}));
    for (pointer, part) in
        [("/request", "`request`"), ("/request/object", "`request.object`"), ("/request/uid", "`request.uid`")]
    {
        let mut review = good.clone();
        *review.pointer_mut(pointer).unwrap() = Value::Null;
        refused(&review, part);
    }
    let mut other = good.clone();
    other["request"]["object"]["kind"] = json!("Deployment");
    refused(&other, "its object is of kind `Deployment`");
    refused(&pod(json!({"containers": {}})), "`/spec/containers` is not a list");
    refused(&pod(json!({"containers": ["x"]})), "`/spec/containers/0` is not an object");
    refused(&pod(json!({"containers": [{"image": 1}]})), "`/spec/containers/0/image` is not a text");
    refused(&pod(json!([])), "`/spec` is not an object");
    let mut labels = good;
    labels["request"]["object"]["metadata"]["labels"] = json!({"a": 1});
    refused(&labels, "/metadata/labels/a");
}

fn answer() -> AdmissionAnswer {
    AdmissionAnswer {
        audit_annotations: BTreeMap::new(),
        uid: "u-1".to_owned(),
        allowed: true,
        message: String::new(),
        code: 200,
        warnings: Vec::new(),
        patches: vec![JsonPatch { pointer: "/spec/containers/0/image".to_owned(), value: "a@b".to_owned() }],
        verdicts: Vec::new(),
    }
}

fn responded(answer: &AdmissionAnswer) -> Value {
    serde_json::from_slice(&respond(answer)).unwrap()
}

#[test]
fn an_admission_carries_its_patch() {
    let response = responded(&answer());
    assert_eq!(response["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(response["kind"], "AdmissionReview");
    assert_eq!(response["response"]["patchType"], "JSONPatch");
    let patch = STANDARD.decode(response["response"]["patch"].as_str().unwrap()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&patch).unwrap(),
        json!([{"op": "replace", "path": "/spec/containers/0/image", "value": "a@b"}])
    );
    assert_eq!(response["response"].as_object().unwrap().keys().count(), 4);
}

#[test]
fn a_refusal_says_why_and_changes_nothing() {
    for (code, reason) in [(403, "Forbidden"), (500, "InternalError")] {
        let refusal =
            AdmissionAnswer { allowed: false, message: "no\n\u{1b}[31mway\u{202e}".to_owned(), code, ..answer() };
        let response = responded(&refusal);
        assert_eq!(
            response["response"],
            json!({"uid": "u-1", "allowed": false,
                "status": {"status": "Failure", "code": code, "reason": reason, "message": "no\n[31mway"}})
        );
    }
}

#[test]
fn warnings_fit_a_header() {
    let long = "ä".repeat(300);
    let warned = AdmissionAnswer { warnings: vec![long, "two\nlines\r".to_owned(), "\n".to_owned()], ..answer() };
    let response = responded(&warned);
    let warnings = response["response"]["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2);
    assert_eq!(warnings[0].as_str().unwrap().chars().count(), 256);
    assert!(warnings[0].as_str().unwrap().ends_with("..."));
    assert_eq!(warnings[1], "two lines");
}

#[test]
fn audit_annotations_go_to_the_log_cut_and_without_control_characters() {
    let said = |text: String| {
        let audit_annotations = BTreeMap::from([("verdict".to_owned(), text)]);
        responded(&AdmissionAnswer { audit_annotations, ..answer() })
    };
    let response = said("one\ntwo\u{1b}[31m".to_owned());
    assert_eq!(response["response"]["auditAnnotations"], json!({"verdict": "one\ntwo[31m"}));
    let long = said("x".repeat(10_000));
    assert_eq!(long["response"]["auditAnnotations"]["verdict"].as_str().unwrap().len(), 4099);
    assert!(responded(&answer())["response"].get("auditAnnotations").is_none());
}

#[test]
fn a_template_may_leave_an_image_blank_and_a_pod_may_not() {
    let spec = || json!({"containers": [{"name": "a", "image": " "}, {"name": "b", "image": ""}, {"name": "c", "image": "d"}]});
    let template = review("apps", "Deployment", json!({"kind": "Deployment", "spec": {"template": {"spec": spec()}}}));
    assert_eq!(pointers(&template), ["/spec/template/spec/containers/2/image"]);
    assert_eq!(pointers(&pod(spec())), ["/spec/containers/0/image", "/spec/containers/2/image"]);
}

#[test]
fn an_update_of_a_template_names_what_it_changes() {
    let template = |image: &str, replicas: u32| json!({"kind": "ReplicaSet", "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
    let mut update = review("apps", "ReplicaSet", template("a:1", 0));
    update["request"]["operation"] = json!("UPDATE");
    update["request"]["oldObject"] = template("a:1", 3);
    assert!(read(&update).unwrap().images.is_empty(), "scaled only");
    update["request"]["oldObject"] = template("a:0", 3);
    assert_eq!(pointers(&update), ["/spec/template/spec/containers/0/image"]);
}
