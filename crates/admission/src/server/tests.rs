//! Tests of `server`.

use super::*;

#[test]
fn the_callers_patience_is_read_from_its_query() {
    let check = |query: Option<&str>, expect: Duration| assert_eq!(patience(query), expect, "{query:?}");
    check(Some("timeout=10s"), Duration::from_millis(9500));
    check(Some("a=b&timeout=1s"), Duration::from_millis(500));
    check(Some("timeout=0s"), Duration::ZERO);
    check(Some("timeout=soon"), Duration::MAX);
    check(None, Duration::MAX);
}

#[test]
fn a71_a_secret_is_the_whole_secret() {
    assert!(same("abcd", "abcd"));
    for given in ["", "abc", "abcde", "abce", "ABCD"] {
        assert!(!same(given, "abcd"), "{given}");
    }
}

#[tokio::test]
async fn a_certificate_made_by_another_process_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let names = vec!["127.0.0.1".to_owned()];
    let identity = Identity::open(dir.path(), &names, now).unwrap();
    let config = RustlsConfig::from_config(identity.tls().unwrap());
    let mut tls =
        Tls { config: config.clone(), data_dir: dir.path().to_owned(), names, identity, metrics: Arc::default() };
    let before = config.get_inner();
    assert!(!tls.renew(now).unwrap());
    assert!(Arc::ptr_eq(&before, &config.get_inner()));
    Identity::open(dir.path(), &["cleanbill.sec.svc".to_owned()], now).unwrap();
    assert!(tls.renew(now).unwrap());
    assert!(!Arc::ptr_eq(&before, &config.get_inner()));
}
