//! The compiled database: what goes in comes out, and damage is noticed.
#![allow(clippy::unwrap_used)]

use cleanbill_advisory::{Database, DatabaseError, Import, layout};
use cleanbill_model::{Advisory, Affected, Cvss, Event, FixState, RangeKind, Severity, VersionRange};
use sha2::{Digest as _, Sha256};

fn advisory(id: &str, feed: &str, ecosystem: &str, name: &str) -> Advisory {
    let events = vec![Event::Introduced("0".into()), Event::Fixed("1.2".into())];
    Advisory {
        id: id.into(),
        aliases: vec![format!("alias-of-{id}")],
        upstream: Vec::new(),
        feed: feed.into(),
        summary: format!("about {name}"),
        severity: Severity::High,
        cvss: vec![Cvss { vector: "v".into(), score: Some(7.5) }],
        published: None,
        modified: "2024-01-02T03:04:05Z".parse().ok(),
        withdrawn: None,
        affected: vec![Affected {
            ecosystem: ecosystem.into(),
            name: name.into(),
            ranges: vec![VersionRange { kind: RangeKind::Ecosystem, events }],
            versions: vec!["7".into()],
            fix_state: FixState::ByRange,
            severity: Some(Severity::Low),
        }],
    }
}

fn few() -> Import {
    let advisories = vec![
        advisory("CVE-2", "debian-tracker", "Debian:12", "openssl"),
        advisory("GHSA-1", "osv", "Maven", "g:a"),
        advisory("GHSA-2", "osv", "Maven", "g:a"),
        advisory("GHSA-3", "osv", "Go", "example.org/m"),
    ];
    Import { advisories, ..Import::default() }
}

fn built() -> Option<cleanbill_model::Timestamp> {
    "2024-06-01T00:00:00Z".parse().ok()
}

fn ids(found: Vec<std::sync::Arc<Advisory>>) -> Vec<String> {
    found.iter().map(|a| a.id.clone()).collect()
}

#[test]
fn what_goes_in_comes_out() {
    let import = few();
    let database = Database::from_bytes(Database::compile(&import, built())).unwrap();
    let all: Vec<Advisory> = database.all().unwrap().iter().map(|a| a.as_ref().clone()).collect();
    assert_eq!(all, import.advisories);
    assert_eq!(ids(database.lookup("Maven", "g:a").unwrap()), ["GHSA-1", "GHSA-2"]);
    assert_eq!(ids(database.lookup("Maven", "g:b").unwrap()), Vec::<String>::new());
    assert_eq!(ids(database.lookup("Debian:11", "openssl").unwrap()), Vec::<String>::new());
    assert_eq!(ids(database.by_id("ghsa-3").unwrap()), ["GHSA-3"]);
    assert_eq!(ids(database.by_id("alias-of-CVE-2").unwrap()), ["CVE-2"]);
    let info = database.info();
    assert_eq!((info.advisories, info.built, info.digest.len()), (4, built(), 64));
    let feeds: Vec<_> = info.feeds.iter().map(|f| (f.name.as_str(), f.ecosystems.join(" "), f.advisories)).collect();
    assert_eq!(feeds, [("debian-tracker", "Debian:12".to_owned(), 1), ("osv", "Go Maven".to_owned(), 3)]);
    assert_eq!(info.feeds[1].as_of, "2024-01-02T03:04:05Z".parse().ok());
    assert_eq!(database.feeds_for("Maven")[0].name, "osv");
    assert!(database.feeds_for("npm").is_empty());
}

#[test]
fn candidates_say_what_decides_and_lead_to_the_record() {
    let mut import = few();
    let (module, artifact) = (import.advisories[3].affected[0].clone(), import.advisories[1].affected[0].clone());
    import.advisories[1].affected.extend([module, artifact]);
    import.advisories[1].upstream = vec!["CVE-7".into(), "CVE-8".into()];
    import.advisories[2].withdrawn = built();
    let database = Database::from_bytes(Database::compile(&import, built())).unwrap();
    let found = database.candidates("Maven", "g:a").unwrap();
    let told: Vec<_> = found.iter().map(|c| (database.record(c).unwrap().id.clone(), c.withdrawn)).collect();
    assert_eq!(told, [("GHSA-1".into(), false), ("GHSA-1".into(), false), ("GHSA-2".into(), true)]);
    assert_eq!(found[0].affected, import.advisories[1].affected[0]);
    assert_eq!(*database.record(&found[0]).unwrap(), import.advisories[1], "what is affected keeps its order");
    assert_eq!(ids(database.lookup("Maven", "g:a").unwrap()), ["GHSA-1", "GHSA-2"]);
    assert_eq!(ids(database.lookup("Go", "example.org/m").unwrap()), ["GHSA-1", "GHSA-3"]);
    assert_eq!(ids(database.by_id("cve-8").unwrap()), ["GHSA-1"]);
    assert!(database.candidates("Maven", "g").unwrap().is_empty());
}

