//! Keys of every kind and form: what signs, what verifies, what is refused.

use aws_lc_rs::encoding::AsDer;

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
    for (label, part) in [
        ("EC PRIVATE KEY", "expected P-256"),
        ("RSA PRIVATE KEY", "2048 to 8192 bits"),
        ("ENCRYPTED PRIVATE KEY", "hint:"),
        ("PRIVATE KEY", "expected ECDSA"),
        (PUBLIC, "private half is needed"),
        ("SOMETHING", "it is a `SOMETHING`"),
    ] {
        let err = PrivateKey::from_pem(&pem::write(label, b"x"), b"").unwrap_err().to_string();
        assert!(err.contains(part), "{err}");
    }
}

/// A PKCS#8 document's inner key: SEC1 or PKCS#1.
fn inner(pkcs8: &[u8]) -> Vec<u8> {
    crate::der::pkcs8_inner(pkcs8).unwrap().to_vec()
}

#[test]
fn sec1_and_pkcs1_are_the_same_keys_as_pkcs8() {
    for (kind, pkcs8) in pkcs8_of_every_kind() {
        let label = match kind {
            KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => "EC PRIVATE KEY",
            KeyKind::Rsa => "RSA PRIVATE KEY",
            KeyKind::Ed25519 => continue,
        };
        let expect = PrivateKey::from_pem(&pem::write("PRIVATE KEY", &pkcs8), b"").unwrap();
        // SEC1 as openssl writes it names the curve inside; what stands in PKCS#8 may not.
        let Ok(key) = PrivateKey::from_pem(&pem::write(label, &inner(&pkcs8)), b"") else {
            panic!("{kind:?} is not read as {label}")
        };
        assert_eq!(key.public(), expect.public(), "{kind:?}");
        let again = PrivateKey::from_pem(&key.to_encrypted_pem(b"pw").unwrap(), b"pw").unwrap();
        assert_eq!(again.public(), expect.public(), "{kind:?}");
        assert!(expect.public().verifies(b"m", &again.sign(b"m").unwrap()));
    }
}

#[test]
fn an_rsa_public_key_in_pkcs1_is_the_same_key() {
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let spki: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let pem_of = |label: &str, der: &[u8]| PublicKey::from_pem(&pem::write(label, der));
    let pkcs1 = rsa.public_key().as_ref();
    assert_eq!(pem_of("RSA PUBLIC KEY", pkcs1).unwrap(), pem_of(PUBLIC, spki.as_ref()).unwrap());
    assert!(pem_of("RSA PUBLIC KEY", b"x").is_err());
}

#[test]
fn rsa_signatures_with_pss_and_with_longer_hashes_are_verified() {
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let spki: PublicKeyX509Der<'_> = rsa.public_key().as_der().unwrap();
    let key = PublicKey::from_spki(spki.as_ref()).unwrap();
    for encoding in [&sig::RSA_PSS_SHA256, &sig::RSA_PSS_SHA512] as [&'static dyn sig::RsaEncoding; 2] {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(encoding, &SystemRandom::new(), b"message", &mut signature).unwrap();
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"massage", &signature));
    }
}

#[test]
fn ed25519_is_verified_in_both_forms_and_written_as_cosign_verifies_it() {
    use ed25519_dalek::{Signature, SigningKey};
    use sha2::{Digest as _, Sha512};

    let theirs = SigningKey::from_bytes(&[7; 32]);
    let head = hex::decode("302e020100300506032b657004220420").unwrap();
    let pkcs8 = [&head[..], &[7; 32]].concat();
    let ours = PrivateKey::from_pem(&pem::write("PRIVATE KEY", &pkcs8), b"").unwrap();
    let plain = Signature::from_slice(&ours.sign(b"message").unwrap()).unwrap();
    theirs.verifying_key().verify_strict(b"message", &plain).unwrap();

    let public = ours.public();
    let hashed = theirs.sign_prehashed(Sha512::new_with_prefix(b"message"), None).unwrap().to_bytes();
    assert!(public.verifies(b"message", &hashed) && public.verifies(b"message", &plain.to_bytes()));
    assert!(!public.verifies(b"massage", &hashed) && !public.verifies(b"massage", &plain.to_bytes()));
    // What is signed for one context is not signed for another, nor by the hash where the message is meant.
    let context = theirs.sign_prehashed(Sha512::new_with_prefix(b"message"), Some(b"other")).unwrap().to_bytes();
    assert!(!public.verifies(b"message", &context));
    assert!(!public.verifies(&Sha512::digest(b"message"), &hashed));
    let other = PrivateKey::generate().unwrap().public();
    assert!(!other.verifies(b"message", &hashed));
}
