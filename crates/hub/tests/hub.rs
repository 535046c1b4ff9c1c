//! The hub between a real store and reports that the test makes: joins, answers, coverage, alerts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod schema;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use cleanbill_hub::{Hub, HubOptions, Page, Refresh, WhereAnswer};
use cleanbill_model::{
    Cluster, Container, ContainerKind, ContainerState, Digest, Distro, ImageIdentity, Package, Platform, Pod, Purl,
    RuntimeImageId, Sbom, Subject, Timestamp, Workload,
};
use cleanbill_protocol::{Batch, ImageOutcome, ImageReport, Ingest, WantedImage};
use cleanbill_store::{
    AdmissionEntry, AdmissionFilter, AlertRecord, Applied, ClusterRow, Exposure, ImageRecord, SqliteStore, Store,
    StoreError,
};
use schema::fits;
use serde_json::Value;
use tempfile::TempDir;

const LOG4SHELL: &str = r#"{"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "modified": "2025-05-09T13:13:16Z",
 "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]}"#;

/// A place to keep things in, and a folder of advisories.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(place.advisories()).unwrap();
        std::fs::write(place.advisories().join("log4shell.json"), LOG4SHELL).unwrap();
        place
    }

    fn advisories(&self) -> std::path::PathBuf {
        self.0.path().join("advisories")
    }

    fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    async fn open(&self) -> Hub {
        open(&self.data(), &self.advisories()).await
    }
}

async fn open(data: &Path, advisories: &Path) -> Hub {
    open_on(Arc::new(SqliteStore::open(data).unwrap()), data, advisories).await
}

async fn open_on(store: Arc<dyn Store>, data: &Path, advisories: &Path) -> Hub {
    let options = HubOptions {
        clock: Arc::new(|| Timestamp::from_second(1_800_000_000).unwrap()),
        catalogers: Vec::new(),
        database: None,
        advisories: vec![advisories.to_owned()],
        keep: Some(data.join("advisories.db")),
        demo: false,
    };
    Hub::open(store, options).await.unwrap()
}

fn pod(name: &str, node: &str, image_id: &str) -> Pod {
    Pod {
        uid: format!("uid-{name}"),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        workload: Workload { kind: "Deployment".to_owned(), name: "cart".to_owned() },
        node: "n".to_owned(),
        platform: Platform::parse(node),
        containers: vec![Container {
            name: "main".to_owned(),
            kind: ContainerKind::Main,
            image: "ghcr.io/o/cart:1".to_owned(),
            image_id: RuntimeImageId::parse(image_id),
            state: ContainerState::Running,
        }],
    }
}

fn batch(seq: u64, full: bool, pods: Vec<Pod>, gone: &[&str]) -> Batch {
    let cluster = Cluster { uid: "c-1".to_owned(), name: "prod".to_owned() };
    Batch { cluster, epoch: 1, seq, full, pods, gone: gone.iter().map(|g| format!("uid-{g}")).collect() }
}

fn identity(name: &str, platform: &str) -> ImageIdentity {
    ImageIdentity {
        index: Some(Digest::sha256("index")),
        manifest: Digest::sha256(format!("manifest {name}")),
        config: Digest::sha256(format!("config {name}")),
        platform: Platform::parse(platform),
    }
}

fn sbom(version: &str) -> Vec<u8> {
    let package = Package {
        purl: Purl::new("maven", "org.apache.logging.log4j", "log4j-core", version),
        name: "org.apache.logging.log4j:log4j-core".to_owned(),
        version: version.to_owned(),
        source: None,
        licenses: Vec::new(),
        locations: Vec::new(),
        owner: None,
        cataloger: None,
    };
    let sbom = Sbom {
        subject: Subject { name: "ghcr.io/o/cart:1".to_owned(), identity: None },
        distro: Distro::default(),
        packages: vec![package],
        problems: Vec::new(),
        catalogers: Vec::new(),
        layers: Vec::new(),
    };
    cleanbill_sbom::cyclonedx::write(&sbom, None)
}

fn ready(wanted: &WantedImage, identity: &ImageIdentity, version: &str) -> ImageReport {
    let outcome = ImageOutcome::Ready { identity: identity.clone(), sbom: sbom(version) };
    ImageReport { wanted: wanted.clone(), outcome }
}

