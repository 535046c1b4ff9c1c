//! The spine against real parts: a real API server, real registries, real cosign.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use cleanbill_testkit::components::Component;
use cleanbill_testkit::components::cosign::cosign;
use cleanbill_testkit::components::harness::{self, real_test};
use cleanbill_testkit::components::registry::{Distribution, Olareg};
use cleanbill_testkit::{BuiltImage, BuiltIndex, ImageBuilder, Layer, debian_layer, log4j_core_jar};
use serde_json::{Value, json};
use support::fleet::{Fleet, eventually, eventually_equal, pod, pods};
use support::{client, expect, key_pair, policy, push, text};

fn main() -> std::process::ExitCode {
    use Component::{Cosign, Distribution as Fallback, Kube, Olareg as Referrers};
    // Failures are told by panics, which the harness counts.
    let real = |name: &str, needs: &[Component], test: fn()| {
        real_test(name, needs, move || {
            test();
            Ok(())
        })
    };
    harness::main(vec![
        real("the_spine_from_an_image_to_its_pods_and_an_alert", &[Kube, Referrers], the_spine),
        real("unsigned_parts_of_a_pod_are_refused", &[Kube, Referrers], parts_of_a_pod),
        real("a18_a_moved_tag_is_refused_and_a_digest_decides", &[Kube, Referrers], moved_tag),
        real("pods_are_joined_by_every_form_of_image_id", &[Kube, Referrers], image_ids),
        real("killed_during_ingest_the_sets_are_equal_after_restart", &[Kube, Referrers], killed),
        real("cosign_and_we_verify_each_other_with_referrers", &[Cosign, Referrers], || {
            cosign_crosscheck(Olareg::start().unwrap().host());
        }),
        real("cosign_and_we_verify_each_other_with_the_fallback_tag", &[Cosign, Fallback], || {
            cosign_crosscheck(Distribution::start().unwrap().host());
        }),
    ])
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

fn publish(reference: &str, image: &BuiltImage) -> String {
    let digest = block_on(push(reference, image));
    let name = reference.rsplit_once(':').unwrap().0;
    format!("{name}@{digest}")
}

fn java_image(marker: &str) -> BuiltImage {
    ImageBuilder::new()
        .platform("linux/amd64")
        .layer(debian_layer(&[("libc6", "2.36-9+deb12u4", Some("glibc")), ("zlib1g", "1:1.2.13.dfsg-1", Some("zlib"))]))
        .layer(
            Layer::new()
                .file("app/lib/log4j-core-2.14.1.jar", log4j_core_jar("2.14.1"))
                .file("marker", marker.as_bytes()),
        )
        .build()
}

fn plain_image(marker: &str) -> BuiltImage {
    ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("marker", marker.as_bytes())).build()
}

const LOG4SHELL: &str = r#"{"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "modified": "2025-05-09T13:13:16Z",
 "published": "2021-12-10T00:40:56Z", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],
 "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]}"#;
const TRACKER: &str = r#"{"glibc": {"CVE-2024-2961": {"description": "out-of-bounds write in iconv",
 "releases": {"bookworm": {"status": "resolved", "fixed_version": "2.36-9+deb12u6", "urgency": "not yet assigned"}}}}}"#;

fn advisories(home: &Path) -> String {
    let folder = home.join("advisories");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("log4shell.json"), LOG4SHELL).unwrap();
    std::fs::write(folder.join("debian.json"), TRACKER).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// A fleet with the policy people start with, in force.
fn guarded(registry: &str, nodes: usize) -> (Fleet, support::fleet::Up) {
    let mut fleet = Fleet::new(nodes);
    let (_, public) = key_pair(fleet.home(), "cosign");
    let file = fleet.home().join("policy.yaml");
    std::fs::write(&file, policy(registry, &public, "")).unwrap();
    fleet.args.extend(["--policy".to_owned(), file.to_str().unwrap().to_owned()]);
    fleet.args.extend(["--advisories".to_owned(), advisories(fleet.home())]);
    let up = fleet.up();
    let unsigned = publish(&format!("{registry}/probe:1"), &plain_image("probe"));
    fleet.enforce(up.admission.as_deref().expect("the webhook listens"), &unsigned);
    (fleet, up)
}

fn sign(fleet: &Fleet, image: &str) {
    expect(fleet.home(), 0, &["sign", "--key", "cosign.key", image]);
}

