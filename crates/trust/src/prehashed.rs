//! Ed25519ph (RFC 8032, section 5.1), which aws-lc-rs lacks: sigstore signs files with it when the key is
//! Ed25519, because a log that never sees the file has only its hash (sigstore/sigstore
//! `pkg/signature/ed25519ph.go`: SHA-512, empty context).

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha512};

/// Length of what stands before the key in its SubjectPublicKeyInfo.
const HEAD: usize = 12;

/// Whether `signature` is that of the key in `spki` over the hash of `message`.
pub(crate) fn verifies(spki: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = spki.get(HEAD..).and_then(|raw| <&[u8; 32]>::try_from(raw).ok()).map(VerifyingKey::from_bytes);
    let (Some(Ok(key)), Ok(signature)) = (key, Signature::from_slice(signature)) else { return false };
    key.verify_prehashed_strict(Sha512::new_with_prefix(message), None, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.3.
    const KEY: &str = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf";
    const SIGNATURE: &str = "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406";

    #[track_caller]
    fn check(key: &str, message: &[u8], signature: &str, expect: bool) {
        let spki = hex::decode(format!("302a300506032b6570032100{key}")).unwrap();
        assert_eq!(verifies(&spki, message, &hex::decode(signature).unwrap()), expect);
    }

    #[test]
    fn the_vector_of_the_rfc_verifies_and_nothing_beside_it() {
        check(KEY, b"abc", SIGNATURE, true);
        check(KEY, b"abd", SIGNATURE, false);
        check(KEY, b"abc", &SIGNATURE.replace("98a7", "98a6"), false);
        check(KEY, b"abc", &SIGNATURE[2..], false);
        check(&KEY[2..], b"abc", SIGNATURE, false);
        check(&"00".repeat(32), b"abc", &format!("01{}", "00".repeat(63)), false);
    }
}
