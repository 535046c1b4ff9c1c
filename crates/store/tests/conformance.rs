//! What every store must do, as functions over `dyn Store`, run on SQLite.
#![allow(clippy::unwrap_used)]

use cleanbill_model::{
    Cluster, Container, ContainerKind, ContainerState, Digest, ImageIdentity, Platform, Pod, RuntimeImageId, Timestamp,
    Workload,
};
use cleanbill_protocol::{Batch, WantedImage};
use cleanbill_store::{
    AdmissionEntry, AdmissionFilter, AdmissionOutcome, AdmissionReason, AdmittedImage, AlertKind, AlertPod,
    AlertRecord, Applied, Exposure, ImageRecord, ImageState, SqliteStore, Store, StoreError,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn pod(uid: &str, image: &str) -> Pod {
    Pod {
        uid: uid.to_owned(),
        namespace: "default".to_owned(),
        name: format!("web-{uid}"),
        workload: Workload { kind: "Deployment".to_owned(), name: "web".to_owned() },
        node: "n1".to_owned(),
        platform: Platform::parse("linux/arm64/v8"),
        containers: vec![Container {
            name: "web".to_owned(),
            kind: ContainerKind::Main,
            image: image.to_owned(),
            image_id: RuntimeImageId::parse(&format!("ghcr.io/o/x@{}", Digest::sha256(image))),
            state: ContainerState::Running,
        }],
    }
}

fn batch(cluster: &str, epoch: u64, seq: u64, pods: &[&str]) -> Batch {
    Batch {
        cluster: Cluster { uid: cluster.to_owned(), name: format!("name of {cluster}") },
        epoch,
        seq,
        full: false,
        pods: pods.iter().map(|uid| pod(uid, &format!("x:{seq}"))).collect(),
        gone: vec![],
    }
}

fn full(cluster: &str, epoch: u64, seq: u64, pods: &[&str]) -> Batch {
    Batch { full: true, ..batch(cluster, epoch, seq, pods) }
}

async fn uids(store: &dyn Store) -> Vec<String> {
    store.pods().await.unwrap().into_iter().map(|(cluster, pod)| format!("{cluster}/{}", pod.uid)).collect()
}

async fn check(store: &dyn Store, batch: Batch, applied: Applied, expect: &[&str]) {
    let what = format!("epoch {} seq {} full {}", batch.epoch, batch.seq, batch.full);
    assert_eq!(store.apply(&batch, at(0)).await.unwrap(), applied, "{what}");
    assert_eq!(uids(store).await, expect, "{what}");
}

async fn batches_are_applied_in_order_and_once(store: &dyn Store) {
    use Applied::{Done, Repeated, Resync};
    check(store, batch("c", 9, 1, &["a"]), Resync, &[]).await;
    check(store, full("c", 9, 1, &["a", "b"]), Done, &["c/a", "c/b"]).await;
    check(store, batch("c", 9, 2, &["d"]), Done, &["c/a", "c/b", "c/d"]).await;
    check(store, Batch { gone: vec!["a".into()], ..batch("c", 9, 2, &["z"]) }, Repeated, &["c/a", "c/b", "c/d"]).await;
    check(store, full("c", 9, 1, &[]), Repeated, &["c/a", "c/b", "c/d"]).await;
    check(store, batch("c", 9, 4, &["z"]), Resync, &["c/a", "c/b", "c/d"]).await;
    check(store, Batch { gone: vec!["a".into()], ..batch("c", 9, 3, &[]) }, Done, &["c/b", "c/d"]).await;
    check(store, full("c", 9, 7, &["e"]), Done, &["c/e"]).await;
    check(store, batch("c", 9, 8, &["f"]), Done, &["c/e", "c/f"]).await;
    // A new epoch counts from its own full batch.
    check(store, batch("c", u64::MAX, 9, &["g"]), Resync, &["c/e", "c/f"]).await;
    check(store, full("c", u64::MAX, 1, &["g"]), Done, &["c/g"]).await;
}

async fn clusters_do_not_touch_each_other(store: &dyn Store) {
    store.apply(&full("c1", 1, 1, &["a"]), at(1)).await.unwrap();
    store.apply(&full("c2", 1, 1, &["a", "b"]), at(2)).await.unwrap();
    store.apply(&full("c1", 1, 2, &["z"]), at(3)).await.unwrap();
    assert_eq!(uids(store).await, ["c1/z", "c2/a", "c2/b"]);
    let rows = store.clusters().await.unwrap();
    let rows: Vec<_> = rows.iter().map(|r| (r.uid.as_str(), r.name.as_str(), r.last_seen, r.epoch, r.seq)).collect();
    assert_eq!(rows, [("c1", "name of c1", at(3), 1, 2), ("c2", "name of c2", at(2), 1, 1)]);
}

async fn hearing_a_repeated_batch_counts_as_being_alive(store: &dyn Store) {
    store.apply(&full("c", u64::MAX, 1, &[]), at(1)).await.unwrap();
    store.apply(&full("c", u64::MAX, 1, &[]), at(8)).await.unwrap();
    let row = store.clusters().await.unwrap().remove(0);
    assert_eq!((row.last_seen, row.epoch, row.seq), (at(8), u64::MAX, 1));
}

async fn a_pod_comes_back_as_it_was_and_is_replaced_whole(store: &dyn Store) {
    store.apply(&full("c", 1, 1, &["a"]), at(0)).await.unwrap();
    assert_eq!(store.pods().await.unwrap(), [("c".to_owned(), pod("a", "x:1"))]);
    store.apply(&batch("c", 1, 2, &["a"]), at(0)).await.unwrap();
    assert_eq!(store.pods().await.unwrap(), [("c".to_owned(), pod("a", "x:2"))]);
}

fn wanted(reference: &str, platform: &str) -> WantedImage {
    WantedImage { reference: reference.to_owned(), digest: Digest::sha256("x"), platform: Platform::parse(platform) }
}

fn ready(wanted: WantedImage, sbom: &[u8]) -> ImageRecord {
    let identity = ImageIdentity {
        index: Some(Digest::sha256("i")),
        manifest: Digest::sha256("m"),
        config: Digest::sha256("c"),
        platform: Platform::parse("linux/amd64"),
    };
    ImageRecord { wanted, state: ImageState::Ready { identity, sbom: Digest::sha256(sbom) } }
}

async fn an_image_is_kept_by_digest_platform_and_reference(store: &dyn Store) {
    let state = |w: WantedImage| ImageRecord { wanted: w, state: ImageState::Pending };
    let failed = ImageState::Failed { why: "no answer".to_owned(), at: at(1), tries: 3, retry_at: at(60) };
    let all = [
        state(wanted("a", "")),
        ready(wanted("a", "linux/amd64"), b"{}"),
        ImageRecord { wanted: wanted("b", "linux/amd64"), state: failed },
    ];
    for record in all.iter().rev() {
        let sbom = matches!(record.state, ImageState::Ready { .. }).then(|| b"{}".to_vec());
        store.put_image(record, sbom).await.unwrap();
    }
    assert_eq!(store.images().await.unwrap(), all);
    assert_eq!(store.sbom(&Digest::sha256("{}")).await.unwrap(), b"{}");
    // Another state takes the place of the one before; the document need not be sent again.
    let again = ready(wanted("a", ""), b"{}");
    store.put_image(&again, None).await.unwrap();
    assert_eq!(store.images().await.unwrap()[0], again);
    assert_eq!(store.images().await.unwrap().len(), 3);
}

async fn an_image_without_its_document_is_refused(store: &dyn Store) {
    let record = ready(wanted("a", ""), b"{}");
    for (sbom, part) in [(None, "is not in the store"), (Some(b"[]".to_vec()), "does not have the digest")] {
        let error = store.put_image(&record, sbom).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let pending = ImageRecord { wanted: wanted("a", ""), state: ImageState::Pending };
    let error = store.put_image(&pending, Some(b"{}".to_vec())).await.unwrap_err().to_string();
    assert!(error.contains("is not ready"), "{error}");
    assert_eq!(store.images().await.unwrap(), []);
    let error = store.sbom(&Digest::sha256("{}")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Missing(_)), "{error}");
}

fn alert(id: &str) -> AlertRecord {
    AlertRecord {
        id: id.to_owned(),
        cursor: 0,
        vulnerability: "CVE-2021-44228".to_owned(),
        aliases: vec!["GHSA-jfh8-c2jp-5v3q".to_owned()],
        kind: AlertKind::Workload,
        at: at(5),
        pods: vec![AlertPod {
            cluster: "prod".to_owned(),
            namespace: "shop".to_owned(),
            pod: "web-0".to_owned(),
            image: "ghcr.io/o/x:1".to_owned(),
        }],
        acknowledged: None,
    }
}

async fn alerts_are_kept_once_and_paged_from_the_newest(store: &dyn Store) {
    for id in ["a", "b", "c", "d", "e"] {
        assert!(store.add_alert(&alert(id)).await.unwrap());
    }
    let changed = AlertRecord { vulnerability: "other".to_owned(), ..alert("b") };
    assert!(!store.add_alert(&changed).await.unwrap());
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = store.alerts(before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.cursor);
        pages.push(page.iter().map(|a| a.id.clone()).collect::<Vec<_>>());
        for stored in page {
            assert_eq!(stored, AlertRecord { cursor: stored.cursor, ..alert(&stored.id) });
        }
    }
    assert_eq!(pages, [vec!["e", "d"], vec!["c", "b"], vec!["a"]]);
}