#[test]
fn listed_versions_that_a_range_holds_are_not_kept_twice() {
    let mut import = few();
    import.advisories[1].affected[0].versions = vec!["1".into(), "7".into(), "1.0".into()];
    let database = Database::from_bytes(Database::compile(&import, built())).unwrap();
    assert_eq!(database.candidates("Maven", "g:a").unwrap()[0].affected.versions, ["7"]);
}

#[test]
fn an_empty_database_is_one() {
    let database = Database::from_bytes(Database::compile(&Import::default(), None)).unwrap();
    assert_eq!((database.info().advisories, database.info().built), (0, None));
    assert!(database.all().unwrap().is_empty() && database.lookup("Go", "x").unwrap().is_empty());
}

#[test]
fn the_same_records_give_the_same_bytes_in_any_order() {
    let mut import = few();
    let bytes = Database::compile(&import, built());
    import.advisories.reverse();
    import.advisories.extend(few().advisories);
    assert_eq!(Database::compile(&import, built()), bytes);
    assert_ne!(Database::compile(&import, None), bytes);
}

#[test]
fn of_two_states_of_a_record_the_newer_stays() {
    let old = advisory("GHSA-1", "osv", "Maven", "g:a");
    let new = Advisory { modified: "2025-01-01T00:00:00Z".parse().ok(), summary: "new".into(), ..old.clone() };
    for advisories in [vec![old.clone(), new.clone()], vec![new.clone(), old]] {
        let bytes = Database::compile(&Import { advisories, ..Import::default() }, None);
        let all = Database::from_bytes(bytes).unwrap().all().unwrap();
        assert_eq!(all.iter().map(|a| a.summary.as_str()).collect::<Vec<_>>(), ["new"]);
    }
}

#[test]
fn an_erratum_given_out_for_each_release_keeps_them_all() {
    let timed = |ecosystem: &str, name: &str, day: u8| Advisory {
        modified: format!("2024-01-{day:02}T00:00:00Z").parse().ok(),
        ..advisory("ALSA-1", "osv", ecosystem, name)
    };
    let states = [
        timed("AlmaLinux:9", "new", 3),
        timed("AlmaLinux:8", "eight", 2),
        timed("AlmaLinux:9", "old", 1),
        timed("npm", "old", 1),
    ];
    let mut orders = vec![states.to_vec(), states.to_vec()];
    orders[1].reverse();
    for advisories in orders {
        let database =
            Database::from_bytes(Database::compile(&Import { advisories, ..Import::default() }, None)).unwrap();
        let all = database.all().unwrap();
        let names: Vec<_> = all[0].affected.iter().map(|a| a.name.as_str()).collect();
        assert_eq!((all.len(), names), (1, vec!["new", "eight"]), "a newer state replaces what it speaks of");
    }
    let withdrawn = Advisory { withdrawn: built(), ..timed("AlmaLinux:8", "eight", 2) };
    let import = Import { advisories: vec![states[0].clone(), withdrawn], ..Import::default() };
    let all = Database::from_bytes(Database::compile(&import, None)).unwrap().all().unwrap();
    assert_eq!(all[0].affected.len(), 1, "what was withdrawn is not kept");
}

#[test]
fn records_without_time_are_put_together() {
    let untimed = |name| Advisory { modified: None, ..advisory("CVE-1", "debian-tracker", "Debian:12", name) };
    let import = Import { advisories: vec![untimed("b"), untimed("a")], ..Import::default() };
    let database = Database::from_bytes(Database::compile(&import, None)).unwrap();
    assert_eq!(database.info().advisories, 1);
    assert_eq!(ids(database.lookup("Debian:12", "a").unwrap()), ["CVE-1"]);
    assert_eq!(ids(database.lookup("Debian:12", "b").unwrap()), ["CVE-1"]);
}

/// Enough records for several blocks.
fn many() -> Import {
    let each = |i: usize| advisory(&format!("GHSA-{i:05}"), "osv", "Maven", &format!("group{}:artifact", i % 700));
    Import { advisories: (0..1500).map(each).collect(), ..Import::default() }
}

