//! Policies whose keys cannot verify are refused by name.
#![allow(clippy::unwrap_used)]

mod place;

use cleanbill_trust::PrivateKey;
use place::policy;

#[test]
fn a_key_that_is_none_is_refused_naming_policy_rule_and_file() {
    let key = PrivateKey::generate().unwrap();
    let text = policy("images", "Fail", "Enforce", "*", &key);
    let files = |text: String| [("policies/images.yaml".to_owned(), text)];
    assert_eq!(cleanbill_admission::load(&files(text.clone())).unwrap().0.names(), ["images"]);
    // The curve's name is changed: still PEM, still DER, no key.
    let broken = text.replace("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQYDQgAE");
    assert_ne!(text, broken);
    let errors = cleanbill_admission::load(&files(broken)).unwrap_err();
    let shown = errors[0].to_string();
    assert_eq!(errors[0].code, "policy-key-invalid", "{shown}");
    assert!(shown.contains("images/signed") && shown.contains("policies/images.yaml"), "{shown}");
}