async fn ask(hub: &Hub, query: &str) -> WhereAnswer {
    hub.where_(query, &Page::new(None, None)).await.unwrap()
}

fn pods(answer: &WhereAnswer) -> BTreeSet<&str> {
    answer.matches.iter().map(|m| m.pod.as_str()).collect()
}

async fn alerts(hub: &Hub) -> Vec<(String, &'static str, BTreeSet<String>)> {
    let page = hub.alerts(None, 100).await.unwrap();
    let row =
        |a: cleanbill_store::AlertRecord| (a.vulnerability, a.kind.name(), a.pods.into_iter().map(|p| p.pod).collect());
    page.alerts.into_iter().map(row).collect()
}

/// One pod that runs log4j-core 2.14.1.
async fn one_pod(hub: &Hub) {
    let image = identity("amd", "linux/amd64");
    let ack = hub
        .batch(batch(1, true, vec![pod("a", "linux/amd64", &format!("ghcr.io/o/cart@{}", image.manifest))], &[]))
        .await
        .unwrap();
    assert_eq!(ack.wanted.len(), 1);
    hub.image(ready(&ack.wanted[0], &image, "2.14.1")).await.unwrap();
}

#[tokio::test]
async fn every_form_of_image_id_is_joined_to_the_manifest_of_its_node() {
    let place = Place::new();
    let hub = place.open().await;
    let (amd, arm) = (identity("amd", "linux/amd64"), identity("arm", "linux/arm64"));
    let index = format!("ghcr.io/o/cart@{}", Digest::sha256("index"));
    let reported = vec![
        pod("pullable", "linux/amd64", &format!("docker-pullable://ghcr.io/o/cart@{}", amd.manifest)),
        pod("config", "linux/amd64", &amd.config.to_string()),
        pod("index", "linux/amd64", &index),
        pod("index-arm", "linux/arm64", &index),
        pod("config-arm", "linux/arm64", &arm.config.to_string()),
        pod("manifest-elsewhere", "linux/arm64", &format!("ghcr.io/o/cart@{}", amd.manifest)),
    ];
    let ack = hub.batch(batch(1, true, reported, &[])).await.unwrap();
    for wanted in &ack.wanted {
        let arm_node = wanted.platform == Platform::parse("linux/arm64");
        if arm_node && wanted.digest != amd.manifest {
            hub.image(ready(wanted, &arm, "2.20.0")).await.unwrap();
        } else {
            hub.image(ready(wanted, &amd, "2.14.1")).await.unwrap();
        }
    }
    let old = ask(&hub, "log4j-core < 2.17.1").await;
    assert_eq!(pods(&old), BTreeSet::from(["pullable", "config", "index", "manifest-elsewhere"]));
    assert!(old.matches.iter().all(|m| m.digest == amd.manifest.to_string()));
    assert_eq!(pods(&ask(&hub, "log4j-core >= 2.17.1").await), BTreeSet::from(["index-arm", "config-arm"]));
    assert_eq!((old.counts.images, old.counts.workloads, old.coverage.images), (1, 1, 2));
}

#[tokio::test]
async fn a_single_manifest_joins_any_node_when_it_states_no_platform() {
    let place = Place::new();
    let hub = place.open().await;
    let image = ImageIdentity { platform: None, ..identity("bare", "linux/amd64") };
    let id = format!("ghcr.io/o/cart@{}", Digest::sha256("index"));
    let reported = vec![pod("amd", "linux/amd64", &id), pod("arm", "linux/arm64", &id)];
    let ack = hub.batch(batch(1, true, reported, &[])).await.unwrap();
    for wanted in &ack.wanted {
        hub.image(ready(wanted, &image, "2.14.1")).await.unwrap();
    }
    assert_eq!(pods(&ask(&hub, "log4j-core").await), BTreeSet::from(["amd", "arm"]));
}

