//! What a signed timestamp (RFC 3161) brings along beside the time. Nothing of it is signed, so that it
//! must not differ from what the trusted root has (A09).

use sigstore_trust_root::TrustedRoot;

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const SET: u8 = 0x31;
/// `[0]`, constructed: the content, and within it the certificates.
const ZERO: u8 = 0xa0;

/// Refuses a timestamp with certificates in it that are not the root's, or not that of its signer.
pub(super) fn certificates(token: &[u8], root: &TrustedRoot) -> Result<(), String> {
    let embedded = embedded(token).ok_or("the timestamp is malformed")?;
    let chains = || root.timestamp_authorities.iter().map(|authority| &authority.cert_chain.certificates);
    let known = |der: &[u8]| chains().flatten().any(|certificate| certificate.raw_bytes.as_bytes() == der);
    if !embedded.iter().all(|certificate| known(certificate)) {
        return Err("the timestamp holds a certificate that is not in the trusted root".to_owned());
    }
    let signs = |der: &[u8]| chains().filter_map(|chain| chain.first()).any(|leaf| leaf.raw_bytes.as_bytes() == der);
    if !embedded.is_empty() && !embedded.iter().any(|certificate| signs(certificate)) {
        return Err("the timestamp holds certificates, and not that of its signer".to_owned());
    }
    Ok(())
}

/// The certificates in a `TimeStampResp`, whole; `None` if it is malformed.
fn embedded(token: &[u8]) -> Option<Vec<&[u8]>> {
    let (response, rest) = take(token, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (_status, rest) = take(response, SEQUENCE)?;
    let (info, rest) = take(rest, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (_kind, rest) = take(info, OID)?;
    let (explicit, rest) = take(rest, ZERO)?;
    let (signed, after) = take(explicit, SEQUENCE)?;
    if !rest.is_empty() || !after.is_empty() {
        return None;
    }
    let (_version, rest) = take(signed, INTEGER)?;
    let (_digests, rest) = take(rest, SET)?;
    let (_content, rest) = take(rest, SEQUENCE)?;
    let Some((mut certificates, _)) = take(rest, ZERO) else { return Some(Vec::new()) };
    let mut out = Vec::new();
    while !certificates.is_empty() {
        let (_, rest) = take(certificates, SEQUENCE)?;
        out.push(certificates.get(..certificates.len() - rest.len())?);
        certificates = rest;
    }
    Some(out)
}

/// Splits off one element with this tag: its content and what follows.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    if *found != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    fn token(certificates: &[&[u8]]) -> Vec<u8> {
        let certificates = match certificates {
            [] => Vec::new(),
            some => element(ZERO, &some.iter().flat_map(|c| element(SEQUENCE, c)).collect::<Vec<u8>>()),
        };
        let content = [&[INTEGER, 1, 3, SET, 0, SEQUENCE, 0][..], &certificates, &[SET, 0]].concat();
        let info = [&[OID, 1, 42][..], &element(ZERO, &element(SEQUENCE, &content))].concat();
        element(SEQUENCE, &[&[SEQUENCE, 0][..], &element(SEQUENCE, &info)].concat())
    }

    fn root(chain: &[&[u8]]) -> TrustedRoot {
        use base64::Engine as _;
        let entry = |der: &&[u8]| serde_json::json!({"rawBytes": base64::engine::general_purpose::STANDARD.encode(element(SEQUENCE, der))});
        let chain: Vec<_> = chain.iter().map(entry).collect();
        let json =
            serde_json::json!({"mediaType": "x", "timestampAuthorities": [{"certChain": {"certificates": chain}}]});
        TrustedRoot::from_json(&json.to_string()).unwrap()
    }

    #[track_caller]
    fn check(embedded: &[&[u8]], part: &str) {
        match certificates(&token(embedded), &root(&[b"leaf", b"root"])) {
            Ok(()) => assert_eq!(part, ""),
            Err(why) => assert!(!part.is_empty() && why.contains(part), "{why}"),
        }
    }

    #[test]
    fn a09_a_timestamp_brings_no_certificates_of_its_own() {
        check(&[], "");
        check(&[b"leaf"], "");
        check(&[b"root", b"leaf"], "");
        check(&[b"root"], "not that of its signer");
        check(&[b"leaf", b"lea_"], "not in the trusted root");
    }

    #[test]
    fn what_is_cut_or_runs_on_is_malformed() {
        let whole = token(&[b"leaf"]);
        for end in 0..whole.len() {
            assert!(certificates(&whole[..end], &root(&[b"leaf"])).is_err(), "{end}");
        }
        assert!(certificates(&[&whole[..], &[0]].concat(), &root(&[b"leaf"])).is_err());
    }
}