fn the_spine() {
    let registry = Olareg::start().unwrap();
    let host = registry.host().to_owned();
    let (fleet, up) = guarded(&host, 2);
    let home = fleet.home();
    let tag = format!("{host}/shop/cart:1.4");
    let image = publish(&tag, &java_image("cart"));
    let digest = image.split_once('@').unwrap().1;

    // Scanned: Log4Shell by its record, the Debian finding by the tracker's.
    let folder = home.join("advisories");
    expect(home, 0, &["db", "build", "--from", folder.to_str().unwrap(), "--to", "a.db"]);
    let (out, _) = expect(home, 0, &["scan", &tag, "--db", "a.db", "-o", "json"]);
    let scan: Value = serde_json::from_str(&out).unwrap();
    let finding = |id: &str| scan["findings"].as_array().unwrap().iter().find(|f| f["id"] == id).cloned();
    let log4shell = finding("CVE-2021-44228").expect("log4shell");
    assert!(log4shell["reason"]["feed"].as_str().unwrap().contains("GHSA-jfh8-c2jp-5v3q"), "{log4shell}");
    assert_eq!(log4shell["severity"], "critical");
    assert_eq!(log4shell["fixed"], json!(["2.15.0"]));
    let glibc = finding("CVE-2024-2961").expect("the Debian finding");
    assert_eq!(glibc["package"]["source"]["name"], "glibc");
    assert_eq!(glibc["state"], "fixed");
    expect(home, 1, &["scan", &tag, "--db", "a.db", "--fail-on", "critical", "--max-age", "36500"]);
    expect(
        home,
        1,
        &["scan", "--exit-code", "1", "--severity", "CRITICAL,HIGH", &tag, "--db", "a.db", "--max-age", "36500"],
    );

    // Unsigned: refused, with the reason and what to do.
    let refused = fleet.kubectl_refused(&["create", "deployment", "cart", "--image", &tag, "--replicas", "3"]);
    for part in ["is unsigned", "verify-image-signature", "cleanbill sign"] {
        assert!(refused.contains(part), "{part:?} is not in: {refused}");
    }
    // Signed by another key: another answer.
    key_pair(home, "other");
    expect(home, 0, &["sign", "--key", "other.key", &image]);
    let refused = || fleet.kubectl_refused(&["run", "cart", "--image", &tag]);
    eventually("another key is the reason", || refused().contains("another key").then_some(()));

    // Signed: admitted; the template stays as it was, the pods are pinned.
    sign(&fleet, &image);
    let create = ["create", "deployment", "cart", "--image", &tag, "--replicas", "3"];
    eventually("the signature is seen", || fleet.kubectl(&create).status.success().then_some(()));
    let template =
        fleet.kubectl_ok(&["get", "deployment", "cart", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]);
    assert_eq!(template, tag, "templates are never changed");
    let carts = || {
        fleet.pods_of_api(|p| {
            p["spec"]["containers"][0]["image"] == format!("{tag}@{digest}") && p["status"]["phase"] == "Running"
        })
    };
    eventually("three pinned pods run", || (carts().len() == 3).then_some(()));

    // Found, by range and by id, with exactly its pods.
    eventually_equal("where by range", carts, || fleet.pods_where("log4j-core < 2.17.1"));
    eventually_equal("where by id", carts, || fleet.pods_where("CVE-2021-44228"));
    assert!(fleet.pods_where("log4j-core < 2.14.1").is_empty());
    let answer = fleet.ask(&["where", "CVE-2021-44228"]);
    assert_eq!(answer["schema"], "cleanbill/where/v1");
    assert_eq!(answer["counts"]["pods"], 3);
    assert_eq!(answer["counts"]["workloads"], 1);
    assert_eq!(answer["matches"][0]["workload"], json!({"kind": "Deployment", "name": "cart"}));
    assert_eq!(answer["matches"][0]["packages"][0]["fixed"], json!(["2.15.0"]));

    // One pod goes: it is gone from the answer too (its successor is there).
    let first = carts().into_iter().next().unwrap();
    fleet.kubectl_ok(&["delete", "pod", "-n", "default", first.split_once('/').unwrap().1, "--wait=true"]);
    eventually("the deleted pod is gone", || (!fleet.pods_where("CVE-2021-44228").contains(&first)).then_some(()));
    eventually("three run again", || (carts().len() == 3).then_some(()));
    eventually_equal("where after deletion", carts, || fleet.pods_where("CVE-2021-44228"));

    // A new record arrives: one alert, with exactly the pods that the API server shows.
    let record =
        LOG4SHELL.replace("GHSA-jfh8-c2jp-5v3q", "GHSA-test-aaaa-bbbb").replace("CVE-2021-44228", "CVE-2026-90001");
    std::fs::write(folder.join("new.json"), &record).unwrap();
    let of = |id: &str, alerts: &Value| -> Vec<Value> {
        alerts["alerts"].as_array().unwrap().iter().filter(|a| a["vulnerability"] == id).cloned().collect()
    };
    let alert = eventually("an alert is raised", || of("CVE-2026-90001", &fleet.ask(&["alerts"])).first().cloned());
    assert_eq!(alert["kind"], "new");
    assert_eq!(pods(&alert["pods"]), carts());
    assert!(
        of("CVE-2021-44228", &fleet.ask(&["alerts"])).iter().all(|a| a["kind"] != "new"),
        "known before the first start"
    );

    // Restarted: the alert is kept and not raised again.
    up.stop();
    let up = fleet.up();
    eventually_equal("where after restart", carts, || fleet.pods_where("CVE-2026-90001"));
    assert_eq!(of("CVE-2026-90001", &fleet.ask(&["alerts"])).len(), 1);

    // A malformed file: the old data stays in use, and it says so.
    std::fs::write(folder.join("broken.json"), "{\"id\": \"GHSA-bro").unwrap();
    eventually("the refusal is told", || fleet.log().contains("broken.json").then_some(()));
    eventually_equal("old data in use", carts, || fleet.pods_where("CVE-2026-90001"));
    assert_eq!(of("CVE-2026-90001", &fleet.ask(&["alerts"])).len(), 1);

    // An image that cannot be had is not covered, which is not clean.
    let missing = format!("{host}/shop/gone@sha256:{}", "0".repeat(64));
    up.stop();
    fleet.kubectl_ok(&["delete", "-f", home.join("webhooks.yaml").to_str().unwrap()]);
    eventually("the webhooks are gone", || {
        fleet.kubectl(&["run", "gone", "--image", &missing]).status.success().then_some(())
    });
    let _up = fleet.up();
    let answer = eventually("the pod is not covered", || {
        let answer = fleet.ask(&["where", "log4j-core < 2.17.1"]);
        (answer["coverage"]["not_covered"].as_u64().unwrap() >= 1
            && answer["coverage"]["failed"].as_u64().unwrap() >= 1)
            .then_some(answer)
    });
    assert!(answer["uncovered"].as_array().unwrap().iter().any(|u| u["pod"] == "gone"), "{answer}");
    drop(fleet);
}

