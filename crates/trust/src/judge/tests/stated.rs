//! Which statements policies get to read.

use super::*;

const SBOM: &str = "https://cyclonedx.org/bom";
const SCAN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

#[track_caller]
fn check(contents: Vec<Vec<u8>>, types: &[&str], expect: &[(&str, &str)]) {
    let contents = contents.into_iter().map(Content::Bundle).collect();
    let types: Vec<String> = types.iter().map(|t| (*t).to_owned()).collect();
    let stated = statements(&collected(contents), &[KEY.public()], &types);
    let found: Vec<_> = stated.iter().map(|s| (s.predicate_type.as_str(), s.predicate.to_string())).collect();
    let expect: Vec<_> = expect.iter().map(|(kind, predicate)| (*kind, (*predicate).to_owned())).collect();
    assert_eq!(found, expect);
    assert!(stated.iter().all(|s| s.keys == [KEY.public().id()]));
}

#[test]
fn statements_are_had_by_their_type_and_in_order() {
    let scan = bundle_over(&KEY, &statement(SCAN, r#"{"n":1}"#));
    let sbom = bundle_over(&KEY, &statement(SBOM, r#"{"n":2}"#));
    let signature = signed_by(&KEY, &image());
    let all = || vec![scan.clone(), signature.clone(), sbom.clone()];
    check(all(), &[], &[(SCAN, r#"{"n":1}"#), (SBOM, r#"{"n":2}"#)]);
    check(all(), &[SBOM], &[(SBOM, r#"{"n":2}"#)]);
    check(all(), &[SBOM, SCAN], &[(SCAN, r#"{"n":1}"#), (SBOM, r#"{"n":2}"#)]);
    check(all(), &["https://cyclonedx.org/bom/v1.4"], &[]);
    check(all(), &["https://sigstore.dev/cosign/sign/v1"], &[("https://sigstore.dev/cosign/sign/v1", "{}")]);
}

#[test]
fn a23_what_nobody_of_ours_signed_states_nothing() {
    let good = bundle_over(&KEY, &statement(SBOM, "{}"));
    check(vec![bundle_over(&OTHER, &statement(SBOM, "{}"))], &[], &[]);
    check(vec![bundle_over(&KEY, &statement(SBOM, "{}").replace(image().hex(), &"00".repeat(32)))], &[], &[]);
    check(vec![bundle_over(&KEY, &statement(SBOM, "[]"))], &[], &[]);
    check(vec![b"{".to_vec(), good], &[], &[(SBOM, "{}")]);
}