#[test]
fn records_that_cross_blocks_are_found() {
    let import = many();
    let bytes = Database::compile(&import, None);
    assert!(bytes.len() > 3 * (16 << 10), "{}", bytes.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("advisories.db");
    Database::write(&bytes, &path).unwrap();
    let database = Database::open(&path).unwrap();
    for wanted in &import.advisories {
        assert!(database.by_id(&wanted.id).unwrap().iter().any(|a| a.as_ref() == wanted), "{}", wanted.id);
        let found = database.lookup("Maven", &wanted.affected[0].name).unwrap();
        assert!(found.len() >= 2 && found.iter().any(|a| a.as_ref() == wanted), "{}", wanted.id);
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["advisories.db"], "nothing is left beside it");
}

/// Every answer of a database, or the error that stands for it.
fn answers(bytes: Vec<u8>) -> Result<Vec<Advisory>, DatabaseError> {
    let database = Database::from_bytes(bytes)?;
    let mut out: Vec<Advisory> = Vec::new();
    for found in [database.all()?, database.lookup("Maven", "g:a")?, database.by_id("GHSA-3")?] {
        out.extend(found.iter().map(|a| a.as_ref().clone()));
    }
    Ok(out)
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = Database::compile(&few(), built());
    for length in 0..bytes.len() {
        let error = Database::from_bytes(bytes[..length].to_vec()).expect_err("cut");
        let named = error.to_string();
        assert!(named.starts_with("the database in memory is "), "{length}: {named}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Database::from_bytes(longer).is_err());
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let bytes = Database::compile(&few(), built());
    answers(bytes.clone()).unwrap();
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(answers(damaged).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_flipped_bit_far_from_the_directory_is_noticed_when_it_is_read() {
    let import = many();
    let bytes = Database::compile(&import, None);
    let mut damaged = bytes.clone();
    let payload = layout_payload_start(&bytes);
    damaged[payload + 10] ^= 1;
    let database = Database::from_bytes(damaged).unwrap();
    let error = database.by_id("GHSA-00000").unwrap_err().to_string();
    assert!(error.contains("checksum of block 0 differs"), "{error}");
    assert_eq!(ids(database.by_id("GHSA-01499").unwrap()), ["GHSA-01499"], "other blocks are read");
}

fn layout_payload_start(bytes: &[u8]) -> usize {
    88 + 32 * u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize
}

/// Changes the header and makes its checksum right again.
fn resealed(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = Database::compile(&few(), built());
    change(&mut bytes);
    let end = layout_payload_start(&bytes);
    let mut hasher = Sha256::new();
    hasher.update(&bytes[..56]);
    hasher.update(&bytes[88..end]);
    let sum = hasher.finalize();
    bytes[56..88].copy_from_slice(&sum);
    bytes
}

#[test]
fn newer_and_foreign_files_are_refused_by_name() {
    let newer = resealed(|b| {
        b[8..12].copy_from_slice(&(layout::FORMAT + 6).to_le_bytes());
        b[12..16].copy_from_slice(&(layout::READER + 1).to_le_bytes());
    });
    let error = Database::from_bytes(newer).unwrap_err();
    assert!(
        matches!(error, DatabaseError::Foreign { .. }) && error.to_string().contains("format 8 is newer"),
        "{error}"
    );
    let older = resealed(|b| {
        b[8..12].copy_from_slice(&(layout::OLDEST - 1).to_le_bytes());
        b[12..16].copy_from_slice(&(layout::OLDEST - 1).to_le_bytes());
    });
    let error = Database::from_bytes(older).unwrap_err();
    assert!(
        matches!(error, DatabaseError::Foreign { .. }) && error.to_string().contains("format 1 is older"),
        "{error}"
    );
    // A newer format that says older readers may read it is read.
    let compatible = resealed(|b| b[8..12].copy_from_slice(&(layout::FORMAT + 1).to_le_bytes()));
    assert_eq!(Database::from_bytes(compatible).unwrap().info().advisories, 4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    std::fs::write(&path, "SQLite format 3\0 and more").unwrap();
    let error = Database::open(&path).unwrap_err().to_string();
    assert!(error.contains("x.db is not a cleanbill advisory database: it begins with other bytes"), "{error}");
    let error = Database::open(&folder.path().join("none.db")).unwrap_err().to_string();
    assert!(error.contains("none.db: "), "{error}");
}

#[test]
fn a_directory_that_points_elsewhere_is_damage() {
    for (at, value) in [(40, u64::MAX), (40, 1 << 40), (48, u64::MAX), (48, 3)] {
        let bytes = resealed(|b| b[at..at + 8].copy_from_slice(&value.to_le_bytes()));
        let error = Database::from_bytes(bytes).unwrap_err();
        assert!(matches!(error, DatabaseError::Damaged { .. }), "{at} {value}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_cut_while_it_is_open_is_an_error_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Database::write(&Database::compile(&many(), None), &path).unwrap();
    let database = Database::open(&path).unwrap();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let error = database.by_id("GHSA-00000").unwrap_err().to_string();
    assert!(error.contains("cut short"), "{error}");
}
