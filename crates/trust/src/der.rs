//! As much DER (X.690) as it takes to say which kind of public key a SubjectPublicKeyInfo
//! (RFC 5280, section 4.1.2.7) holds. The key itself is read by the crypto library.

/// Kinds of public keys that signatures are verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    P256,
    P384,
    P521,
    Rsa,
    Ed25519,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const SECP521R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// The shortest RSA modulus that is believed, in bits.
const RSA_BITS: usize = 2048;

/// The kind of key in a SubjectPublicKeyInfo, or why it is none.
pub(crate) fn spki_kind(der: &[u8]) -> Result<KeyKind, String> {
    let not = || "it is not a SubjectPublicKeyInfo".to_owned();
    let (whole, rest) = take(der, SEQUENCE).ok_or_else(not)?;
    if !rest.is_empty() {
        return Err("there are bytes after the key".to_owned());
    }
    let (algorithm, rest) = take(whole, SEQUENCE).ok_or_else(not)?;
    let (bits, rest) = take(rest, BIT_STRING).ok_or_else(not)?;
    if !rest.is_empty() {
        return Err(not());
    }
    let (oid, parameters) = take(algorithm, OID).ok_or_else(not)?;
    match oid {
        EC_PUBLIC_KEY => match take(parameters, OID) {
            Some((PRIME256V1, [])) => Ok(KeyKind::P256),
            Some((SECP384R1, [])) => Ok(KeyKind::P384),
            Some((SECP521R1, [])) => Ok(KeyKind::P521),
            _ => Err("its curve is not supported: use P-256, P-384 or P-521".to_owned()),
        },
        RSA_ENCRYPTION => match modulus_bits(bits) {
            Some(n) if n >= RSA_BITS => Ok(KeyKind::Rsa),
            Some(n) => Err(format!("it is an RSA key of {n} bits; fewer than {RSA_BITS} are not believed")),
            None => Err("its RSA modulus cannot be read".to_owned()),
        },
        ED25519 => Ok(KeyKind::Ed25519),
        _ => Err("its algorithm is not supported: use ECDSA, RSA or Ed25519".to_owned()),
    }
}

/// The SubjectPublicKeyInfo around an RSA public key in the PKCS#1 form. What is inside is judged later.
pub(crate) fn rsa_spki(pkcs1: &[u8]) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[element(OID, RSA_ENCRYPTION), element(NULL, &[])].concat());
    let bits = element(BIT_STRING, &[&[0][..], pkcs1].concat());
    element(SEQUENCE, &[algorithm, bits].concat())
}

/// Tag, minimal length and content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let bytes = content.len().to_be_bytes();
    let significant = bytes.iter().copied().skip_while(|b| *b == 0);
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(u8::try_from(short).unwrap_or(0)),
        _ => {
            let length: Vec<u8> = significant.collect();
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(0));
            out.extend(length);
        }
    }
    out.extend_from_slice(content);
    out
}

/// The key inside a PKCS#8 document (RFC 5208).
#[cfg(test)]
pub(crate) fn pkcs8_inner(der: &[u8]) -> Option<&[u8]> {
    let (whole, _) = take(der, SEQUENCE)?;
    let (_, rest) = take(whole, INTEGER)?;
    let (_, rest) = take(rest, SEQUENCE)?;
    Some(take(rest, 0x04)?.0)
}

fn modulus_bits(bits: &[u8]) -> Option<usize> {
    let (unused, key) = bits.split_first()?;
    if *unused != 0 {
        return None;
    }
    let (key, _) = take(key, SEQUENCE)?;
    let (modulus, _) = take(key, INTEGER)?;
    let first = modulus.iter().position(|b| *b != 0)?;
    let significant = &modulus[first..];
    Some(significant.len() * 8 - significant[0].leading_zeros() as usize)
}

/// Splits off one element with this tag: its content and what follows. Lengths must be minimal.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    if found != tag {
        return None;
    }
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&a, rest) = rest.split_first()?;
            ((a >= 0x80).then_some(usize::from(a))?, rest)
        }
        0x82 => {
            let (bytes, rest) = rest.split_at_checked(2)?;
            let n = usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
            ((n > 0xff).then_some(n)?, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_must_be_minimal_and_within() {
        assert_eq!(take(&[0x30, 1, 7, 9], SEQUENCE), Some((&[7][..], &[9][..])));
        assert_eq!(take(&[0x30, 0x81, 1, 7], SEQUENCE), None);
        assert_eq!(take(&[0x30, 0x82, 0, 1, 7], SEQUENCE), None);
        assert_eq!(take(&[0x30, 2, 7], SEQUENCE), None);
        assert_eq!(take(&[0x30, 0x80], SEQUENCE), None);
        assert_eq!(take(&[], SEQUENCE), None);
    }

    #[test]
    fn an_rsa_key_that_is_too_short_is_refused() {
        let key = [&[0x30, 0x81, 0x84, 0x02, 0x81, 0x81, 0x00, 0x80][..], &[1; 127]].concat();
        let bits = [&[0x03, 0x81, (key.len() + 1) as u8, 0x00][..], &key].concat();
        let algorithm = [&[0x30, 0x0b, 0x06, 0x09][..], RSA_ENCRYPTION].concat();
        let content = [algorithm, bits].concat();
        let der = [&[0x30, 0x81, content.len() as u8][..], &content].concat();
        assert!(spki_kind(&der).unwrap_err().contains("1024 bits"), "{:?}", spki_kind(&der));
    }
}
