//! Keys that sign and keys that signatures are judged by.
//!
//! Algorithms as cosign uses them with a key (sigstore/sigstore `pkg/signature/algorithm_registry.go`,
//! sigstore/sigstore-go `pkg/verify/signature.go`): ECDSA over the hash that goes with the curve, or
//! SHA-256 with any curve; RSA PKCS#1 v1.5 with SHA-256; Ed25519 over the message itself.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
    VerificationAlgorithm,
};
use cleanbill_model::{Digest, KeyId};
use zeroize::Zeroizing;

use crate::der::{KeyKind, spki_kind};
use crate::{pem, sealed};

const PUBLIC: &str = "PUBLIC KEY";
const SIGSTORE: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const COSIGN: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub String);

/// A public key. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Arc<[u8]>,
    kind: KeyKind,
    id: KeyId,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?} {})", self.kind, self.id)
    }
}

impl PublicKey {
    /// Reads a PEM `PUBLIC KEY` (SubjectPublicKeyInfo; ECDSA P-256, P-384 and P-521, RSA from 2048
    /// bits on, Ed25519).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let block = pem::read_one(pem).map_err(|why| KeyError(format!("not a PEM public key: {why}")))?;
        match block.label.as_str() {
            PUBLIC => Self::from_spki(&block.bytes),
            "CERTIFICATE" => Err(KeyError("it is a certificate; a public key (`PUBLIC KEY`) is needed".to_owned())),
            "RSA PUBLIC KEY" => {
                Err(KeyError("it is in the PKCS#1 form\nhint: openssl rsa -RSAPublicKey_in -in KEY -pubout".to_owned()))
            }
            label if label.ends_with("PRIVATE KEY") => Err(KeyError(
                "it is a private key; the public half is needed\nhint: cleanbill public-key --key KEY".to_owned(),
            )),
            label => Err(KeyError(format!("it is a `{label}`; a `{PUBLIC}` is needed"))),
        }
    }

    fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let kind = spki_kind(spki).map_err(|why| KeyError(format!("not a usable public key: {why}")))?;
        for algorithm in algorithms(kind) {
            ParsedPublicKey::new(*algorithm, spki)
                .map_err(|_| KeyError("not a usable public key: the key itself is malformed".to_owned()))?;
        }
        Ok(Self { spki: spki.into(), kind, id: KeyId(Digest::sha256(spki).hex().to_owned()) })
    }

    /// As PEM.
    pub fn to_pem(&self) -> String {
        pem::write(PUBLIC, &self.spki)
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    pub fn id(&self) -> KeyId {
        self.id.clone()
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        algorithms(self.kind).iter().any(|algorithm| {
            ParsedPublicKey::new(*algorithm, &self.spki).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
        })
    }
}

fn algorithms(kind: KeyKind) -> &'static [&'static dyn VerificationAlgorithm] {
    match kind {
        KeyKind::P256 => &[&sig::ECDSA_P256_SHA256_ASN1],
        KeyKind::P384 => &[&sig::ECDSA_P384_SHA384_ASN1, &sig::ECDSA_P384_SHA256_ASN1],
        KeyKind::P521 => &[&sig::ECDSA_P521_SHA512_ASN1, &sig::ECDSA_P521_SHA256_ASN1],
        KeyKind::Rsa => &[&sig::RSA_PKCS1_2048_8192_SHA256],
        KeyKind::Ed25519 => &[&sig::ED25519],
    }
}

/// A private key; wiped from memory when dropped.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: Pair,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(redacted, {:?})", self.public)
    }
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

const CURVES: [&EcdsaSigningAlgorithm; 3] =
    [&sig::ECDSA_P256_SHA256_ASN1_SIGNING, &sig::ECDSA_P384_SHA384_ASN1_SIGNING, &sig::ECDSA_P521_SHA512_ASN1_SIGNING];