fn parts_of_a_pod() {
    let registry = Olareg::start().unwrap();
    let host = registry.host().to_owned();
    let (fleet, _up) = guarded(&host, 1);
    let signed = publish(&format!("{host}/app:1"), &plain_image("signed"));
    let unsigned = publish(&format!("{host}/tool:1"), &plain_image("unsigned"));
    sign(&fleet, &signed);
    let refused = |what: &str, object: &Value| {
        let output = fleet.create(object);
        let err = text(&output.stderr);
        assert!(!output.status.success(), "{what} was let in");
        assert!(err.contains("is unsigned") && err.contains("/tool"), "{what}: {err}");
    };
    let mut good = pod("good", &signed, &json!({}));
    assert!(fleet.create(&good).status.success());

    good["metadata"]["name"] = json!("init");
    good["spec"]["initContainers"] = json!([{"name": "setup", "image": unsigned}]);
    refused("an init container", &good);

    let mut volume = pod("volume", &signed, &json!({}));
    volume["spec"]["volumes"] =
        json!([{"name": "data", "image": {"reference": unsigned, "pullPolicy": "IfNotPresent"}}]);
    refused("an image volume", &volume);

    // Annotations and labels that claim a verdict change nothing (A24, A39).
    refused(
        "a forged annotation",
        &pod(
            "forged",
            &unsigned,
            &json!({
        "kyverno.io/verify-images": format!("{{\"{unsigned}\":\"pass\"}}"), "cleanbill.dev/verified": "true"}),
        ),
    );

    let err = fleet.kubectl_refused(&["debug", "good", "--image", &unsigned, "--container", "dbg", "--", "sh"]);
    assert!(err.contains("is unsigned"), "{err}");
    // A signed one may: the refusal above was about the signature.
    fleet.kubectl_ok(&["debug", "good", "--image", &signed, "--container", "dbg2", "--attach=false", "--", "sh"]);
}

