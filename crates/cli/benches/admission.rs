//! What admission costs: Pods created through a real API server without any webhook, with a pair of
//! webhooks that answer at once, and with ours; and a thousand reviews of one new image at once over
//! one connection straight to our webhook, its registry 20 ms away: `./dev bench`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "admission/delayed.rs"]
mod delayed;
mod measured;
#[path = "admission/pair.rs"]
mod pair;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use cleanbill_testkit::components::registry::Olareg;
use cleanbill_testkit::{ImageBuilder, Layer};
use delayed::Delayed;
use futures::future::join_all;
use measured::{Latencies, Marks, peak_memory};
use pair::Pair;
use serde_json::{Value, json};
use support::fleet::{Fleet, Up, eventually, pod};
use support::{expect, key_pair, policy, push, text};

/// Rounds of each sort of webhook, by turns.
const ROUNDS: usize = 3;
/// Pods of one caller in a round.
const ALONE: usize = 100;
/// Callers at once, and Pods of each in a round.
const CALLERS: usize = 50;
const EACH: usize = 6;
/// Reviews of one new image at once.
const REVIEWS: usize = 1000;
/// How far away its registry is.
const ROUND_TRIP: Duration = Duration::from_millis(20);

fn main() {
    let mut marks = Marks::default();
    let registry = match Olareg::start() {
        Ok(registry) => registry,
        Err(why) => return println!("left out: {why}"),
    };
    if let Err(why) = cleanbill_testkit::components::find(cleanbill_testkit::components::Component::Kube) {
        return println!("left out: {why}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let delayed = runtime.block_on(Delayed::start(registry.host(), ROUND_TRIP));
    let mut fleet = Fleet::new(0);
    let (_, public) = key_pair(fleet.home(), "cosign");
    let file = fleet.home().join("policy.yaml");
    // Any registry: the one near and the one far away.
    std::fs::write(&file, policy("*", &public, "")).unwrap();
    fleet.args = vec!["--policy".to_owned(), file.to_str().unwrap().to_owned()];
    let up = fleet.up();
    fleet.install(up.admission.as_deref().unwrap(), "enforce");
    at_once(&runtime, &fleet, &up, registry.host(), &delayed, &mut marks);
    through_the_api_server(&runtime, &fleet, &up, registry.host(), &mut marks);
    marks.at_most("memory of cleanbill up, peak", peak_memory(up.child.id()), " MB", 60.0);
    marks.end();
}

/// Pushes and signs an image; gives its tag with the digest.
fn publish(runtime: &tokio::runtime::Runtime, home: &Path, host: &str, name: &str) -> String {
    let image = ImageBuilder::new().platform("linux/amd64").layer(Layer::new().file("name", name.as_bytes())).build();
    let tag = format!("{host}/{name}:1");
    let pinned = format!("{tag}@{}", runtime.block_on(push(&tag, &image)));
    expect(home, 0, &["sign", "--key", "cosign.key", &pinned]);
    pinned
}

/// Which webhooks are in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setting {
    None,
    Pair,
    Ours,
}

fn through_the_api_server(runtime: &tokio::runtime::Runtime, fleet: &Fleet, up: &Up, host: &str, marks: &mut Marks) {
    let image = publish(runtime, fleet.home(), host, "known");
    let tag = image.split_once('@').unwrap().0.to_owned();
    let unsigned = format!("{host}/unsigned:1");
    runtime.block_on(push(&unsigned, &ImageBuilder::new().platform("linux/amd64").build()));
    let pair = runtime.block_on(Pair::start(&fleet.home().join("pair")));
    let api = Api::new(fleet);
    let settings = [Setting::None, Setting::Pair, Setting::Ours];
    let mut alone: [Latencies; 3] = Default::default();
    let mut many: [Latencies; 3] = Default::default();
    let mut tagged = Latencies::default();
    // The first round warms up everything and counts for nothing.
    for round in 0..=ROUNDS {
        for (at, setting) in settings.into_iter().enumerate() {
            install(fleet, setting, up, &pair, &unsigned);
            let (pods, each) = if round == 0 { (ALONE / 10, 1) } else { (ALONE, EACH) };
            let one = runtime.block_on(api.clone().caller(format!("one-{round}-{at}"), image.clone(), pods));
            let all = runtime.block_on(async {
                let caller =
                    |n: usize| tokio::spawn(api.clone().caller(format!("many-{round}-{at}-{n}"), image.clone(), each));
                join_all((0..CALLERS).map(caller)).await
            });
            if round == 0 {
                continue;
            }
            alone[at].extend(one);
            many[at].extend(all.into_iter().flat_map(Result::unwrap));
            if setting == Setting::Ours {
                tagged.extend(runtime.block_on(api.clone().caller(format!("tag-{round}"), tag.clone(), ALONE)));
            }
        }
    }
    println!("\nPods created through a real API server; the image is known and signed, one signature policy");
    println!("one caller:");
    for (latencies, name) in alone.iter().zip(["no webhook", "a pair that answers at once", "cleanbill"]) {
        latencies.show(name);
    }
    tagged.show("cleanbill, named by its tag");
    marks.at_most("p50 over the pair", alone[2].percentile(50) - alone[1].percentile(50), " ms", 0.5);
    println!("{CALLERS} callers:");
    for (latencies, name) in many.iter().zip(["no webhook", "a pair that answers at once", "cleanbill"]) {
        latencies.show(name);
    }
    marks.at_most("p95 / the pair's", many[2].percentile(95) / many[1].percentile(95), "", 1.2);
}

/// Puts these webhooks in force, no others, and waits until the API server acts so.
fn install(fleet: &Fleet, setting: Setting, up: &Up, pair: &Pair, unsigned: &str) {
    fleet.kubectl_ok(&[
        "delete",
        "mutatingwebhookconfigurations,validatingwebhookconfigurations",
        "--all",
        "--ignore-not-found",
    ]);
    let probe = ["run", "probe", "--image", unsigned, "--dry-run=server"];
    match setting {
        Setting::None => {}
        Setting::Pair => {
            std::fs::write(fleet.home().join("pair.yaml"), pair.manifest()).unwrap();
            fleet.kubectl_ok(&["apply", "-f", fleet.home().join("pair.yaml").to_str().unwrap()]);
        }
        Setting::Ours => fleet.install(up.admission.as_deref().unwrap(), "enforce"),
    }
    eventually("these webhooks and no others are asked", || {
        let before = pair.asked();
        let output = fleet.kubectl(&probe);
        let refused = !output.status.success() && text(&output.stderr).contains("is unsigned");
        let asked = pair.asked() - before;
        let as_set = match setting {
            Setting::None => !refused && asked == 0,
            Setting::Pair => !refused && asked == 2,
            Setting::Ours => refused && asked == 0,
        };
        as_set.then_some(())
    });
}

/// The API server, asked over connections that stay.
#[derive(Clone)]
struct Api {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    fn new(fleet: &Fleet) -> Self {
        let authority = std::fs::read(fleet.cluster.authority()).unwrap();
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
        let url = format!("{}/api/v1/namespaces/default/pods", fleet.cluster.server());
        Self { http, url, token: fleet.cluster.token().to_owned() }
    }

    /// Creates Pods one after another and takes each away again; how long each creation took.
    async fn caller(self, name: String, image: String, pods: usize) -> Vec<Duration> {
        let mut took = Vec::with_capacity(pods);
        for number in 0..pods {
            let name = format!("{name}-{number}");
            let object = pod(&name, &image, &json!({}));
            let start = Instant::now();
            let answer = self.http.post(&self.url).bearer_auth(&self.token).json(&object).send().await.unwrap();
            let status = answer.status();
            let body = answer.bytes().await.unwrap();
            took.push(start.elapsed());
            assert_eq!(status.as_u16(), 201, "{}", text(&body));
            let url = format!("{}/{name}?gracePeriodSeconds=0", self.url);
            let answer = self.http.delete(url).bearer_auth(&self.token).send().await.unwrap();
            assert!(answer.status().is_success());
            let _body = answer.bytes().await.unwrap();
        }
        took
    }
}

fn at_once(
    runtime: &tokio::runtime::Runtime,
    fleet: &Fleet,
    up: &Up,
    host: &str,
    delayed: &Delayed,
    marks: &mut Marks,
) {
    // Where the webhook is and what proves the API server: as in the printed configuration.
    let manifest = std::fs::read_to_string(fleet.home().join("webhooks.yaml")).unwrap();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&manifest).unwrap();
    let mutating = documents.iter().find(|d| d["kind"] == "MutatingWebhookConfiguration").unwrap();
    let webhooks = mutating["webhooks"].as_array().unwrap();
    let fail = webhooks.iter().find(|w| w["failurePolicy"] == "Fail").unwrap();
    let url = format!("{}?timeout=10s", fail["clientConfig"]["url"].as_str().unwrap());
    assert!(url.starts_with(up.admission.as_deref().unwrap()));
    for by_tag in [false, true] {
        let name = if by_tag { "new-by-tag" } else { "new" };
        let near = publish(runtime, fleet.home(), host, name);
        let far = near.replace(host, delayed.host());
        let image = if by_tag { far.split_once('@').unwrap().0.to_owned() } else { far };
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "1", "operation": "CREATE", "namespace": "default", "name": "p",
            "kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": pod("p", &image, &json!({})),
        }})
        .to_string();
        // One connection: HTTP/2 from the start, so that nobody opens a second while the first is made.
        let authority = fail["clientConfig"]["caBundle"].as_str().unwrap();
        let authority = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, authority).unwrap();
        let authority = reqwest::Certificate::from_pem(&authority).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([authority]).http2_prior_knowledge().build().unwrap();
        delayed.forget();
        let mut latencies = Latencies::default();
        latencies.extend(runtime.block_on(async {
            // The connection is there before the crowd comes.
            let ready = up.admission.as_deref().unwrap();
            http.get(format!("{ready}/healthz")).send().await.unwrap();
            let one = || {
                let (http, url, review) = (http.clone(), url.clone(), review.clone());
                tokio::spawn(async move {
                    let start = Instant::now();
                    let request = http.post(&url).header("content-type", "application/json").body(review);
                    let answer: Value = request.send().await.unwrap().json().await.unwrap();
                    assert_eq!(answer["response"]["allowed"], true, "{answer}");
                    start.elapsed()
                })
            };
            let calls: Vec<_> = (0..REVIEWS).map(|_| one()).collect();
            join_all(calls).await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
        }));
        println!(
            "\n{REVIEWS} reviews of one new image at once, one connection, registry {} ms away, named by its {}",
            ROUND_TRIP.as_millis(),
            if by_tag { "tag" } else { "digest" }
        );
        latencies.show("to the answer");
        let asked = delayed.asked();
        // How often each thing was fetched; the most counts.
        let most = asked.iter().map(|(_, count)| *count).max().unwrap_or_default();
        for (what, count) in &asked {
            println!("    {count:>4} × {what}");
        }
        marks.at_most("fetches of the same thing", f64::from(most), "", 1.0);
        marks.at_most("p95", latencies.percentile(95), " ms", 250.0);
    }
}