impl PrivateKey {
    /// A new ECDSA P-256 key.
    pub fn generate() -> Result<Self, KeyError> {
        let failed = |_| KeyError("no key could be generated".to_owned());
        let pair = EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec());
        Self::new(pkcs8, Pair::Ecdsa(pair))
    }

    /// Reads cosign's and sigstore's encrypted PEM (scrypt parameters bounded, A43), or an
    /// unencrypted `PRIVATE KEY` (PKCS#8), for which the password is not used.
    pub fn from_pem(pem: &str, password: &[u8]) -> Result<Self, KeyError> {
        let block = pem::read_one(pem).map_err(|why| KeyError(format!("not a PEM private key: {why}")))?;
        match block.label.as_str() {
            SIGSTORE | COSIGN => {
                let pkcs8 = sealed::open(&block.bytes, password)
                    .map_err(|why| KeyError(format!("the private key could not be decrypted: {why}")))?;
                Self::from_pkcs8(pkcs8)
            }
            "PRIVATE KEY" => Self::from_pkcs8(block.bytes),
            "ENCRYPTED PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => Err(KeyError(format!(
                "keys of the form `{}` are not read\nhint: openssl pkcs8 -topk8 -nocrypt -in KEY, or cosign import-key-pair",
                block.label
            ))),
            PUBLIC => Err(KeyError("it is a public key; the private half is needed to sign".to_owned())),
            label => Err(KeyError(format!("it is a `{label}`; a private key is needed"))),
        }
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let pair = CURVES
            .iter()
            .find_map(|curve| EcdsaKeyPair::from_pkcs8(curve, &pkcs8).ok().map(Pair::Ecdsa))
            .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok().map(Pair::Ed25519))
            .or_else(|| rsa::KeyPair::from_pkcs8(&pkcs8).ok().map(Pair::Rsa))
            .ok_or_else(|| {
                KeyError(
                    "not a usable private key: expected ECDSA P-256, P-384 or P-521, RSA from 2048 bits on, or Ed25519"
                        .to_owned(),
                )
            })?;
        Self::new(pkcs8, pair)
    }

    fn new(pkcs8: Zeroizing<Vec<u8>>, pair: Pair) -> Result<Self, KeyError> {
        let spki: Result<PublicKeyX509Der<'_>, _> = match &pair {
            Pair::Ecdsa(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
        };
        let spki = spki.map_err(|_| KeyError("the public half could not be computed".to_owned()))?;
        let public = PublicKey::from_spki(spki.as_ref())?;
        Ok(Self { pkcs8, pair, public })
    }

    /// Writes `ENCRYPTED SIGSTORE PRIVATE KEY`. An empty password is legal, as with cosign.
    pub fn to_encrypted_pem(&self, password: &[u8]) -> Result<String, KeyError> {
        let sealed = sealed::seal(&self.pkcs8, password).map_err(KeyError)?;
        Ok(pem::write(SIGSTORE, &sealed))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError("the key could not sign".to_owned());
        Ok(match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.try_sign(message).map_err(failed)?.as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&sig::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
                signature
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};

    use super::*;

    fn pkcs8_of_every_kind() -> Vec<(KeyKind, Vec<u8>)> {
        let ec = |alg| EcdsaKeyPair::generate(alg).unwrap().to_pkcs8v1().unwrap().as_ref().to_vec();
        let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let rsa: Pkcs8V1Der<'_> = AsDer::as_der(&rsa).unwrap();
        vec![
            (KeyKind::P256, ec(CURVES[0])),
            (KeyKind::P384, ec(CURVES[1])),
            (KeyKind::P521, ec(CURVES[2])),
            (KeyKind::Rsa, rsa.as_ref().to_vec()),
            (KeyKind::Ed25519, Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap().as_ref().to_vec()),
        ]
    }

    #[test]
    fn every_kind_of_key_signs_and_verifies_its_own_message_alone() {
        let other = PrivateKey::generate().unwrap().public();
        for (kind, pkcs8) in pkcs8_of_every_kind() {
            let key = PrivateKey::from_pem(&pem::write("PRIVATE KEY", &pkcs8), b"").unwrap();
            let public = PublicKey::from_pem(&key.public().to_pem()).unwrap();
            assert_eq!(public, key.public());
            assert_eq!(public.kind, kind);
            let signature = key.sign(b"message").unwrap();
            assert!(public.verifies(b"message", &signature), "{kind:?}");
            assert!(!public.verifies(b"massage", &signature), "{kind:?}");
            assert!(!public.verifies(b"message", &signature[1..]), "{kind:?}");
            assert!(!public.verifies(b"message", b""), "{kind:?}");
            assert!(!other.verifies(b"message", &signature), "{kind:?}");
        }
    }

    #[test]
    fn p384_with_sha256_is_verified_too() {
        let pair = EcdsaKeyPair::generate(&sig::ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let key = PublicKey::from_spki(spki.as_ref()).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"message");
        if let Ok(signature) = pair.sign_digest(&digest) {
            assert!(key.verifies(b"message", signature.as_ref()));
        }
        assert_eq!(algorithms(KeyKind::P384).len(), 2);
    }

    #[test]
    fn an_encrypted_key_reads_back_with_its_password_alone() {
        let key = PrivateKey::generate().unwrap();
        for password in [&b"correct horse"[..], b""] {
            let pem = key.to_encrypted_pem(password).unwrap();
            assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"), "{pem}");
            assert_eq!(PrivateKey::from_pem(&pem, password).unwrap().public(), key.public());
            let err = PrivateKey::from_pem(&pem, b"wrong").unwrap_err().to_string();
            assert!(err.contains("the password is wrong"), "{err}");
            let old = pem.replace("SIGSTORE", "COSIGN");
            assert_eq!(PrivateKey::from_pem(&old, password).unwrap().public(), key.public());
        }
    }

    #[test]
    fn nothing_secret_is_shown_for_debugging() {
        let key = PrivateKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("PrivateKey(redacted, PublicKey(P256 {}))", key.public().id()));
    }

    #[track_caller]
    fn refused(label: &str, bytes: &[u8], part: &str) {
        let err = PublicKey::from_pem(&pem::write(label, bytes)).unwrap_err().to_string();
        assert!(err.contains(part), "{err}");
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_the_reason() {
        let spki = PrivateKey::generate().unwrap().public().spki.to_vec();
        refused("CERTIFICATE", &spki, "it is a certificate");
        refused("PRIVATE KEY", &spki, "public half is needed");
        refused("RSA PUBLIC KEY", &spki, "PKCS#1");
        refused("SOMETHING", &spki, "it is a `SOMETHING`");
        refused(PUBLIC, b"hello", "not a SubjectPublicKeyInfo");
        refused(PUBLIC, &[&spki[..], b"x"].concat(), "bytes after the key");
        let mut off_curve = spki.clone();
        *off_curve.last_mut().unwrap() ^= 1;
        refused(PUBLIC, &off_curve, "malformed");
        let mut curve = spki.clone();
        let at = curve.windows(3).position(|w| w == [0x03, 0x01, 0x07]).unwrap();
        curve[at + 2] = 0x06;
        refused(PUBLIC, &curve, "curve is not supported");
        assert!(PublicKey::from_pem("...").unwrap_err().to_string().contains("not a PEM public key"));
    }

    #[test]
    fn forms_of_private_keys_that_are_not_read_say_what_to_do() {
        for label in ["EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let err = PrivateKey::from_pem(&pem::write(label, b"x"), b"").unwrap_err().to_string();
            assert!(err.contains(label) && err.contains("hint:"), "{err}");
        }
        let err = PrivateKey::from_pem(&pem::write("PRIVATE KEY", b"x"), b"").unwrap_err().to_string();
        assert!(err.contains("expected ECDSA"), "{err}");
    }
}
