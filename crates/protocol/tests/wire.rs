//! Every message comes back as it was; what is not one is refused by name.
#![allow(clippy::unwrap_used)]

use cleanbill_model::{
    Cluster, Container, ContainerKind, ContainerState, Digest, ImageIdentity, Platform, Pod, RuntimeImageId, Workload,
};
use cleanbill_protocol::{Ack, Batch, ImageOutcome, ImageReport, WantedImage};

fn digest(text: &str) -> Digest {
    Digest::sha256(text)
}

fn wanted() -> WantedImage {
    WantedImage {
        reference: "ghcr.io/o/x:1".to_owned(),
        digest: digest("x"),
        platform: Platform::parse("linux/arm64/v8"),
    }
}

fn batch() -> Batch {
    let ids = [
        None,
        RuntimeImageId::parse(&format!("docker-pullable://ghcr.io/o/x@{}", digest("a"))),
        RuntimeImageId::parse(&format!("ghcr.io/o/x@{}", digest("b"))),
        RuntimeImageId::parse(&digest("c").to_string()),
    ];
    let kinds = [ContainerKind::Main, ContainerKind::Init, ContainerKind::Ephemeral, ContainerKind::Volume];
    let containers = kinds
        .into_iter()
        .zip(ids)
        .map(|(kind, image_id)| Container {
            name: kind.name().to_owned(),
            kind,
            image: "x:1".to_owned(),
            state: if image_id.is_some() { ContainerState::Running } else { ContainerState::Declared },
            image_id,
        })
        .collect();
    Batch {
        cluster: Cluster { uid: "u1".to_owned(), name: "prod".to_owned() },
        epoch: u64::MAX,
        seq: 7,
        full: true,
        pods: vec![Pod {
            uid: "p1".to_owned(),
            namespace: "default".to_owned(),
            name: "web-0".to_owned(),
            workload: Workload { kind: "StatefulSet".to_owned(), name: "web".to_owned() },
            node: "n1".to_owned(),
            platform: Platform::parse("linux/amd64"),
            containers,
        }],
        gone: vec!["p0".to_owned()],
    }
}

#[test]
fn a_batch_comes_back_as_it_was() {
    let batch = batch();
    assert_eq!(Batch::from_json(&batch.to_json().unwrap()), Ok(batch));
}

#[test]
fn an_empty_batch_comes_back_as_it_was() {
    let batch = Batch { pods: vec![], gone: vec![], full: false, ..batch() };
    assert_eq!(Batch::from_json(&batch.to_json().unwrap()), Ok(batch));
}

#[test]
fn an_answer_comes_back_as_it_was() {
    for ack in [
        Ack { seq: 1, resync: true, wanted: vec![] },
        Ack { seq: 2, resync: false, wanted: vec![wanted(), WantedImage { platform: None, ..wanted() }] },
    ] {
        assert_eq!(Ack::from_json(&ack.to_json().unwrap()), Ok(ack));
    }
}

#[test]
fn a_report_comes_back_as_it_was_byte_for_byte() {
    let identity =
        ImageIdentity { index: Some(digest("i")), manifest: digest("m"), config: digest("c"), platform: None };
    for outcome in [
        ImageOutcome::Ready { identity: identity.clone(), sbom: vec![0, 1, 255, b'"', 10] },
        ImageOutcome::Ready { identity: ImageIdentity { index: None, ..identity }, sbom: vec![] },
        ImageOutcome::Failed { why: "no such image: \"x\"".to_owned() },
    ] {
        let report = ImageReport { wanted: wanted(), outcome };
        assert_eq!(ImageReport::from_json(&report.to_json().unwrap()), Ok(report));
    }
}

#[track_caller]
fn refused(change: impl Fn(&mut serde_json::Value), part: &str) {
    let mut value: serde_json::Value = serde_json::from_slice(&batch().to_json().unwrap()).unwrap();
    change(&mut value);
    let error = Batch::from_json(value.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn another_version_is_told_as_that_whatever_else_is_there() {
    refused(
        |v| {
            *v = serde_json::json!({"version": "cleanbill/ingest/v9", "x": 1});
        },
        "`cleanbill/ingest/v9`; this side speaks `cleanbill/ingest/v1`",
    );
}

#[test]
fn values_that_a_field_cannot_have_are_refused_by_name() {
    refused(|v| v["cluster"]["uid"] = "".into(), "`cluster.uid`: it is empty");
    refused(|v| v["pods"][0]["uid"] = "".into(), "`pods.uid`: it is empty");
    refused(|v| v["pods"][0]["platform"] = "amd64".into(), "`platform`: `amd64`");
    refused(|v| v["pods"][0]["containers"][0]["kind"] = "sidecar".into(), "`containers.kind`: `sidecar`");
    refused(|v| v["pods"][0]["containers"][0]["state"] = "gone".into(), "`containers.state`: `gone`");
    refused(|v| v["pods"][0]["containers"][1]["image_id"]["digest"] = "md5:1".into(), "`image_id.digest`");
    refused(|v| v["pods"][0]["containers"][1]["image_id"]["form"] = "x".into(), "`image_id.form`: `x`");
    refused(|v| v["pods"][0]["containers"][1]["image_id"]["repository"] = "A//".into(), "`image_id.repository`");
    refused(|v| v["epoch"] = (-1).into(), "malformed message");
}

#[test]
fn fields_of_a_later_minor_version_are_passed_over() {
    let mut value: serde_json::Value = serde_json::from_slice(&batch().to_json().unwrap()).unwrap();
    value["later"] = true.into();
    value["cluster"]["later"] = true.into();
    assert_eq!(Batch::from_json(value.to_string().as_bytes()), Ok(batch()));
}
