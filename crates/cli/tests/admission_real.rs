//! The webhook behind a real API server, with the configurations that `admission manifest` prints in
//! force: everything that brings Pods into being, outages of the registry and of the webhook.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cleanbill_testkit::components::Component::{Kube, Olareg as Referrers};
use cleanbill_testkit::components::harness::{self, real_test};
use cleanbill_testkit::components::registry::Olareg;
use cleanbill_testkit::{ImageBuilder, Layer};
use serde_json::{Value, json};
use support::fleet::{Fleet, Up, eventually, pod};
use support::{expect, key_pair, policy, push, text};

fn main() -> std::process::ExitCode {
    let real = |name: &str, test: fn()| {
        real_test(name, &[Kube, Referrers], move || {
            test();
            Ok(())
        })
    };
    harness::main(vec![
        real("what_creates_changes_and_scales_pods_is_judged_and_pinned", workloads),
        real("a26_all_nine_kinds_refuse_an_unsigned_image", nine_kinds),
        real("applied_twice_nothing_drifts_and_a_dry_run_leaves_nothing", applied_twice),
        real("a_key_that_is_no_longer_trusted_brings_nothing_back", rolled_back),
        real("with_the_registry_stopped_each_failure_policy_is_followed", registry_stopped),
        real("in_audit_mode_everything_comes_in_with_a_warning", audited),
        real("killed_under_load_nothing_unsigned_comes_in", killed),
    ])
}

/// Pushes an image that differs by its marker; gives its reference with the digest.
fn publish(tag: &str) -> String {
    let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("tag", tag.as_bytes())).build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let digest = runtime.block_on(push(tag, &image));
    format!("{}@{digest}", tag.rsplit_once(':').unwrap().0)
}

/// The same, signed with PREFIX.key; gives the tag with the digest, as a Pod is pinned.
fn publish_signed(home: &Path, tag: &str, prefix: &str) -> String {
    let image = publish(tag);
    expect(home, 0, &["sign", "--key", &format!("{prefix}.key"), &image]);
    format!("{tag}@{}", image.split_once('@').unwrap().1)
}

/// A fleet with a key pair `cosign` and the policy that asks for it.
fn guarded(host: &str, nodes: usize) -> (Fleet, Up) {
    let mut fleet = Fleet::new(nodes);
    let (_, public) = key_pair(fleet.home(), "cosign");
    write_policies(&mut fleet, &[policy(host, &public, "")]);
    let up = fleet.up();
    let unsigned = publish(&format!("{host}/probe:1"));
    fleet.enforce(up.admission.as_deref().unwrap(), &unsigned);
    (fleet, up)
}

fn write_policies(fleet: &mut Fleet, policies: &[String]) {
    let file = fleet.home().join("policy.yaml");
    std::fs::write(&file, policies.join("---\n")).unwrap();
    if fleet.args.is_empty() {
        fleet.args = vec!["--policy".to_owned(), file.to_str().unwrap().to_owned()];
    }
}

/// The images of the Pods with this label, sorted.
fn images(fleet: &Fleet, label: &str) -> Vec<String> {
    let out = fleet.kubectl_ok(&[
        "get",
        "pods",
        "-l",
        label,
        "--field-selector=status.phase=Running",
        "-o",
        "jsonpath={range .items[*]}{.spec.containers[0].image}{\"\\n\"}{end}",
    ]);
    let mut images: Vec<String> = out.lines().map(str::to_owned).collect();
    images.sort();
    images
}

#[track_caller]
fn run_exactly(fleet: &Fleet, label: &str, expected: &[&str]) {
    eventually(&format!("{label}: {expected:?}"), || (images(fleet, label) == expected).then_some(()));
}

fn template_of(fleet: &Fleet, deployment: &str) -> String {
    fleet.kubectl_ok(&["get", "deployment", deployment, "-o", "jsonpath={.spec.template.spec.containers[0].image}"])
}

