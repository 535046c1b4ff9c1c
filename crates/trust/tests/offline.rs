//! Bundles with certificates, log entries and timestamps of a small sigstore that is made here: what
//! verifies, and the attacks by their numbers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod instance;

use cleanbill_trust::offline::{Demands, Who};
use instance::*;

#[test]
fn a_bundle_of_each_generation_verifies() {
    let instance = Instance::new();
    let (signer, root) = (instance.signer(), instance.root());
    for bundle in [instance.bundle(&signer), instance.bundle_of_tiles(&signer)] {
        let verified = accepted(&bundle, &root);
        assert_eq!(verified.subject.as_deref(), Some(SUBJECT));
        assert_eq!(verified.issuer.as_deref(), Some(ISSUER));
        assert_eq!(verified.times.iter().map(|t| t.as_second()).collect::<Vec<_>>(), [NOON]);
        assert_eq!(verified.log_entries, 1);
    }
}

#[test]
fn another_identity_is_another_signer() {
    let instance = Instance::new();
    let (bundle, root) = (instance.bundle(&instance.signer()), instance.root());
    for (subject, issuer) in [("https://ci.example/other", ISSUER), (SUBJECT, "https://other.example"), ("", "")] {
        let who = Who::Identity { subject: subject.to_owned(), issuer: issuer.to_owned() };
        let why = verdict(&bundle, &root, &who, Demands::default()).unwrap_err();
        assert!(why.contains("signed by"), "{why}");
    }
    assert!(verdict(&bundle, &root, &Who::AnyIdentity, Demands::default()).is_ok());
}