fn moved_tag() {
    let registry = Olareg::start().unwrap();
    let host = registry.host().to_owned();
    let (fleet, _up) = guarded(&host, 1);
    let tag = format!("{host}/app:1");
    let signed = publish(&tag, &plain_image("signed"));
    sign(&fleet, &signed);
    fleet.kubectl_ok(&["run", "first", "--image", &tag]);
    let unsigned = publish(&tag, &plain_image("evil"));
    let err = fleet.kubectl_refused(&["run", "second", "--image", &tag]);
    assert!(err.contains("is unsigned"), "{err}");

    // tag@digest is judged by the digest, whatever the tag names now.
    let (signed_digest, unsigned_digest) = (signed.split_once('@').unwrap().1, unsigned.split_once('@').unwrap().1);
    fleet.kubectl_ok(&["run", "third", "--image", &format!("{tag}@{signed_digest}")]);
    fleet.kubectl_refused(&["run", "fourth", "--image", &format!("{tag}@{unsigned_digest}")]);

    // No answer is neither signed nor unsigned: the failure policy decides, and it says which it was.
    drop(registry);
    let never_seen = format!("{host}/app@sha256:{}", "5".repeat(64));
    let err = fleet.kubectl_refused(&["run", "fifth", "--image", &never_seen]);
    assert!(err.contains("could not") && !err.contains("is unsigned"), "{err}");
}

fn image_ids() {
    let registry = Olareg::start().unwrap();
    let host = registry.host().to_owned();
    let mut fleet = Fleet::new(1);
    fleet.args.extend(["--advisories".to_owned(), advisories(fleet.home())]);
    // The second node is arm64.
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "arm", "annotations": {"kwok.x-k8s.io/node": "fake"},
        "labels": {"kubernetes.io/hostname": "arm", "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"}}});
    assert!(fleet.create(&node).status.success());
    let jar = |platform: &str, version: &str| {
        ImageBuilder::new()
            .platform(platform)
            .layer(Layer::new().file("app/log4j-core.jar", log4j_core_jar(version)))
            .build()
    };
    // On amd64 the old log4j, on arm64 the new one: who joins them wrongly is seen.
    let (amd, arm) = (jar("linux/amd64", "2.14.1"), jar("linux/arm64", "2.20.0"));
    let index = BuiltIndex::new([amd.clone(), arm.clone()]);
    let tag = format!("{host}/multi:1");
    block_on(async {
        let client = client();
        push(&format!("{host}/multi:amd"), &amd).await;
        push(&format!("{host}/multi:arm"), &arm).await;
        let reference = cleanbill_model::Reference::parse(&tag).unwrap();
        client.push_manifest(&reference, &index.media_type, index.manifest.clone()).await.unwrap();
    });
    let name = format!("{host}/multi");
    let on = |node: &str| if node == "arm" { "arm" } else { "node-1" };
    let forms = [
        ("pullable", "amd", format!("docker-pullable://{name}@{}", amd.digest)),
        ("pullable-arm", "arm", format!("docker-pullable://{name}@{}", arm.digest)),
        ("config", "amd", amd.config_digest.to_string()),
        ("config-arm", "arm", arm.config_digest.to_string()),
        ("index", "amd", format!("{name}@{}", index.digest)),
        ("index-arm", "arm", format!("{name}@{}", index.digest)),
    ];
    for (pod_name, node, id) in &forms {
        let mut object = pod(pod_name, &tag, &json!({"cleanbill.test/image-id.main": id}));
        object["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": on(node)});
        let output = fleet.create(&object);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let _up = fleet.up();
    let old: BTreeSet<String> = ["pullable", "config", "index"].iter().map(|p| format!("default/{p}")).collect();
    let new: BTreeSet<String> =
        ["pullable-arm", "config-arm", "index-arm"].iter().map(|p| format!("default/{p}")).collect();
    eventually_equal("the old one on amd64", || old.clone(), || fleet.pods_where("log4j-core < 2.17.1"));
    eventually_equal("the new one on arm64", || new.clone(), || fleet.pods_where("log4j-core >= 2.17.1"));
    let answer = fleet.ask(&["where", "log4j-core < 2.17.1"]);
    assert!(answer["matches"].as_array().unwrap().iter().all(|m| m["digest"] == amd.digest.to_string()), "{answer}");
}