fn workloads() {
    let registry = Olareg::start().unwrap();
    let host = registry.host();
    let (fleet, _up) = guarded(host, 2);
    let (tag, next, unsigned) = (format!("{host}/app:1"), format!("{host}/app:2"), format!("{host}/evil:1"));
    let first = publish_signed(fleet.home(), &tag, "cosign");
    let second = publish_signed(fleet.home(), &next, "cosign");
    publish(&unsigned);

    // Create: the template keeps the tag, the Pods carry the digest.
    fleet.kubectl_ok(&["create", "deployment", "app", "--image", &tag]);
    run_exactly(&fleet, "app=app", &[&first]);
    assert_eq!(template_of(&fleet, "app"), tag);

    // Update: to a signed one, not to an unsigned one.
    fleet.kubectl_ok(&["set", "image", "deployment/app", &format!("app={next}")]);
    run_exactly(&fleet, "app=app", &[&second]);
    let err = fleet.kubectl_refused(&["set", "image", "deployment/app", &format!("app={unsigned}")]);
    assert!(err.contains("is unsigned"), "{err}");
    assert_eq!(template_of(&fleet, "app"), next);

    // Scale, by the subresource: no template is asked about, the new Pods are.
    fleet.kubectl_ok(&["scale", "deployment/app", "--replicas=3"]);
    run_exactly(&fleet, "app=app", &[&second, &second, &second]);

    // CronJob → Job → Pod.
    let cron = |name: &str, image: &str| {
        fleet.kubectl(&["create", "cronjob", name, "--image", image, "--schedule", "0 0 1 1 *"])
    };
    let refused = cron("bad", &unsigned);
    assert!(!refused.status.success() && text(&refused.stderr).contains("is unsigned"), "{}", text(&refused.stderr));
    assert!(cron("good", &tag).status.success());
    fleet.kubectl_ok(&["create", "job", "now", "--from=cronjob/good"]);
    let pinned = || {
        let out = fleet.kubectl_ok(&[
            "get",
            "pods",
            "-l",
            "job-name=now",
            "-o",
            "jsonpath={.items[*].spec.containers[0].image}",
        ]);
        (out == first).then_some(())
    };
    eventually("the Job's Pod is pinned", pinned);

    // A running Pod's image may be changed, to what is signed.
    let name = fleet.kubectl_ok(&["get", "pods", "-l", "app=app", "-o", "jsonpath={.items[0].metadata.name}"]);
    let err = fleet.kubectl_refused(&["set", "image", &format!("pod/{name}"), &format!("app={unsigned}")]);
    assert!(err.contains("is unsigned"), "{err}");
    fleet.kubectl_ok(&["set", "image", &format!("pod/{name}"), &format!("app={tag}")]);
    run_exactly(&fleet, "app=app", &sorted([&first, &second, &second]));
    // Everything else about it may be changed too: it is judged by what it brings in.
    fleet.kubectl_ok(&["label", "pod", &name, "seen=yes"]);
}

fn sorted<const N: usize>(mut list: [&str; N]) -> [&str; N] {
    list.sort_unstable();
    list
}

