//! A process that is killed while it writes leaves a store that opens again and holds all that was
//! acknowledged.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cleanbill_model::{Cluster, Digest, ImageIdentity, Pod, Timestamp, Workload};
use cleanbill_protocol::{Batch, WantedImage};
use cleanbill_store::{ImageRecord, ImageState, SqliteStore, Store};

const DATA: &str = "CLEANBILL_TEST_KILL_DATA";

fn batch(seq: u64) -> Batch {
    let pod = |i: u64| Pod {
        uid: format!("{seq}-{i}"),
        namespace: "n".to_owned(),
        name: "p".to_owned(),
        workload: Workload { kind: "Pod".to_owned(), name: "p".to_owned() },
        node: String::new(),
        platform: None,
        containers: vec![],
    };
    Batch {
        cluster: Cluster { uid: "c".to_owned(), name: "c".to_owned() },
        epoch: 1,
        seq,
        full: seq == 1,
        pods: (0..5).map(pod).collect(),
        gone: vec![],
    }
}

fn image(seq: u64) -> (ImageRecord, Vec<u8>) {
    let sbom = seq.to_string().repeat(5000).into_bytes();
    let digest = Digest::sha256(seq.to_string());
    let identity = ImageIdentity { index: None, manifest: digest.clone(), config: digest.clone(), platform: None };
    let wanted = WantedImage { reference: "x".to_owned(), digest, platform: None };
    (ImageRecord { wanted, state: ImageState::Ready { identity, sbom: Digest::sha256(&sbom) } }, sbom)
}

/// Writes until it is killed, and says after each step that it was acknowledged. Does nothing
/// unless the other test started it.
#[tokio::test]
async fn writer() {
    let Ok(data) = std::env::var(DATA) else { return };
    let store = SqliteStore::open(Path::new(&data)).unwrap();
    let first = store.clusters().await.unwrap().first().map_or(0, |c| c.seq) + 1;
    for seq in first.. {
        let (record, sbom) = image(seq);
        store.put_image(&record, Some(sbom)).await.unwrap();
        store.apply(&batch(seq), Timestamp::UNIX_EPOCH).await.unwrap();
        println!("acknowledged {seq}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for _ in 0..4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--nocapture"])
            .env(DATA, data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        // Killed in the middle of whatever it does after its tenth step.
        for line in lines.filter_map(|l| l.split_once("acknowledged ").map(|(_, n)| n.to_owned())).take(10) {
            acknowledged = line.parse::<u64>().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = SqliteStore::open(data.path()).unwrap();
        let seq = store.clusters().await.unwrap()[0].seq;
        assert!(seq >= acknowledged, "acknowledged {acknowledged}, stored {seq}");
        assert_eq!(store.pods().await.unwrap().len() as u64, seq * 5, "each batch whole or not at all");
        let images = store.images().await.unwrap();
        assert!(images.len() as u64 >= seq);
        for record in images {
            let ImageState::Ready { sbom, .. } = record.state else { panic!("not ready") };
            store.sbom(&sbom).await.unwrap();
        }
    }
    assert!(acknowledged >= 40);
}