fn killed() {
    let registry = Olareg::start().unwrap();
    let host = registry.host().to_owned();
    let mut fleet = Fleet::new(2);
    fleet.args.extend(["--advisories".to_owned(), advisories(fleet.home())]);
    let image = publish(&format!("{host}/shop/cart:1"), &java_image("cart"));
    for round in 0..5_u32 {
        let up = fleet.up();
        let name = format!("load-{round}");
        fleet.kubectl_ok(&["create", "deployment", &name, "--image", &image, "--replicas", "20"]);
        if round > 0 {
            fleet.kubectl_ok(&["delete", "deployment", &format!("load-{}", round - 1), "--wait=false"]);
        }
        // Somewhere in the middle of what the changes set in motion; another point each round.
        std::thread::sleep(std::time::Duration::from_millis(u64::from(round) * 67));
        let mut up = up;
        up.child.kill().unwrap();
        up.child.wait().unwrap();
    }
    let _up = fleet.up();
    let running =
        || fleet.pods_of_api(|p| p["status"]["phase"] == "Running" && p["metadata"]["deletionTimestamp"].is_null());
    eventually("the last deployment runs and no other", || (running().len() == 20).then_some(()));
    eventually_equal("equal to the API server", running, || fleet.pods_where("CVE-2021-44228"));
}

fn cosign_crosscheck(host: &str) {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    key_pair(home, "cosign");
    key_pair(home, "other");
    let cosign = |code: bool, args: &[&str]| {
        let output = cosign("").unwrap().run(home, args).unwrap();
        assert_eq!(output.status.success(), code, "cosign {}: {}", args.join(" "), text(&output.stderr));
    };
    let ours = publish(&format!("{host}/ours:1"), &plain_image("ours"));
    let theirs = publish(&format!("{host}/theirs:1"), &plain_image("theirs"));
    let attested = publish(&format!("{host}/attested:1"), &plain_image("attested"));

    // cosign verifies ours, with our key pair, and refuses another key.
    expect(home, 0, &["sign", "--key", "cosign.key", &ours]);
    cosign(true, &["verify", "--key", "cosign.pub", "--insecure-ignore-tlog", &ours]);
    cosign(false, &["verify", "--key", "other.pub", "--insecure-ignore-tlog", &ours]);

    // We verify its signature, made with our key, and refuse another key.
    cosign(
        true,
        &["sign", "--yes", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", &theirs],
    );
    expect(home, 0, &["verify", "--key", "cosign.pub", &theirs]);
    let (_, err) = expect(home, 1, &["verify", "--key", "other.pub", &theirs]);
    assert!(err.contains("signed-by-another-key"), "{err}");

    // We use a key pair that cosign made.
    cosign(true, &["generate-key-pair", "--output-key-prefix", "made"]);
    let with_theirs = publish(&format!("{host}/made:1"), &plain_image("made"));
    expect(home, 0, &["sign", "--key", "made.key", &with_theirs]);
    cosign(true, &["verify", "--key", "made.pub", "--insecure-ignore-tlog", &with_theirs]);

    // A15: an attestation by the right key is no signature.
    std::fs::write(home.join("predicate.json"), "{}").unwrap();
    cosign(
        true,
        &[
            "attest",
            "--yes",
            "--key",
            "cosign.key",
            "--tlog-upload=false",
            "--use-signing-config=false",
            "--predicate",
            "predicate.json",
            "--type",
            "custom",
            &attested,
        ],
    );
    let (_, err) = expect(home, 1, &["verify", "--key", "cosign.pub", &attested]);
    assert!(err.contains("attestation-only"), "{err}");
    // Both on one image: the signature counts, the attestation does not hide it (A16, A17).
    expect(home, 0, &["sign", "--key", "cosign.key", &attested]);
    expect(home, 0, &["verify", "--key", "cosign.pub", &attested]);
}