async fn the_first_who_acknowledges_stays(store: &dyn Store) {
    store.add_alert(&alert("a")).await.unwrap();
    assert!(!store.acknowledge("z", "ann", at(1)).await.unwrap());
    assert!(store.acknowledge("a", "ann", at(1)).await.unwrap());
    assert!(store.acknowledge("a", "bob", at(2)).await.unwrap());
    assert_eq!(store.alerts(None, 9).await.unwrap()[0].acknowledged, Some(("ann".to_owned(), at(1))));
    // Told again after a restart, it stays acknowledged.
    store.add_alert(&alert("a")).await.unwrap();
    assert_eq!(store.alerts(None, 9).await.unwrap()[0].acknowledged, Some(("ann".to_owned(), at(1))));
}

fn exposure(vulnerability: &str, workload: &str, opened: i64) -> Exposure {
    Exposure {
        vulnerability: vulnerability.to_owned(),
        cluster: "c".to_owned(),
        namespace: "default".to_owned(),
        workload: Workload { kind: "Deployment".to_owned(), name: workload.to_owned() },
        image: Digest::sha256("m"),
        opened: at(opened),
    }
}

async fn exposures_open_once_and_close(store: &dyn Store) {
    let (a, b, c) = (exposure("CVE-1", "a", 1), exposure("CVE-1", "b", 1), exposure("CVE-2", "a", 1));
    store.put_exposures(&[c.clone(), b.clone(), a.clone()], &[]).await.unwrap();
    store.put_exposures(&[exposure("CVE-1", "a", 9)], &[exposure("CVE-9", "a", 1)]).await.unwrap();
    assert_eq!(store.exposures().await.unwrap(), [a.clone(), b.clone(), c.clone()]);
    store.put_exposures(&[], &[exposure("CVE-1", "a", 7), c]).await.unwrap();
    assert_eq!(store.exposures().await.unwrap(), [b]);
}

