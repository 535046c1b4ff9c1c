//! DSSE (secure-systems-lab/dsse `protocol.md`): what exactly is signed.

/// The payload type of in-toto statements; no other is read (A01).
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The pre-authentication encoding: `DSSEv1 LEN(type) type LEN(payload) payload`.
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn type_and_payload_cannot_flow_into_each_other() {
        assert_ne!(pae("a", b"b 1 c"), pae("a 5 b", b"c"));
    }
}
