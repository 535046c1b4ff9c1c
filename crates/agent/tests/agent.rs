//! The agent between a cluster that the test plays and a hub that takes notes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cleanbill_agent::{AgentOptions, Images, Tracker, follow, resolve};
use cleanbill_cluster::Change;
use cleanbill_model::{Cancel, Cluster, Digest, Platform, Pod, Workload};
use cleanbill_oci::{Client, ClientOptions};
use cleanbill_protocol::{Ack, Batch, ImageOutcome, ImageReport, Ingest, IngestError, WantedImage};
use cleanbill_testkit::{BuiltIndex, ImageBuilder, Layer, Registry, RegistryOptions, log4j_core_jar};
use futures::StreamExt as _;
use tokio::sync::mpsc;

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::new(ClientOptions::default()).unwrap()
}

fn cluster() -> Cluster {
    Cluster { uid: "c1".to_owned(), name: "test".to_owned() }
}

fn pod(uid: &str, name: &str) -> Pod {
    Pod {
        uid: uid.to_owned(),
        namespace: "default".to_owned(),
        name: name.to_owned(),
        workload: Workload { kind: "Pod".to_owned(), name: name.to_owned() },
        node: "n".to_owned(),
        platform: Platform::parse("linux/amd64"),
        containers: Vec::new(),
    }
}

fn image(platform: &str, version: &str) -> cleanbill_testkit::BuiltImage {
    ImageBuilder::new().platform(platform).layer(Layer::new().file("a/log4j.jar", log4j_core_jar(version))).build()
}