fn nine_kinds() {
    let registry = Olareg::start().unwrap();
    let host = registry.host();
    let (fleet, _up) = guarded(host, 0);
    let (good, bad) = (format!("{host}/app:1"), format!("{host}/evil:1"));
    publish_signed(fleet.home(), &good, "cosign");
    publish(&bad);
    for (group, kind, path) in [
        ("v1", "Pod", "/spec"),
        ("v1", "PodTemplate", "/template/spec"),
        ("v1", "ReplicationController", "/spec/template/spec"),
        ("apps/v1", "ReplicaSet", "/spec/template/spec"),
        ("apps/v1", "Deployment", "/spec/template/spec"),
        ("apps/v1", "StatefulSet", "/spec/template/spec"),
        ("apps/v1", "DaemonSet", "/spec/template/spec"),
        ("batch/v1", "Job", "/spec/template/spec"),
        ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec"),
    ] {
        for (image, allowed) in [(&bad, false), (&good, true)] {
            let output = fleet.create(&object(group, kind, path, image));
            let err = text(&output.stderr);
            assert_eq!(output.status.success(), allowed, "{kind}: {err}");
            assert!(allowed || err.contains("is unsigned"), "{kind}: {err}");
        }
        // And it cannot be put in later.
        let patch = json!([{"op": "replace", "path": format!("{path}/containers/0/image"), "value": bad}]).to_string();
        let output = fleet.kubectl(&["patch", kind, "x", "--type=json", "-p", &patch]);
        assert!(!output.status.success(), "{kind}: an unsigned image was put in");
        let err = text(&output.stderr);
        // A Job's template cannot be changed at all.
        assert!(err.contains("is unsigned") || (kind == "Job" && err.contains("immutable")), "{kind}: {err}");
    }
}

/// An object of a kind named `x` whose Pods have one container.
fn object(group: &str, kind: &str, path: &str, image: &str) -> Value {
    let labels = json!({"app": "x"});
    let mut spec = json!({"containers": [{"name": "main", "image": image}]});
    if matches!(kind, "Job" | "CronJob") {
        spec["restartPolicy"] = json!("Never");
    }
    let mut object = json!({"apiVersion": group, "kind": kind, "metadata": {"name": "x", "namespace": "default"}});
    if kind == "Pod" {
        object["spec"] = spec;
        return object;
    }
    let mut inner = json!({"spec": spec});
    if !matches!(kind, "Job" | "CronJob") {
        inner["metadata"] = json!({"labels": labels});
    }
    // From the inside out: …/template/spec.
    let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    parts.pop();
    for part in parts.iter().rev() {
        inner = json!({ *part: inner });
    }
    for (key, value) in inner.as_object().unwrap() {
        object[key] = value.clone();
    }
    match kind {
        "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" => {
            object["spec"]["selector"] = json!({"matchLabels": labels});
        }
        "ReplicationController" => object["spec"]["selector"] = labels,
        "CronJob" => object["spec"]["schedule"] = json!("0 0 1 1 *"),
        _ => {}
    }
    object
}

fn applied_twice() {
    let registry = Olareg::start().unwrap();
    let host = registry.host();
    let (fleet, _up) = guarded(host, 0);
    let (tag, unsigned) = (format!("{host}/app:1"), format!("{host}/evil:1"));
    let pinned = publish_signed(fleet.home(), &tag, "cosign");
    publish(&unsigned);
    let file = fleet.home().join("apply.json");
    for (group, kind, path, image) in
        [("apps/v1", "Deployment", "/spec/template/spec", &tag), ("v1", "Pod", "/spec", &pinned)]
    {
        std::fs::write(&file, object(group, kind, path, &tag).to_string()).unwrap();
        let apply = || -> Value {
            fleet.kubectl_ok(&["apply", "--server-side", "-f", file.to_str().unwrap()]);
            serde_json::from_str(&fleet.kubectl_ok(&["get", kind, "x", "-o", "json", "--show-managed-fields"])).unwrap()
        };
        let (once, twice) = (apply(), apply());
        assert_eq!(twice.pointer(&format!("{path}/containers/0/image")).unwrap(), image, "{kind}");
        for field in ["/metadata/generation", "/metadata/managedFields", "/metadata/resourceVersion", "/spec"] {
            assert_eq!(once.pointer(field), twice.pointer(field), "{kind}{field}");
        }
    }

    // A dry run is answered as the real one would be, and nothing of it stays.
    let out = fleet.kubectl_ok(&[
        "run",
        "dry",
        "--image",
        &tag,
        "--dry-run=server",
        "-o",
        "jsonpath={.spec.containers[0].image}",
    ]);
    assert_eq!(out, pinned);
    let err = fleet.kubectl_refused(&["run", "dry", "--image", &unsigned, "--dry-run=server"]);
    assert!(err.contains("is unsigned"), "{err}");
    let err = fleet.kubectl_refused(&["get", "pod", "dry"]);
    assert!(err.contains("NotFound"), "{err}");
    // What a dry run learned is not kept: signed after it, the image comes in at once.
    let late = format!("{host}/late:1");
    let image = publish(&late);
    fleet.kubectl_refused(&["run", "late", "--image", &late, "--dry-run=server"]);
    expect(fleet.home(), 0, &["sign", "--key", "cosign.key", &image]);
    fleet.kubectl_ok(&["run", "late", "--image", &late]);
}