#[tokio::test]
async fn every_kind_of_question_finds_the_pod_and_loses_it_when_it_goes() {
    let place = Place::new();
    let hub = place.open().await;
    one_pod(&hub).await;
    let manifest = identity("amd", "linux/amd64").manifest.to_string();
    let questions = [
        "log4j-core < 2.17.1",
        "log4j-core",
        "org.apache.logging.log4j:log4j-core <= 2.14.1",
        "CVE-2021-44228",
        "ghsa-jfh8-c2jp-5v3q",
        "pkg:maven/org.apache.logging.log4j/log4j-core",
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
        &manifest,
    ];
    for question in questions {
        assert_eq!(pods(&ask(&hub, question).await), BTreeSet::from(["a"]), "{question}");
    }
    for question in ["log4j-core < 2.14.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.2", "log4j"] {
        assert!(ask(&hub, question).await.matches.is_empty(), "{question}");
    }
    assert_eq!(ask(&hub, "CVE-2021-44228").await.matches[0].packages[0].fixed, ["2.15.0"]);
    let later = LOG4SHELL.replace("GHSA-jfh8-c2jp-5v3q", "GHSA-later").replace("2.15.0", "10.0.0");
    std::fs::write(place.advisories().join("later.json"), later).unwrap();
    hub.refresh_advisories().await.unwrap();
    let fixed = ask(&hub, "CVE-2021-44228").await.matches[0].packages[0].fixed.clone();
    assert_eq!(fixed, ["2.15.0", "10.0.0"], "in the order of versions, not of letters");
    hub.batch(batch(2, false, Vec::new(), &["a"])).await.unwrap();
    for question in questions {
        assert!(ask(&hub, question).await.matches.is_empty(), "{question}");
    }
    let error = hub.where_("log4j-core <", &Page::new(None, None)).await.unwrap_err();
    assert!(!error.hint.is_empty());
}

#[tokio::test]
async fn what_could_not_be_looked_into_is_not_covered() {
    let place = Place::new();
    let hub = place.open().await;
    one_pod(&hub).await;
    let reported = vec![
        pod("failed", "linux/amd64", &format!("ghcr.io/o/x@{}", Digest::sha256("failed"))),
        pod("pending", "linux/amd64", &format!("ghcr.io/o/x@{}", Digest::sha256("pending"))),
        pod("unknown", "linux/amd64", "not an id"),
    ];
    let ack = hub.batch(batch(2, false, reported, &[])).await.unwrap();
    let failed = ack.wanted.iter().find(|w| w.digest == Digest::sha256("failed")).unwrap();
    let outcome = ImageOutcome::Failed { why: "connection refused".to_owned() };
    hub.image(ImageReport { wanted: failed.clone(), outcome }).await.unwrap();
    let answer = ask(&hub, "log4j-core < 2.17.1").await;
    let c = answer.coverage;
    assert_eq!((c.images, c.pending, c.failed, c.not_covered), (4, 1, 1, 3));
    assert!(answer.is_incomplete());
    let why: Vec<_> = answer.uncovered.iter().map(|u| (u.pod.as_str(), u.why.as_str())).collect();
    assert!(why.contains(&("failed", "connection refused")), "{why:?}");
    // Nothing is known of an id that no feed has: that is not "runs nowhere".
    let answer = ask(&hub, "CVE-1999-0001").await;
    assert_eq!(answer.coverage.not_covered, 4);
    assert!(answer.sentence.contains("not known"), "{}", answer.sentence);
}

#[tokio::test]
async fn a_new_record_raises_one_alert_with_its_pods_and_never_again() {
    let place = Place::new();
    let hub = place.open().await;
    one_pod(&hub).await;
    assert!(alerts(&hub).await.is_empty(), "what was there at the first look is no news");
    assert_eq!(hub.refresh_advisories().await.unwrap(), Refresh::Same);
    let record = LOG4SHELL.replace("GHSA-jfh8-c2jp-5v3q", "GHSA-new").replace("CVE-2021-44228", "CVE-2026-1");
    std::fs::write(place.advisories().join("new.json"), &record).unwrap();
    assert_eq!(hub.refresh_advisories().await.unwrap(), Refresh::Changed);
    let raised = vec![("CVE-2026-1".to_owned(), "new", BTreeSet::from(["a".to_owned()]))];
    assert_eq!(alerts(&hub).await, raised);
    // Touched, and changed in a way that hits the same: no news.
    std::fs::write(place.advisories().join("new.json"), record.replace("2.15.0", "2.16.0")).unwrap();
    assert_eq!(hub.refresh_advisories().await.unwrap(), Refresh::Changed);
    assert_eq!(alerts(&hub).await, raised);
    drop(hub);
    let hub = place.open().await;
    assert_eq!(alerts(&hub).await, raised, "kept over a restart, not raised again");
    assert_eq!(pods(&ask(&hub, "CVE-2026-1").await), BTreeSet::from(["a"]));
}

