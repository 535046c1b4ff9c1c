//! A timestamp authority (RFC 3161, RFC 5652), as small as one can be.

use rcgen::{CertificateParams, CustomExtension, DnType, Issuer, KeyUsagePurpose, SerialNumber, date_time_ymd};
use serde_json::{Value, json};

use super::pki::{Key, authority};
use super::{b64, sha256};

const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 2, 0x2f];

/// The authority.
pub(crate) struct Clock {
    root_key: Key,
    root: CertificateParams,
    key: Key,
    /// Since when and until when the root believes it.
    pub(crate) period: (&'static str, Option<&'static str>),
    /// Whether its certificate is one for timestamps.
    pub(crate) for_time: bool,
    /// Whether tokens hold the certificate.
    pub(crate) embed: bool,
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        n @ 0..=0x7f => out.push(u8::try_from(n).unwrap()),
        n @ 0x80..=0xff => out.extend([0x81, u8::try_from(n).unwrap()]),
        n => out.extend([&[0x82][..], &u16::try_from(n).unwrap().to_be_bytes()].concat()),
    }
    out.extend(content);
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(0x30, parts)
}

fn algorithm(oid: &[u8]) -> Vec<u8> {
    sequence(&[&element(6, &[oid])])
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            root_key: Key::new(),
            root: authority("time root"),
            key: Key::new(),
            period: ("2020-01-01T00:00:00Z", None),
            for_time: true,
            embed: false,
        }
    }

    pub(crate) fn certificate(&self) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "time");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2040, 1, 1);
        params.serial_number = Some(SerialNumber::from(vec![9]));
        let usage = if self.for_time { TIME_STAMPING } else { CODE_SIGNING };
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], sequence(&[&element(6, &[usage])]));
        usage.set_criticality(true);
        params.custom_extensions = vec![usage];
        let issuer = Issuer::from_params(&self.root, &self.root_key.0);
        params.signed_by(&self.key.0, &issuer).unwrap().der().to_vec()
    }

    pub(crate) fn trusted(&self) -> Value {
        let root = self.root.self_signed(&self.root_key.0).unwrap().der().to_vec();
        json!({
            "subject": {"organization": "example", "commonName": "time"}, "uri": "https://time.example",
            "certChain": {"certificates": [{"rawBytes": b64(self.leaf())}, {"rawBytes": b64(root)}]},
            "validFor": {"start": self.period.0, "end": self.period.1},
        })
    }

    /// ECDSA signatures differ each time they are made, and a certificate must stay the same.
    fn leaf(&self) -> Vec<u8> {
        thread_local! {
            static MADE: std::cell::RefCell<std::collections::HashMap<Vec<u8>, Vec<u8>>> = std::cell::RefCell::default();
        }
        let id = [self.key.id(), vec![u8::from(self.for_time)]].concat();
        MADE.with_borrow_mut(|made| made.entry(id).or_insert_with(|| self.certificate()).clone())
    }

    /// A token that says that the signature was there at `time`.
    pub(crate) fn token(&self, signature: &[u8], time: i64) -> Vec<u8> {
        let embedded = if self.embed { vec![self.leaf()] } else { Vec::new() };
        self.token_with(signature, time, &embedded)
    }

    pub(crate) fn token_with(&self, signature: &[u8], time: i64, embedded: &[Vec<u8>]) -> Vec<u8> {
        let time: String = Timestamp::from_second(time).unwrap().strftime("%Y%m%d%H%M%SZ").to_string();
        let info = sequence(&[
            &[2, 1, 1],
            &element(6, &[&[0x2b, 6, 1, 4, 1]]),
            &sequence(&[&algorithm(SHA256), &element(4, &[&sha256(signature)])]),
            &[2, 1, 5],
            &element(0x18, &[time.as_bytes()]),
        ]);
        let attribute = |oid: &[u8], value: &[u8]| sequence(&[&element(6, &[oid]), &element(0x31, &[value])]);
        let signer = sequence(&[&sequence(&[&sequence(&[&element(4, &[&sha256(&self.leaf())])])])]);
        let attributes = [
            attribute(CONTENT_TYPE, &element(6, &[TST_INFO])),
            attribute(MESSAGE_DIGEST, &element(4, &[&sha256(&info)])),
            attribute(SIGNING_CERTIFICATE_V2, &signer),
        ]
        .concat();
        let name = sequence(&[&element(0x31, &[&sequence(&[&[6, 3, 0x55, 4, 3], &element(0x0c, &[b"time root"])])])]);
        let signer_info = sequence(&[
            &[2, 1, 1],
            &sequence(&[&name, &[2, 1, 9]]),
            &algorithm(SHA256),
            &element(0xa0, &[&attributes]),
            &algorithm(ECDSA_SHA256),
            &element(4, &[&self.key.sign(&element(0x31, &[&attributes]))]),
        ]);
        let certificates = if embedded.is_empty() { Vec::new() } else { element(0xa0, &[&embedded.concat()]) };
        let signed = sequence(&[
            &[2, 1, 3],
            &element(0x31, &[&algorithm(SHA256)]),
            &sequence(&[&element(6, &[TST_INFO]), &element(0xa0, &[&element(4, &[&info])])]),
            &certificates,
            &element(0x31, &[&signer_info]),
        ]);
        let token = sequence(&[&element(6, &[SIGNED_DATA]), &element(0xa0, &[&signed])]);
        sequence(&[&sequence(&[&[2, 1, 0]]), &token])
    }
}

use cleanbill_model::Timestamp;
