//! Tests of `certs`.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn opened(dir: &Path, names: &[&str], now: &str) -> Identity {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    Identity::open(dir, &names, at(now)).unwrap()
}

const DAY: &str = "2026-01-01T00:00:00Z";

#[test]
fn everything_is_made_once_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = opened(dir.path(), &["127.0.0.1"], DAY);
    let again = opened(dir.path(), &["127.0.0.1"], "2026-02-14T00:00:00Z");
    assert_eq!(first.secret.len(), 64);
    assert_eq!((&first.secret, &first.ca_pem), (&again.secret, &again.ca_pem));
    assert_eq!(first.certificate_pem, again.certificate_pem);
    first.tls().unwrap();
}

#[test]
fn a_certificate_past_half_its_life_is_made_again_by_the_same_authority() {
    let dir = tempfile::tempdir().unwrap();
    let first = opened(dir.path(), &[], DAY);
    let later = opened(dir.path(), &[], "2026-02-16T00:00:00Z");
    assert_ne!(first.certificate_pem, later.certificate_pem);
    assert_eq!((first.ca_pem, first.secret), (later.ca_pem, later.secret));
}

#[test]
fn a_missing_name_makes_a_new_certificate_and_names_stay() {
    let dir = tempfile::tempdir().unwrap();
    let first = opened(dir.path(), &["127.0.0.1"], DAY);
    let service = opened(dir.path(), &["cleanbill.sec.svc"], DAY);
    assert_ne!(first.certificate_pem, service.certificate_pem);
    let third = opened(dir.path(), &["127.0.0.1"], DAY);
    assert_eq!(service.certificate_pem, third.certificate_pem, "the two who open it must not fight");
}

#[test]
fn secrets_are_for_the_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    opened(dir.path(), &[], DAY);
    let mode =
        |name: &str| std::fs::metadata(dir.path().join("admission").join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["ca.key", "tls.key", "secret"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(mode(""), 0o700);
}

#[test]
fn a_damaged_pair_is_made_again_a_damaged_authority_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let first = opened(dir.path(), &[], DAY);
    let file = |name: &str| dir.path().join("admission").join(name);
    std::fs::write(file("tls.key"), "x").unwrap();
    let again = opened(dir.path(), &[], DAY);
    assert_ne!(first.certificate_pem, again.certificate_pem);
    again.tls().unwrap();
    std::fs::write(file("secret"), "short").unwrap();
    let error = Identity::open(dir.path(), &[], at(DAY)).unwrap_err().to_string();
    assert!(error.contains("secret: not 64 hexadecimal digits\nhint: remove"), "{error}");
    std::fs::remove_file(file("secret")).unwrap();
    std::fs::write(file("ca.key"), "x").unwrap();
    let error = Identity::open(dir.path(), &[], at(DAY)).unwrap_err().to_string();
    assert!(error.contains("ca.key: not a private key"), "{error}");
}

#[test]
fn a_name_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = Identity::open(dir.path(), &["b\u{fc}cher".to_owned()], at(DAY)).unwrap_err().to_string();
    assert!(error.contains("could not make a certificate for"), "{error}");
}