fn rolled_back() {
    let registry = Olareg::start().unwrap();
    let host = registry.host();
    let (mut fleet, _up) = guarded(host, 2);
    key_pair(fleet.home(), "next");
    let both = |fleet: &Fleet, keys: &[&str]| {
        let pem: String =
            keys.iter().map(|key| std::fs::read_to_string(fleet.home().join(format!("{key}.pub"))).unwrap()).collect();
        let file = fleet.home().join("keys.pub");
        std::fs::write(&file, pem).unwrap();
        // Without a count all keys of a list are asked for.
        policy(host, &file, "").replace("            - entries:", "            - count: 1\n              entries:")
    };
    let (old, new) = (format!("{host}/app:old"), format!("{host}/app:new"));
    let old_pinned = publish_signed(fleet.home(), &old, "cosign");
    let new_pinned = publish_signed(fleet.home(), &new, "next");

    // Both keys count while people move from one to the other.
    let policies = both(&fleet, &["cosign", "next"]);
    write_policies(&mut fleet, &[policies]);
    fleet.kubectl_ok(&["create", "deployment", "app", "--image", &old]);
    fleet.kubectl_ok(&["create", "deployment", "stays", "--image", &old]);
    run_exactly(&fleet, "app=stays", &[&old_pinned]);
    run_exactly(&fleet, "app=app", &[&old_pinned]);
    let update = ["set", "image", "deployment/app", &format!("app={new}")];
    eventually("the second key counts", || fleet.kubectl(&update).status.success().then_some(()));
    run_exactly(&fleet, "app=app", &[&new_pinned]);

    // The first key goes: what it vouched for runs on and does not come again.
    let policies = both(&fleet, &["next"]);
    write_policies(&mut fleet, &[policies]);
    let probe = ["run", "probe", "--image", &old, "--dry-run=server"];
    eventually("the first key counts no more", || (!fleet.kubectl(&probe).status.success()).then_some(()));
    let err = fleet.kubectl_refused(&["rollout", "undo", "deployment/app"]);
    assert!(err.contains("another key"), "{err}");
    assert_eq!(template_of(&fleet, "app"), new);
    fleet.kubectl_ok(&["scale", "deployment/stays", "--replicas=2"]);
    eventually("the new Pod is refused, and the event says why", || {
        let events = fleet.kubectl_ok(&[
            "get",
            "events",
            "--field-selector=reason=FailedCreate",
            "-o",
            "jsonpath={.items[*].message}",
        ]);
        events.contains("another key").then_some(())
    });
    assert_eq!(images(&fleet, "app=stays"), [old_pinned.as_str()]);
    // Its controllers can still take it away, and roll forward from it.
    fleet.kubectl_ok(&["set", "image", "deployment/stays", &format!("app={new}")]);
    run_exactly(&fleet, "app=stays", &[&new_pinned, &new_pinned]);

    // It comes back, and so do they.
    let policies = both(&fleet, &["cosign", "next"]);
    write_policies(&mut fleet, &[policies]);
    eventually("the first key counts again", || fleet.kubectl(&probe).status.success().then_some(()));
    fleet.kubectl_ok(&["rollout", "undo", "deployment/app"]);
    run_exactly(&fleet, "app=app", &[&old_pinned]);
}