fn wanted(reference: &str, digest: &Digest, platform: &str) -> WantedImage {
    WantedImage { reference: reference.to_owned(), digest: digest.clone(), platform: Platform::parse(platform) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_of_any_kind_leads_to_its_manifest() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let (amd, arm) = (image("linux/amd64", "2.14.1"), image("linux/arm64", "2.20.0"));
    let index = BuiltIndex::new([amd.clone(), arm.clone()]);
    registry.put_index("app", &index, "1");
    let tag = format!("{}/app:1", registry.host());
    for (digest, node, expected) in [
        (&amd.digest, "linux/amd64", &amd),
        (&amd.digest, "linux/arm64", &amd),
        (&index.digest, "linux/amd64", &amd),
        (&index.digest, "linux/arm64", &arm),
        (&amd.config_digest, "linux/amd64", &amd),
        (&arm.config_digest, "linux/arm64", &arm),
    ] {
        let found = resolve(&client(), &wanted(&tag, digest, node)).await.unwrap();
        assert_eq!(found.identity.manifest, expected.digest, "{digest} on {node}");
        assert_eq!(found.identity.config, expected.config_digest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_whose_tag_moved_is_not_taken_for_another() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let (old, new) = (image("linux/amd64", "2.14.1"), image("linux/amd64", "2.20.0"));
    registry.put("app", &new, "1");
    let tag = format!("{}/app:1", registry.host());
    let why = resolve(&client(), &wanted(&tag, &old.config_digest, "linux/amd64")).await.unwrap_err();
    assert!(why.contains("names another image"), "{why}");
    let pinned = format!("{}/app@{}", registry.host(), old.digest);
    let why = resolve(&client(), &wanted(&pinned, &old.digest, "linux/amd64")).await.unwrap_err();
    assert!(why.contains(old.digest.hex()), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_manifest_is_looked_into_once_whatever_its_names() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let built = image("linux/amd64", "2.14.1");
    registry.put("a", &built, "1");
    let tag = format!("{}/a:1", registry.host());
    let images = Images::new(client(), 2);
    let (one, two) = tokio::join!(
        images.look(wanted(&tag, &built.digest, "linux/amd64")),
        images.look(wanted(&tag, &built.config_digest, "linux/amd64")),
    );
    for report in [one, two] {
        let ImageOutcome::Ready { identity, sbom } = report.outcome else { panic!("{:?}", report.outcome) };
        assert_eq!(identity.manifest, built.digest);
        assert!(String::from_utf8(sbom).unwrap().contains("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"));
    }
    let layer = format!("/v2/a/blobs/{}", built.layers[0].digest);
    assert_eq!(registry.requests().iter().filter(|r| r.method == "GET" && r.path == layer).count(), 1);
}

#[test]
fn changes_stay_until_they_are_acknowledged() {
    let mut tracker = Tracker::new(cluster(), 7);
    assert!(!tracker.has_news(), "half a cluster is not told");
    tracker.note(Change::Changed(pod("1", "early")));
    assert!(!tracker.has_news());
    tracker.note(Change::Snapshot(vec![pod("1", "a"), pod("2", "b")]));
    let first = tracker.batch();
    assert_eq!((first.seq, first.full, first.pods.len()), (1, true, 2));
    assert_eq!(tracker.batch().seq, 1, "not acknowledged: the same again");
    tracker.note(Change::Gone("2".to_owned()));
    assert_eq!(tracker.batch(), first, "sent again as it was, whatever happened since");
    tracker.acknowledged();
    assert_eq!(tracker.batch().gone, ["2"], "what happened since comes next");
    tracker.acknowledged();
    assert!(!tracker.has_news());
    tracker.note(Change::Changed(pod("1", "a")));
    assert!(!tracker.has_news(), "nothing changed");
    tracker.note(Change::Gone("1".to_owned()));
    tracker.note(Change::Changed(pod("3", "c")));
    let second = tracker.batch();
    assert_eq!((second.seq, second.full), (3, false));
    assert_eq!(second.gone, ["1"]);
    assert_eq!(second.pods.iter().map(|p| &*p.uid).collect::<Vec<_>>(), ["3"]);
    tracker.resync();
    let third = tracker.batch();
    assert_eq!((third.epoch, third.seq, third.full, third.pods.len()), (8, 1, true, 1));
    tracker.acknowledged();
    tracker.note(Change::Snapshot(vec![pod("4", "d")]));
    assert_eq!(tracker.batch().gone, ["3"], "a new snapshot tells what is missing from it");
}

/// Notes what it is told; answers as the script says, then with plain acknowledgements.
struct Notes {
    script: Mutex<Vec<Result<Ack, IngestError>>>,
    told: mpsc::UnboundedSender<Told>,
}

#[derive(Debug)]
enum Told {
    Batch(Batch),
    Image(ImageReport),
}

#[async_trait]
impl Ingest for Notes {
    async fn batch(&self, batch: Batch) -> Result<Ack, IngestError> {
        let mut script = self.script.lock().unwrap();
        let answer = if script.is_empty() {
            Ok(Ack { seq: batch.seq, resync: false, wanted: Vec::new() })
        } else {
            script.remove(0)
        };
        self.told.send(Told::Batch(batch)).unwrap();
        answer
    }

    async fn image(&self, report: ImageReport) -> Result<(), IngestError> {
        self.told.send(Told::Image(report)).unwrap();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_fails_or_lost_something_gets_everything_in_the_end() {
    let registry = Registry::start(RegistryOptions::default()).await;
    let gone = wanted(&format!("{}/gone:1", registry.host()), &Digest::sha256("gone"), "linux/amd64");
    let script = vec![
        Err(IngestError("disk full".to_owned())),
        Ok(Ack { seq: 1, resync: true, wanted: Vec::new() }),
        Ok(Ack { seq: 1, resync: false, wanted: vec![gone.clone()] }),
    ];
    let (told, mut heard) = mpsc::unbounded_channel();
    let ingest = Arc::new(Notes { script: Mutex::new(script), told });
    let (changes, stream) = futures::channel::mpsc::unbounded();
    let options =
        AgentOptions { gather: Duration::ZERO, heartbeat: Duration::from_secs(3600), ..AgentOptions::default() };
    let cancel = Cancel::default();
    let task = tokio::spawn(follow(cluster(), stream.boxed(), ingest, Images::new(client(), 2), options, cancel));
    changes.unbounded_send(Change::Snapshot(vec![pod("1", "a")])).unwrap();
    let mut epochs = Vec::new();
    for _ in 0..3 {
        let Some(Told::Batch(batch)) = heard.recv().await else { panic!("a batch is told") };
        assert!(batch.full);
        assert_eq!((batch.seq, batch.pods.len()), (1, 1));
        epochs.push(batch.epoch);
    }
    assert_eq!(epochs[0], epochs[1], "the same batch again");
    assert!(epochs[2] > epochs[1], "a resync is an epoch of its own");
    let Some(Told::Image(report)) = heard.recv().await else { panic!("the image is told") };
    assert_eq!(report.wanted, gone);
    assert!(matches!(report.outcome, ImageOutcome::Failed { .. }));
    changes.unbounded_send(Change::Gone("1".to_owned())).unwrap();
    let Some(Told::Batch(batch)) = heard.recv().await else { panic!("a batch is told") };
    assert_eq!((batch.full, batch.seq, batch.gone), (false, 2, vec!["1".to_owned()]));
    task.abort();
}
