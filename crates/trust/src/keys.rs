//! Keys that sign and keys that signatures are judged by.
//!
//! Algorithms as cosign uses them with a key (sigstore/sigstore `pkg/signature/algorithm_registry.go`,
//! sigstore/sigstore-go `pkg/verify/signature.go`): ECDSA over the hash that goes with the curve, or
//! SHA-256 with any curve; RSA PKCS#1 v1.5 (which is written) and PSS with SHA-256, SHA-384 or SHA-512;
//! Ed25519 over the message itself, and over its hash (Ed25519ph), which cosign signs files with. Private keys are read in every form that openssl and cosign
//! write: PKCS#8, SEC1, PKCS#1, and the two encrypted forms of cosign (sigstore/cosign
//! `pkg/cosign/keys.go`).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
    VerificationAlgorithm,
};
use cleanbill_model::{Digest, KeyId};
use zeroize::Zeroizing;

use crate::der::{KeyKind, rsa_spki, spki_kind};
use crate::{pem, prehashed, sealed};

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
            "RSA PUBLIC KEY" => Self::from_spki(&rsa_spki(&block.bytes)),
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
        }) || (self.kind == KeyKind::Ed25519 && prehashed::verifies(&self.spki, message, signature))
    }

    /// Whether `signature` is this key's over what has the hash `digest`. Plain Ed25519 signs the message
    /// itself, so that its hash is not enough.
    pub(crate) fn verifies_hash(
        &self,
        hash: &'static aws_lc_rs::digest::Algorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> bool {
        let Ok(digest) = aws_lc_rs::digest::Digest::import_less_safe(digest, hash) else { return false };
        algorithms(self.kind).iter().any(|algorithm| {
            ParsedPublicKey::new(*algorithm, &self.spki)
                .is_ok_and(|key| key.verify_digest_sig(&digest, signature).is_ok())
        })
    }

    /// The SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }
}

fn algorithms(kind: KeyKind) -> &'static [&'static dyn VerificationAlgorithm] {
    match kind {
        KeyKind::P256 => &[&sig::ECDSA_P256_SHA256_ASN1, &sig::ECDSA_P256_SHA384_ASN1],
        KeyKind::P384 => &[&sig::ECDSA_P384_SHA384_ASN1, &sig::ECDSA_P384_SHA256_ASN1],
        KeyKind::P521 => &[&sig::ECDSA_P521_SHA512_ASN1, &sig::ECDSA_P521_SHA256_ASN1, &sig::ECDSA_P521_SHA384_ASN1],
        KeyKind::Rsa => &[
            &sig::RSA_PKCS1_2048_8192_SHA256,
            &sig::RSA_PSS_2048_8192_SHA256,
            &sig::RSA_PKCS1_2048_8192_SHA384,
            &sig::RSA_PSS_2048_8192_SHA384,
            &sig::RSA_PKCS1_2048_8192_SHA512,
            &sig::RSA_PSS_2048_8192_SHA512,
        ],
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

    /// Reads cosign's and sigstore's encrypted PEM (scrypt parameters bounded, A43), or an unencrypted
    /// `PRIVATE KEY` (PKCS#8), `EC PRIVATE KEY` (SEC1) or `RSA PRIVATE KEY` (PKCS#1), for which the
    /// password is not used. What is kept is PKCS#8 in each case.
    pub fn from_pem(pem: &str, password: &[u8]) -> Result<Self, KeyError> {
        let block = pem::read_one(pem).map_err(|why| KeyError(format!("not a PEM private key: {why}")))?;
        match block.label.as_str() {
            SIGSTORE | COSIGN => {
                let pkcs8 = sealed::open(&block.bytes, password)
                    .map_err(|why| KeyError(format!("the private key could not be decrypted: {why}")))?;
                Self::from_pkcs8(pkcs8)
            }
            "PRIVATE KEY" => Self::from_pkcs8(block.bytes),
            "EC PRIVATE KEY" => Self::from_sec1(&block.bytes),
            "RSA PRIVATE KEY" => Self::from_pkcs1(&block.bytes),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError(
                "its password is in openssl's form, which is not read\nhint: openssl pkcs8 -in KEY -out PLAIN, then cleanbill import-key-pair --key PLAIN".to_owned(),
            )),
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

    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let pair = CURVES
            .iter()
            .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok())
            .ok_or_else(|| KeyError("not a usable EC private key: expected P-256, P-384 or P-521".to_owned()))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError("the key could not be written as PKCS#8".to_owned()))?;
        Self::new(Zeroizing::new(pkcs8.as_ref().to_vec()), Pair::Ecdsa(pair))
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let pair = rsa::KeyPair::from_der(der)
            .map_err(|_| KeyError("not a usable RSA private key: expected 2048 to 8192 bits".to_owned()))?;
        let pkcs8: Pkcs8V1Der<'_> =
            pair.as_der().map_err(|_| KeyError("the key could not be written as PKCS#8".to_owned()))?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        Self::new(pkcs8, Pair::Rsa(pair))
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
mod tests;