fn registry_stopped() {
    let registry = Olareg::start().unwrap();
    let host = registry.host().to_owned();
    let mut fleet = Fleet::new(0);
    let (_, public) = key_pair(fleet.home(), "cosign");
    let named = |name: &str| {
        let yaml = policy(&format!("{host}/{name}"), &public, &format!("  failurePolicy: {name}\n"));
        yaml.replace("name: verify-image-signature", &format!("name: {}", name.to_lowercase()))
            .replace("/Fail", "/fail")
            .replace("/Ignore", "/ignore")
    };
    write_policies(&mut fleet, &[named("Fail"), named("Ignore")]);
    let up = fleet.up();
    let unsigned = publish(&format!("{host}/fail/probe:1"));
    fleet.enforce(up.admission.as_deref().unwrap(), &unsigned);
    // With the registry there, both refuse what is unsigned.
    for folder in ["fail", "ignore"] {
        let image = publish(&format!("{host}/{folder}/evil:1"));
        let err = fleet.kubectl_refused(&["run", "evil", "--image", &image]);
        assert!(err.contains("is unsigned"), "{err}");
    }
    drop(registry);
    for image in [format!("{host}/fail/app:1"), format!("{host}/fail/app@sha256:{}", "1".repeat(64))] {
        let err = fleet.kubectl_refused(&["run", "refused", "--image", &image]);
        assert!(err.contains("InternalError") || err.contains("Internal error"), "{err}");
        for part in ["could not verify", host.as_str(), "policy fail/"] {
            assert!(err.contains(part), "{part:?} is not in {err}");
        }
        assert!(!err.contains("unsigned"), "{err}");
    }
    for (name, image) in
        [("tag", format!("{host}/ignore/app:1")), ("pinned", format!("{host}/ignore/app@sha256:{}", "1".repeat(64)))]
    {
        let output = fleet.kubectl(&["run", name, "--image", &image]);
        let err = text(&output.stderr);
        assert!(output.status.success(), "{name}: {err}");
        assert!(err.contains("Warning") && err.contains("could not verify"), "{name}: {err}");
    }
}

fn audited() {
    let registry = Olareg::start().unwrap();
    let host = registry.host();
    let mut fleet = Fleet::new(0);
    let (_, public) = key_pair(fleet.home(), "cosign");
    write_policies(&mut fleet, &[policy(host, &public, "")]);
    let up = fleet.up();
    let (good, bad) = (format!("{host}/app:1"), format!("{host}/evil:1"));
    let pinned = publish_signed(fleet.home(), &good, "cosign");
    publish(&bad);
    fleet.install(up.admission.as_deref().unwrap(), "audit");
    let probe = ["run", "probe", "--image", &bad, "--dry-run=server"];
    eventually("the webhooks act", || {
        let output = fleet.kubectl(&probe);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr).contains("would be refused").then_some(())
    });
    for (kind, args) in [
        ("Pod", ["run", "evil", "--image", &bad]),
        ("Deployment", ["create", "deployment", "evil", &format!("--image={bad}")]),
    ] {
        let output = fleet.kubectl(&args);
        let err = text(&output.stderr);
        assert!(output.status.success(), "{kind}: {err}");
        assert!(
            err.contains("Warning") && err.contains("would be refused") && err.contains("is unsigned"),
            "{kind}: {err}"
        );
    }
    let image = |name: &str| fleet.kubectl_ok(&["get", "pod", name, "-o", "jsonpath={.spec.containers[0].image}"]);
    assert_eq!(image("evil"), bad, "what is not vouched for is left as it is");
    let output = fleet.kubectl(&["run", "good", "--image", &good]);
    assert!(output.status.success() && !text(&output.stderr).contains("Warning"), "{}", text(&output.stderr));
    assert_eq!(image("good"), pinned);
    // With the webhook gone nothing is refused either.
    up.stop();
    fleet.kubectl_ok(&["run", "later", "--image", &bad]);
}

/// Those who create Pods at once.
const CREATORS: usize = 20;

