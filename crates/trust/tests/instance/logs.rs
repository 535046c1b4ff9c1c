//! Logs of signatures, with one entry each.

use serde_json::{Value, json};

use super::pki::Key;
use super::{b64, sha256};

/// A log.
pub(crate) struct Log {
    pub(crate) key: Key,
    pub(crate) host: String,
    /// Its id in the root; of the log's choosing here, so that hints may collide.
    pub(crate) id: Vec<u8>,
    /// Since when it is believed.
    pub(crate) start: &'static str,
    pub(crate) end: Option<&'static str>,
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The body of an entry of the first generation about a statement.
pub(crate) fn body_of_statement(statement: &str, signature: &[u8], pem: &str) -> String {
    let hash = hex(&sha256(statement.as_bytes()));
    json!({
        "apiVersion": "0.0.1", "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": hash},
            "payloadHash": {"algorithm": "sha256", "value": hash},
            "signatures": [{"signature": b64(signature), "verifier": b64(pem)}],
        },
    })
    .to_string()
}

/// The body of an entry of the first generation.
pub(crate) fn body(hash: &[u8], signature: &[u8], pem: &str) -> String {
    json!({
        "apiVersion": "0.0.1", "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hex(hash)}},
            "signature": {"content": b64(signature), "publicKey": {"content": b64(pem)}},
        },
    })
    .to_string()
}

/// The body of an entry of the second generation.
pub(crate) fn body_of_tiles(hash: &[u8], signature: &[u8], mut verifier: Value) -> String {
    verifier["keyDetails"] = json!("PKIX_ECDSA_P256_SHA_256");
    json!({
        "apiVersion": "0.0.2", "kind": "hashedrekord",
        "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": b64(hash)},
            "signature": {"content": b64(signature), "verifier": verifier},
        }},
    })
    .to_string()
}

/// A log as it stands in a root.
pub(crate) fn trusted(url: &str, key: &Key, id: &[u8]) -> Value {
    json!({
        "baseUrl": url, "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64(key.spki()), "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        },
        "logId": {"keyId": b64(id)},
    })
}

impl Log {
    pub(crate) fn new(host: &str, id: u8) -> Self {
        Self { key: Key::new(), host: host.to_owned(), id: vec![id; 32], start: "2020-01-01T00:00:00Z", end: None }
    }

    pub(crate) fn trusted(&self) -> Value {
        let mut out = trusted(&format!("https://{}", self.host), &self.key, &self.id);
        out["publicKey"]["validFor"] = json!({"start": self.start, "end": self.end});
        out
    }

    /// The signed head of a tree.
    pub(crate) fn checkpoint(&self, origin: &str, size: u64, root: &[u8]) -> String {
        let text = format!("{origin}\n{size}\n{}\n", b64(root));
        let signature = [&self.id[..4], &self.key.sign(text.as_bytes())].concat();
        format!("{text}\n\u{2014} {} {}\n", self.host, b64(signature))
    }

    /// An entry of the first generation, alone in its tree, with promise and proof.
    pub(crate) fn entry(&self, body: &str, time: i64) -> Value {
        let root = sha256(&[&[0][..], body.as_bytes()].concat());
        json!({
            "logIndex": "0", "logId": {"keyId": b64(&self.id)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": time.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": b64(self.promise(body, time))},
            "inclusionProof": {
                "logIndex": "0", "rootHash": b64(&root), "treeSize": "1", "hashes": [],
                "checkpoint": {"envelope": self.checkpoint(&format!("{} - 42", self.host), 1, &root)},
            },
            "canonicalizedBody": b64(body),
        })
    }

    fn promise(&self, body: &str, time: i64) -> Vec<u8> {
        let id = hex(&self.id);
        let signed = json!({"body": b64(body), "integratedTime": time, "logID": id, "logIndex": 0});
        self.key.sign(signed.to_string().as_bytes())
    }

    /// An entry of the second generation, alone in its tree.
    pub(crate) fn entry_of_tiles(&self, body: &str) -> Value {
        let mut entry = self.entry(body, 0);
        let root = sha256(&[&[0][..], body.as_bytes()].concat());
        let map = entry.as_object_mut().unwrap();
        map.remove("inclusionPromise");
        map.remove("integratedTime");
        entry["kindVersion"]["version"] = json!("0.0.2");
        entry["inclusionProof"]["checkpoint"]["envelope"] = json!(self.checkpoint(&self.host, 1, &root));
        entry
    }
}