fn answer(key: &str, outcome: AdmissionOutcome, second: i64) -> AdmissionEntry {
    let reason = AdmissionReason {
        code: "unsigned".to_owned(),
        policy: "verify".to_owned(),
        rule: "shop".to_owned(),
        message: "it is unsigned".to_owned(),
        hint: "sign it".to_owned(),
        attempts: vec![("a bundle".to_owned(), "by another key".to_owned())],
    };
    AdmissionEntry {
        key: key.to_owned(),
        cursor: 0,
        times: 1,
        first: at(second),
        last: at(second),
        outcome,
        phase: "mutate".to_owned(),
        failure_policy: "Fail".to_owned(),
        operation: "create".to_owned(),
        kind: "Pod".to_owned(),
        namespace: "shop".to_owned(),
        name: String::new(),
        user: "ann".to_owned(),
        message: "refused".to_owned(),
        warnings: vec!["w".to_owned()],
        images: vec![AdmittedImage {
            image: "ghcr.io/o/x:1".to_owned(),
            places: vec!["container web".to_owned()],
            digest: Some(format!("sha256:{key}")),
            decision: "refused".to_owned(),
            reasons: vec![reason.clone()],
            warnings: vec![reason],
        }],
    }
}

async fn keys(store: &dyn Store, filter: AdmissionFilter) -> Vec<String> {
    store.admissions(&filter, None, 99).await.unwrap().into_iter().map(|entry| entry.key).collect()
}