#[tokio::test]
async fn a_record_that_arrives_while_nothing_runs_is_news_at_the_next_start() {
    let place = Place::new();
    let hub = place.open().await;
    one_pod(&hub).await;
    drop(hub);
    let record = LOG4SHELL.replace("GHSA-jfh8-c2jp-5v3q", "GHSA-new").replace("CVE-2021-44228", "CVE-2026-1");
    std::fs::write(place.advisories().join("new.json"), record).unwrap();
    let hub = place.open().await;
    assert_eq!(alerts(&hub).await, vec![("CVE-2026-1".to_owned(), "new", BTreeSet::from(["a".to_owned()]))]);
}

#[tokio::test]
async fn a_pod_that_comes_later_is_a_workload_alert_and_what_is_gone_is_fixed() {
    let place = Place::new();
    let hub = place.open().await;
    hub.batch(batch(1, true, Vec::new(), &[])).await.unwrap();
    let image = identity("amd", "linux/amd64");
    let later = pod("later", "linux/amd64", &format!("ghcr.io/o/cart@{}", image.manifest));
    let ack = hub.batch(batch(2, false, vec![later], &[])).await.unwrap();
    hub.image(ready(&ack.wanted[0], &image, "2.14.1")).await.unwrap();
    let workload = ("CVE-2021-44228".to_owned(), "workload", BTreeSet::from(["later".to_owned()]));
    assert_eq!(alerts(&hub).await, vec![workload.clone()]);
    hub.batch(batch(3, false, Vec::new(), &["later"])).await.unwrap();
    assert_eq!(alerts(&hub).await, vec![("CVE-2021-44228".to_owned(), "fixed", BTreeSet::new()), workload]);
}

/// A store whose disk is full for one alert.
struct FullOnce(SqliteStore, std::sync::atomic::AtomicBool);

#[async_trait::async_trait]
impl Store for FullOnce {
    async fn apply(&self, batch: &Batch, at: Timestamp) -> Result<Applied, StoreError> {
        self.0.apply(batch, at).await
    }
    async fn clusters(&self) -> Result<Vec<ClusterRow>, StoreError> {
        self.0.clusters().await
    }
    async fn pods(&self) -> Result<Vec<(String, Pod)>, StoreError> {
        self.0.pods().await
    }
    async fn put_image(&self, record: &ImageRecord, sbom: Option<Vec<u8>>) -> Result<(), StoreError> {
        self.0.put_image(record, sbom).await
    }
    async fn images(&self) -> Result<Vec<ImageRecord>, StoreError> {
        self.0.images().await
    }
    async fn sbom(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.0.sbom(digest).await
    }
    async fn add_alert(&self, alert: &AlertRecord) -> Result<bool, StoreError> {
        if self.1.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Err(StoreError::Refused("disk full".to_owned()));
        }
        self.0.add_alert(alert).await
    }
    async fn alerts(&self, before: Option<i64>, limit: usize) -> Result<Vec<AlertRecord>, StoreError> {
        self.0.alerts(before, limit).await
    }
    async fn acknowledge(&self, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.0.acknowledge(id, by, at).await
    }
    async fn exposures(&self) -> Result<Vec<Exposure>, StoreError> {
        self.0.exposures().await
    }
    async fn put_exposures(&self, opened: &[Exposure], closed: &[Exposure]) -> Result<(), StoreError> {
        self.0.put_exposures(opened, closed).await
    }
    async fn put_admissions(&self, entries: &[AdmissionEntry], keep: usize) -> Result<(), StoreError> {
        self.0.put_admissions(entries, keep).await
    }
    async fn admissions(
        &self,
        filter: &AdmissionFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AdmissionEntry>, StoreError> {
        self.0.admissions(filter, before, limit).await
    }
    async fn admission(&self, key: &str) -> Result<Option<AdmissionEntry>, StoreError> {
        self.0.admission(key).await
    }
    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.0.setting(key).await
    }
    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.0.set_setting(key, value).await
    }
}

