//! Reviews come from outside: whatever is done to their bytes, reading them ends with a value or an error.
#![allow(clippy::unwrap_used)]

use cleanbill_cluster::review;

const SEED: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"UPDATE",
"kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"n","subResource":"ephemeralcontainers","dryRun":true,
"object":{"kind":"Pod","metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"nginx:1"}],
"initContainers":[{"image":"x"}],"ephemeralContainers":[],"volumes":[{"name":"v","image":{"reference":"y"}}],
"more":{"image":"z"},"nodeSelector":{"kubernetes.io/arch":"amd64"}}},"oldObject":{"spec":{"containers":[]}}}}"#;

#[test]
fn no_mutation_of_a_review_ends_in_a_panic() {
    assert_eq!(review::parse(SEED.as_bytes()).unwrap().images.len(), 4);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let tokens: [&[u8]; 8] = [b"null", b"[]", b"{}", b"\"\"", b"0", b",", b"\"image\":", b"\xff"];
    let mut read = 0;
    for _ in 0..4000 {
        let mut bytes = SEED.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = u8::try_from(random(256)).unwrap(),
                2 => drop(bytes.splice(at..at, tokens[random(tokens.len())].iter().copied())),
                _ => drop(bytes.drain(at..(at + random(20)).min(bytes.len()))),
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        read += usize::from(review::parse(&bytes).is_ok());
    }
    assert!(read > 0, "no mutation was read at all: the seed is not reached");
}
