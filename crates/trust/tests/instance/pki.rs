//! Keys and certificates.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};

use super::{ISSUER, NOON, SUBJECT, b64, sha256};

/// An ECDSA key.
pub(crate) struct Key(pub(crate) KeyPair);

impl Key {
    pub(crate) fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.0.serialize_der()).unwrap();
        pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    pub(crate) fn id(&self) -> Vec<u8> {
        sha256(&self.spki())
    }
}

/// An authority: a root and an intermediate certificate below it.
pub(crate) struct Authority {
    root_key: Key,
    root: CertificateParams,
    key: Key,
    pub(crate) params: CertificateParams,
    /// Set in certificates: from and to, as days of June 2025.
    pub(crate) days: (u8, u8),
}

/// Somebody with a certificate.
pub(crate) struct Signer {
    pub(crate) key: Key,
    pub(crate) certificate: Vec<u8>,
}

impl Signer {
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = b64(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Parameters of a certificate for an authority.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = authority("intermediate");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        Self { root_key: Key::new(), root: authority("root"), key: Key::new(), params, days: (2, 3) }
    }

    fn intermediate(&self) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.root, &self.root_key.0);
        self.params.signed_by(&self.key.0, &issuer).unwrap().der().to_vec()
    }

    pub(crate) fn root_certificate(&self) -> Vec<u8> {
        self.root.self_signed(&self.root_key.0).unwrap().der().to_vec()
    }

    /// The chain as it stands in a root, the authority's own certificate last.
    pub(crate) fn chain(&self) -> Value {
        json!([{"rawBytes": b64(self.intermediate())}, {"rawBytes": b64(self.root_certificate())}])
    }

    /// A certificate of the day, logged by `log`.
    pub(crate) fn certify(&self, log: Option<&Key>) -> Signer {
        self.certify_with(log, |_| {})
    }

    pub(crate) fn certify_with(&self, log: Option<&Key>, change: impl Fn(&mut CertificateParams)) -> Signer {
        let key = Key::new();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(SUBJECT.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.not_before = date_time_ymd(2025, 6, self.days.0);
        params.not_after = date_time_ymd(2025, 6, self.days.1);
        params.serial_number = Some(SerialNumber::from(vec![7, 7, 7]));
        let issuer_text = [&[0x0c, u8::try_from(ISSUER.len()).unwrap()][..], ISSUER.as_bytes()].concat();
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], issuer_text)];
        change(&mut params);
        let issuer = Issuer::from_params(&self.params, &self.key.0);
        let plain = params.signed_by(&key.0, &issuer).unwrap().der().to_vec();
        let Some(log) = log else { return Signer { key, certificate: plain } };
        params.custom_extensions.push(self.logged(&plain, log));
        let certificate = params.signed_by(&key.0, &issuer).unwrap().der().to_vec();
        Signer { key, certificate }
    }

    /// RFC 6962: the log's promise about a certificate, as the extension within.
    fn logged(&self, certificate: &[u8], log: &Key) -> CustomExtension {
        let tbs = tbs(certificate);
        let time = (u64::try_from(NOON).unwrap() * 1000).to_be_bytes();
        let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let signed = [&[0, 0][..], &time, &[0, 1], &sha256(&self.key.spki()), &length[1..], tbs, &[0, 0]].concat();
        let signature = log.sign(&signed);
        let short = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
        let promise = [&[0][..], &log.id(), &time, &[0, 0, 4, 3], &short(signature.len()), &signature].concat();
        let list = [&short(promise.len() + 2)[..], &short(promise.len()), &promise].concat();
        let octets = [&[4, u8::try_from(list.len()).unwrap()][..], &list].concat();
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], octets)
    }
}

/// The signed part of a certificate, whole.
fn tbs(certificate: &[u8]) -> &[u8] {
    let head = |der: &[u8]| match der[1] {
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        0x81 => (3, usize::from(der[2])),
        short => (2, usize::from(short)),
    };
    let inner = &certificate[head(certificate).0..];
    let (at, length) = head(inner);
    &inner[..at + length]
}