async fn the_same_answer_again_counts_and_becomes_the_newest(store: &dyn Store) {
    let refused = AdmissionOutcome::Refused;
    store.put_admissions(&[answer("a", refused, 1), answer("b", refused, 2)], 9).await.unwrap();
    let again = AdmissionEntry { times: 4, message: "refused again".to_owned(), ..answer("a", refused, 3) };
    store.put_admissions(std::slice::from_ref(&again), 9).await.unwrap();
    assert_eq!(keys(store, AdmissionFilter::default()).await, ["a", "b"]);
    let stored = store.admission("a").await.unwrap().unwrap();
    assert_eq!(stored, AdmissionEntry { first: at(1), cursor: stored.cursor, times: 5, ..again });
    assert_eq!(store.admission("z").await.unwrap(), None);
    let first = store.admissions(&AdmissionFilter::default(), None, 1).await.unwrap();
    let next = store.admissions(&AdmissionFilter::default(), Some(first[0].cursor), 9).await.unwrap();
    assert_eq!(next.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["b"]);
}

async fn answers_are_found_by_outcome_namespace_and_digest(store: &dyn Store) {
    let other = AdmissionEntry { namespace: "ops".to_owned(), ..answer("b", AdmissionOutcome::WouldBeRefused, 2) };
    let entries = [answer("a", AdmissionOutcome::Refused, 1), other, answer("c", AdmissionOutcome::Admitted, 3)];
    store.put_admissions(&entries, 9).await.unwrap();
    let of =
        |outcomes: &[AdmissionOutcome]| AdmissionFilter { outcomes: outcomes.to_vec(), ..AdmissionFilter::default() };
    assert_eq!(keys(store, of(&[])).await, ["c", "b", "a"]);
    assert_eq!(keys(store, of(&[AdmissionOutcome::Refused])).await, ["a"]);
    assert_eq!(keys(store, of(&[AdmissionOutcome::Refused, AdmissionOutcome::WouldBeRefused])).await, ["b", "a"]);
    let namespace = AdmissionFilter { namespace: Some("ops".to_owned()), ..AdmissionFilter::default() };
    assert_eq!(keys(store, namespace).await, ["b"]);
    let digest = AdmissionFilter { digest: Some("sha256:c".to_owned()), ..AdmissionFilter::default() };
    assert_eq!(keys(store, digest).await, ["c"]);
}

async fn only_so_many_answers_are_kept(store: &dyn Store) {
    for n in 0..7 {
        store.put_admissions(&[answer(&format!("k{n}"), AdmissionOutcome::Refused, n)], 3).await.unwrap();
    }
    assert_eq!(keys(store, AdmissionFilter::default()).await, ["k6", "k5", "k4"]);
    let gone = AdmissionFilter { digest: Some("sha256:k0".to_owned()), ..AdmissionFilter::default() };
    assert!(keys(store, gone).await.is_empty());
}

async fn settings_are_set_and_replaced(store: &dyn Store) {
    assert_eq!(store.setting("k").await.unwrap(), None);
    store.set_setting("k", "1").await.unwrap();
    store.set_setting("k", "2").await.unwrap();
    assert_eq!(store.setting("k").await.unwrap().as_deref(), Some("2"));
}

/// One test for each function, each on a store of its own.
macro_rules! on_sqlite {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    let data = tempfile::tempdir().unwrap();
                    let store = super::SqliteStore::open(data.path()).unwrap();
                    super::$name(&store).await;
                }
            )*
        }
    };
}

on_sqlite!(
    batches_are_applied_in_order_and_once,
    clusters_do_not_touch_each_other,
    hearing_a_repeated_batch_counts_as_being_alive,
    a_pod_comes_back_as_it_was_and_is_replaced_whole,
    an_image_is_kept_by_digest_platform_and_reference,
    an_image_without_its_document_is_refused,
    alerts_are_kept_once_and_paged_from_the_newest,
    the_first_who_acknowledges_stays,
    exposures_open_once_and_close,
    the_same_answer_again_counts_and_becomes_the_newest,
    answers_are_found_by_outcome_namespace_and_digest,
    only_so_many_answers_are_kept,
    settings_are_set_and_replaced,
);
