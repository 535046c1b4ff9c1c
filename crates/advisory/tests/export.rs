//! A database that was exported and built again gives the same answers.
#![allow(clippy::unwrap_used)]

use cleanbill_advisory::{Database, DatabaseError, Import, base_score, export, import};
use cleanbill_model::{
    Advisory, Affected, Cvss, Epss, Event, FixState, Kev, RangeKind, Severity, Timestamp, VersionRange,
};
use proptest::prelude::*;

const STATES: [FixState; 6] = [
    FixState::ByRange,
    FixState::NotAffected,
    FixState::WillNotFix,
    FixState::Deferred,
    FixState::EndOfLife,
    FixState::Undetermined,
];

fn built() -> Option<Timestamp> {
    "2030-01-01T00:00:00Z".parse().ok()
}

fn again(import_of: &Import) -> (Vec<u8>, Vec<u8>, Import) {
    let bytes = Database::compile(import_of, built());
    let database = Database::from_bytes(bytes.clone()).unwrap();
    let mut text = Vec::new();
    export(&database, &mut text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.jsonl");
    std::fs::write(&path, &text).unwrap();
    let read = import(&[path]).unwrap();
    (bytes, text, read)
}

prop_compose! {
    fn any_affected()(
        ecosystem in "(Go|npm|Debian:1[0-9])", name in "[a-z/.@-]{1,8}", from in "[0-9.]{1,4}",
        ends in prop::collection::vec((1..4u8, "[0-9a-z.]{1,5}"), 0..3), semver: bool, ranged: bool,
        versions in prop::collection::vec("[0-9a-z.]{0,5}", 0..3),
        state in 0..6usize, severity in prop::option::of(0..6usize),
    ) -> Affected {
        let mut events = vec![Event::Introduced(from)];
        events.extend(ends.into_iter().map(|(kind, v)| match kind {
            1 => Event::Fixed(v), 2 => Event::LastAffected(v), _ => Event::Limit(v),
        }));
        let kind = if semver { RangeKind::Semver } else { RangeKind::Ecosystem };
        let ranges = if ranged { vec![VersionRange { kind, events }] } else { Vec::new() };
        let severity = severity.map(|s| Severity::WORST_FIRST[s]);
        Affected { ecosystem, name, ranges, versions, fix_state: STATES[state], severity }
    }
}

prop_compose! {
    fn any_advisory()(
        id in "[A-Z]{1,3}-[0-9]{1,3}", names in prop::collection::btree_set("(CVE|MAL|X)-[0-9]{1,3}", 0..4),
        feed in "(osv|debian-tracker|wolfi|x)", summary in "\\PC{0,20}", severity in 0..6usize, about: bool,
        vectors in prop::sample::subsequence(vec![
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV:N/AC:L/Au:N/C:N/I:N/A:C", "CVSS:4.0/AV:N",
        ], 0..3),
        times in prop::collection::vec(prop::option::of(0..1_700_000_000_000i64), 3..=3),
        affected in prop::collection::vec(any_affected(), 0..3),
    ) -> Advisory {
        let time = |i: usize| times[i].and_then(|ms: i64| Timestamp::from_millisecond(ms).ok());
        let names: Vec<String> = names.into_iter().filter(|n| *n != id).collect();
        let (aliases, upstream) = if about { (Vec::new(), names) } else { (names, Vec::new()) };
        Advisory {
            id, aliases, upstream, feed, summary, severity: Severity::WORST_FIRST[severity],
            cvss: vectors.iter().map(|v| Cvss { vector: (*v).to_owned(), score: base_score(v) }).collect(),
            published: time(0), modified: time(1), withdrawn: time(2), affected,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_same_bytes_come_back(
        advisories in prop::collection::vec(any_advisory(), 0..6),
        exploited in prop::collection::btree_map(1..9999u32, (1..28i8, prop::option::of(1..28i8), any::<bool>()), 0..4),
        predicted in prop::collection::btree_map(1..9999u32, (0..=1_000_000_000u32, 0..=1_000_000_000u32), 0..4),
    ) {
        let day = |day: i8| format!("2024-02-{day:02}").parse().unwrap();
        let id = |n: u32| format!("CVE-2024-{n:04}");
        let share = |n: u32| f64::from(n) / 1e9;
        let original = Import {
            advisories,
            known_exploited: exploited.into_iter()
                .map(|(n, (a, d, ransomware))| (id(n), Kev { added: day(a), due: d.map(day), ransomware })).collect(),
            exploit_prediction: predicted.into_iter()
                .map(|(n, (s, p))| (id(n), Epss { score: share(s), percentile: share(p) })).collect(),
            ..Import::default()
        };
        let (bytes, text, read) = again(&original);
        prop_assert_eq!(&read.problems, &[]);
        prop_assert_eq!(&read.known_exploited, &original.known_exploited);
        prop_assert_eq!(&read.exploit_prediction, &original.exploit_prediction);
        let back = Database::compile(&read, built());
        prop_assert!(back == bytes, "{}", String::from_utf8_lossy(&text));
        let database = Database::from_bytes(bytes).unwrap();
        for (id, kev) in &original.known_exploited {
            prop_assert_eq!(database.known_exploited(id).unwrap(), Some(*kev));
        }
        for (id, epss) in &original.exploit_prediction {
            prop_assert_eq!(database.exploit_prediction(id).unwrap(), Some(*epss));
        }
        prop_assert_eq!(database.known_exploited("CVE-2023-0001").unwrap(), None);
    }
}

#[test]
fn only_an_export_says_which_feed_a_record_is_of() {
    let record = r#"{"id":"CVE-2024-0001","modified":"2024-01-01T00:00:00Z","database_specific":{"cleanbill":{"feed":"debian-tracker"}}}"#;
    let exploited = r#"{"cleanbill_known_exploited":{"CVE-2024-0001":{"added":"2024-01-02"}}}"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed");
    let read = |text: String| {
        std::fs::write(&path, text).unwrap();
        import(std::slice::from_ref(&path)).unwrap()
    };
    let own = read(format!("{{\"cleanbill_export\":1}}\n{record}\n{exploited}\n"));
    assert_eq!(
        (own.advisories[0].feed.as_str(), own.known_exploited.len(), own.problems.len()),
        ("debian-tracker", 1, 0)
    );
    let other = read(format!("{record}\n{exploited}\n"));
    assert_eq!((other.advisories[0].feed.as_str(), other.known_exploited.len(), other.problems.len()), ("osv", 0, 1));
    let newer = read(format!("{{\"cleanbill_export\":2}}\n{record}\n"));
    assert_eq!((newer.advisories[0].feed.as_str(), newer.problems.len()), ("osv", 1));
}

fn small() -> Vec<u8> {
    let advisory = |id: &str| Advisory {
        id: id.to_owned(),
        aliases: vec!["CVE-2024-0001".to_owned()],
        upstream: Vec::new(),
        feed: "osv".to_owned(),
        summary: String::new(),
        severity: Severity::High,
        cvss: Vec::new(),
        published: None,
        modified: None,
        withdrawn: None,
        affected: ["openssl", "libopenssl-dev"]
            .map(|name| Affected {
                ecosystem: "Debian:12".to_owned(),
                name: name.to_owned(),
                ranges: Vec::new(),
                versions: vec!["1".to_owned()],
                fix_state: FixState::ByRange,
                severity: None,
            })
            .to_vec(),
    };
    let advisories = ["GHSA-1", "GHSA-12", "OPENSSL"].map(advisory).to_vec();
    let kev = Kev { added: "2024-01-02".parse().unwrap(), due: None, ransomware: true };
    let known_exploited = [("CVE-2024-0001".to_owned(), kev)].into();
    let as_of = [("cisa-kev".to_owned(), "2031-01-01T00:00:00Z".parse().unwrap())].into();
    Database::compile(&Import { advisories, known_exploited, as_of, ..Import::default() }, built())
}

#[test]
fn what_stands_beside_is_a_feed_and_no_time_is_in_the_future() {
    let info = Database::from_bytes(small()).unwrap().info();
    let feeds: Vec<_> =
        info.feeds.iter().map(|f| (f.name.as_str(), f.advisories, f.ecosystems.len(), f.as_of)).collect();
    assert_eq!(feeds, [("cisa-kev", 1, 0, None), ("osv", 3, 1, None)]);
}

#[test]
fn search() {
    let database = Database::from_bytes(small()).unwrap();
    let check = |query: &str, limit: usize, ids: &[&str], packages: &[&str], more: bool| {
        let found = database.search(query, limit).unwrap();
        assert_eq!(found.advisories.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ids, "{query}");
        assert_eq!(found.packages.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), packages, "{query}");
        assert!(found.packages.iter().all(|p| p.ecosystem == "Debian:12" && p.advisories == 3));
        assert_eq!(found.more, more, "{query}");
    };
    check("ghsa-1", 9, &["GHSA-1", "GHSA-12"], &[], false);
    check("GHSA-12", 9, &["GHSA-12"], &[], false);
    check("cve-2024-0001", 2, &["GHSA-1", "GHSA-12"], &[], true);
    check("openssl", 9, &["OPENSSL"], &["openssl", "libopenssl-dev"], false);
    check("openssl", 1, &["OPENSSL"], &["openssl"], true);
    check("", 9, &[], &[], false);
    check("nothing", 9, &[], &[], false);
}

#[test]
fn verification_reads_everything_and_compares_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let bytes = small();
    std::fs::write(&path, &bytes).unwrap();
    let info = Database::verify(&path, None).unwrap();
    assert_eq!(info, Database::verify(&path, Some(&format!("sha256:{}", info.digest.to_uppercase()))).unwrap());
    let error = Database::verify(&path, Some("sha256:00")).unwrap_err();
    assert!(matches!(&error, DatabaseError::Unexpected { expected, .. } if expected == "00"), "{error}");
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, damaged).unwrap();
        assert!(Database::verify(&path, None).is_err(), "byte {at}");
    }
}