#[tokio::test]
async fn an_alert_that_could_not_be_written_is_raised_when_the_batch_comes_again() {
    let place = Place::new();
    let store = FullOnce(SqliteStore::open(&place.data()).unwrap(), std::sync::atomic::AtomicBool::new(true));
    let hub = open_on(Arc::new(store), &place.data(), &place.advisories()).await;
    let image = identity("amd", "linux/amd64");
    let id = format!("ghcr.io/o/cart@{}", image.manifest);
    let ack = hub.batch(batch(1, true, vec![pod("first", "linux/amd64", &id)], &[])).await.unwrap();
    hub.image(ready(&ack.wanted[0], &image, "2.14.1")).await.unwrap();
    let mut other = pod("other", "linux/amd64", &id);
    other.workload.name = "other".to_owned();
    let second = batch(2, false, vec![other], &[]);
    hub.batch(second.clone()).await.unwrap_err();
    hub.batch(second).await.unwrap();
    let raised = ("CVE-2021-44228".to_owned(), "workload", BTreeSet::from(["other".to_owned()]));
    assert_eq!(alerts(&hub).await, vec![raised]);
}

#[tokio::test]
async fn a_malformed_file_leaves_the_old_data_in_use_over_a_restart_too() {
    let place = Place::new();
    let hub = place.open().await;
    one_pod(&hub).await;
    std::fs::write(place.advisories().join("broken.json"), "{\"id\": \"GHSA-bro").unwrap();
    let Refresh::Refused(why) = hub.refresh_advisories().await.unwrap() else { panic!("it is refused") };
    assert!(why.contains("broken.json"), "{why}");
    assert_eq!(pods(&ask(&hub, "CVE-2021-44228").await), BTreeSet::from(["a"]));
    assert_eq!(hub.status().await.unwrap().advisories.error, Some(why));
    drop(hub);
    let hub = place.open().await;
    assert_eq!(pods(&ask(&hub, "CVE-2021-44228").await), BTreeSet::from(["a"]));
    assert!(hub.status().await.unwrap().advisories.error.unwrap().contains("broken.json"));
    assert!(alerts(&hub).await.is_empty(), "nothing was fixed and nothing is new");
    std::fs::remove_file(place.advisories().join("broken.json")).unwrap();
    assert_eq!(hub.refresh_advisories().await.unwrap(), Refresh::Changed);
    assert_eq!(hub.status().await.unwrap().advisories.error, None);
}

#[tokio::test]
async fn pages_of_a_long_answer_join_without_gap_or_repetition() {
    let place = Place::new();
    let hub = place.open().await;
    let image = identity("amd", "linux/amd64");
    let id = format!("ghcr.io/o/cart@{}", image.manifest);
    let many = (0..25).map(|n| pod(&format!("p{n:02}"), "linux/amd64", &id)).collect();
    let ack = hub.batch(batch(1, true, many, &[])).await.unwrap();
    hub.image(ready(&ack.wanted[0], &image, "2.14.1")).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let answer = hub.where_("log4j-core", &Page::new(Some(10), cursor)).await.unwrap();
        assert_eq!(answer.counts.pods, 25, "counts are over everything");
        seen.extend(answer.matches.into_iter().map(|m| m.pod));
        match answer.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).map(|n| format!("p{n:02}")).collect::<Vec<_>>());
    assert!(hub.where_("log4j-core", &Page::new(None, Some("zz".to_owned()))).await.is_err());
}

#[tokio::test]
async fn documents_fit_their_published_schemas() {
    let place = Place::new();
    let hub = place.open().await;
    one_pod(&hub).await;
    let more = vec![pod("unknown", "linux/amd64", "not an id")];
    hub.batch(batch(2, false, more, &[])).await.unwrap();
    let record = LOG4SHELL.replace("GHSA-jfh8-c2jp-5v3q", "GHSA-new").replace("CVE-2021-44228", "CVE-2026-1");
    std::fs::write(place.advisories().join("new.json"), record).unwrap();
    hub.refresh_advisories().await.unwrap();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let where_ = read(include_str!("../../../docs/schemas/where-v1.json"));
    fits(&where_, &where_, &ask(&hub, "CVE-2021-44228").await.to_json(), "where");
    let alerts = read(include_str!("../../../docs/schemas/alerts-v1.json"));
    let document = hub.alerts(None, 10).await.unwrap().to_json();
    assert_eq!(document["alerts"].as_array().unwrap().len(), 1);
    fits(&alerts, &alerts, &document, "alerts");
}