fn killed() {
    let registry = Olareg::start().unwrap();
    let host = registry.host();
    let mut fleet = Fleet::new(0);
    // The same address after the restart: the API server knows no other.
    fleet.admission = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (_, public) = key_pair(fleet.home(), "cosign");
    write_policies(&mut fleet, &[policy(host, &public, "")]);
    let mut up = fleet.up();
    let (good, bad) = (format!("{host}/app:1"), format!("{host}/evil:1"));
    let pinned = publish_signed(fleet.home(), &good, "cosign");
    publish(&bad);
    fleet.enforce(up.admission.as_deref().unwrap(), &bad);

    let counts = Arc::new(Counts::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let api = Api::new(&fleet);
    let creators: Vec<_> = (0..CREATORS)
        .map(|creator| {
            let (api, counts) = (api.clone(), Arc::clone(&counts));
            let (good, bad) = (good.clone(), bad.clone());
            runtime.spawn(async move {
                for number in 0.. {
                    if counts.stop.load(Ordering::SeqCst) > 0 {
                        break;
                    }
                    let signed = number % 2 == 0;
                    let name = format!("load-{creator}-{number}");
                    let object = pod(&name, if signed { &good } else { &bad }, &json!({}));
                    let (status, said) = api.create(&object).await;
                    let count = match (status, signed) {
                        (201, true) => &counts.admitted,
                        (201, false) => &counts.unsigned,
                        _ if said.contains("is unsigned") => &counts.refused,
                        // Nobody to ask.
                        _ => &counts.failed,
                    };
                    count.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let reached = |what: &str, count: &AtomicUsize, at_least: usize| {
        eventually(what, || (count.load(Ordering::SeqCst) >= at_least).then_some(()));
    };
    for round in 1..=3_usize {
        let admitted = counts.admitted.load(Ordering::SeqCst);
        reached("Pods are created", &counts.admitted, admitted + 2 * CREATORS);
        up.child.kill().unwrap();
        up.child.wait().unwrap();
        reached("nobody answers", &counts.failed, round * 3 * CREATORS);
        up = fleet.up();
    }
    let admitted = counts.admitted.load(Ordering::SeqCst);
    reached("Pods are created again", &counts.admitted, admitted + CREATORS);
    counts.stop.store(1, Ordering::SeqCst);
    runtime.block_on(async {
        for creator in creators {
            creator.await.unwrap();
        }
    });
    assert_eq!(counts.unsigned.load(Ordering::SeqCst), 0, "an unsigned image came in");
    assert!(counts.refused.load(Ordering::SeqCst) > 0);
    let list: Value = serde_json::from_str(&fleet.kubectl_ok(&["get", "pods", "-o", "json"])).unwrap();
    let there: BTreeSet<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["spec"]["containers"][0]["image"].as_str().unwrap())
        .collect();
    assert_eq!(there, BTreeSet::from([pinned.as_str()]), "every Pod is pinned to what is signed");
    assert!(list["items"].as_array().unwrap().len() >= counts.admitted.load(Ordering::SeqCst));
}

#[derive(Default)]
struct Counts {
    admitted: AtomicUsize,
    unsigned: AtomicUsize,
    refused: AtomicUsize,
    failed: AtomicUsize,
    stop: AtomicUsize,
}

/// The API server, asked without a process for every question.
#[derive(Clone)]
struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    fn new(fleet: &Fleet) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let authority = std::fs::read(fleet.cluster.authority()).unwrap();
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        let http =
            reqwest::Client::builder().tls_certs_only([authority]).timeout(Duration::from_secs(60)).build().unwrap();
        let url = format!("{}/api/v1/namespaces/default/pods", fleet.cluster.server());
        Self { http, url, token: fleet.cluster.token().to_owned() }
    }

    async fn create(&self, pod: &Value) -> (u16, String) {
        let answer = self.http.post(&self.url).bearer_auth(&self.token).json(pod).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}
