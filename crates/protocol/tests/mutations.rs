//! Damaged messages never end a process.
#![allow(clippy::unwrap_used)]

use cleanbill_model::Digest;
use cleanbill_protocol::{Ack, Batch, ImageOutcome, ImageReport, WantedImage};

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

#[test]
fn damaged_messages_are_errors_or_messages() {
    let wanted = WantedImage { reference: "x".to_owned(), digest: Digest::sha256("x"), platform: None };
    let ack = Ack { seq: 1, resync: false, wanted: vec![wanted.clone()] };
    let report = ImageReport { wanted, outcome: ImageOutcome::Failed { why: "é".to_owned() } };
    let batch = br#"{"version":"cleanbill/ingest/v1","cluster":{"uid":"u","name":"n"},"epoch":1,"seq":1,"full":true,
        "pods":[{"uid":"p","namespace":"d","name":"w","workload":{"kind":"Pod","name":"w"},"platform":"linux/amd64",
        "containers":[{"name":"c","kind":"main","image":"x","state":"declared"}]}],"gone":["q"]}"#;
    assert!(Batch::from_json(batch).is_ok());
    let seeds = [ack.to_json().unwrap(), report.to_json().unwrap(), batch.to_vec()];
    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for round in 0..6000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random.next(4) {
            let at = random.next(bytes.len());
            match random.next(4) {
                0 => bytes[at] = random.next(256) as u8,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, b"{}[]\":,\\0"[random.next(9)]),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        refused += usize::from(Ack::from_json(&bytes).is_err());
        refused += usize::from(Batch::from_json(&bytes).is_err());
        refused += usize::from(ImageReport::from_json(&bytes).is_err());
    }
    assert!(refused > 6000, "most damaged messages are refused, {refused} were");
}
