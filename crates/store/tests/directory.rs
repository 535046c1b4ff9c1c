//! The data directory: its lock, its files, and what happens to files that are not ours or are damaged.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use cleanbill_model::{Digest, ImageIdentity, Timestamp};
use cleanbill_protocol::WantedImage;
use cleanbill_store::{ImageRecord, ImageState, SqliteStore, Store, StoreError};

const SBOM: &[u8] = b"{\"bomFormat\":\"CycloneDX\"}";

/// A data directory with a setting and an SBOM in it.
async fn filled() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(data.path()).unwrap();
    store.set_setting("k", "v").await.unwrap();
    let digest = Digest::sha256("x");
    let identity = ImageIdentity { index: None, manifest: digest.clone(), config: digest.clone(), platform: None };
    let wanted = WantedImage { reference: "x".to_owned(), digest, platform: None };
    let state = ImageState::Ready { identity, sbom: Digest::sha256(SBOM) };
    store.put_image(&ImageRecord { wanted, state }, Some(SBOM.to_vec())).await.unwrap();
    data
}

/// Opening is refused with `part` in the error, and no byte of the database changes.
#[track_caller]
fn refused(data: &Path, part: &str) -> StoreError {
    let before = fs::read(data.join("cleanbill.db")).unwrap();
    let error = SqliteStore::open(data).unwrap_err();
    assert!(error.to_string().contains(part), "{error}");
    assert!(error.to_string().contains("cleanbill.db"), "{error}");
    assert!(before == fs::read(data.join("cleanbill.db")).unwrap(), "the file was changed");
    error
}

#[tokio::test]
async fn what_was_stored_is_there_after_opening_again() {
    let data = filled().await;
    let store = SqliteStore::open(data.path()).unwrap();
    assert_eq!(store.setting("k").await.unwrap().as_deref(), Some("v"));
    assert_eq!(store.sbom(&Digest::sha256(SBOM)).await.unwrap(), SBOM);
}

#[test]
fn a_new_directory_is_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("a/b");
    SqliteStore::open(&data).unwrap();
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_second_opening_is_refused_and_told_who_has_it() {
    let data = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(data.path()).unwrap();
    let error = SqliteStore::open(data.path()).unwrap_err();
    assert!(matches!(&error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())), "{error}");
    drop(first);
    SqliteStore::open(data.path()).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("cleanbill.db"), "diary\n".repeat(100)).unwrap();
    let error = refused(data.path(), "is not an SQLite file");
    assert!(matches!(error, StoreError::Foreign { .. }));
}

#[test]
fn an_empty_file_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("cleanbill.db"), "").unwrap();
    refused(data.path(), "it is empty");
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(data.path().join("cleanbill.db")).unwrap();
    other.execute_batch("CREATE TABLE schema (version INTEGER); INSERT INTO schema VALUES (1)").unwrap();
    drop(other);
    let error = refused(data.path(), "of another program");
    assert!(matches!(error, StoreError::Foreign { .. }));
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let data = filled().await;
    let newer = rusqlite::Connection::open(data.path().join("cleanbill.db")).unwrap();
    newer.execute_batch("UPDATE schema SET version = 99; PRAGMA journal_mode = DELETE").unwrap();
    drop(newer);
    let error = refused(data.path(), "schema version 99; this cleanbill reads up to 2");
    assert!(matches!(error, StoreError::Newer { found: 99, known: 2, .. }));
}

#[tokio::test]
async fn a_damaged_database_is_left_alone() {
    let data = filled().await;
    let path = data.path().join("cleanbill.db");
    let file = fs::File::options().write(true).open(&path).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    // Every page but the first, which holds the header.
    for page in 1..pages {
        file.write_all_at(&[0x5a; 512], page * 4096).unwrap();
    }
    let error = refused(data.path(), "is damaged");
    assert!(matches!(error, StoreError::Damaged { .. }));
}

#[tokio::test]
async fn a_cut_database_is_left_alone() {
    let data = filled().await;
    let path = data.path().join("cleanbill.db");
    let length = fs::metadata(&path).unwrap().len();
    for keep in [80, 4096, length - 4096] {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(&path, copy.path().join("cleanbill.db")).unwrap();
        fs::File::options().write(true).open(copy.path().join("cleanbill.db")).unwrap().set_len(keep).unwrap();
        refused(copy.path(), "is damaged");
    }
}

#[test]
fn what_a_killed_process_left_of_a_new_database_does_not_matter() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("cleanbill.db.new"), "half").unwrap();
    SqliteStore::open(data.path()).unwrap();
    assert!(!data.path().join("cleanbill.db.new").exists());
}

#[tokio::test]
async fn a_damaged_document_is_named_and_mended_when_it_comes_again() {
    let data = filled().await;
    let digest = Digest::sha256(SBOM);
    let path = data.path().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
    assert_eq!(fs::read(&path).unwrap(), SBOM);
    fs::write(&path, b"{}").unwrap();
    let store = SqliteStore::open(data.path()).unwrap();
    let error = store.sbom(&digest).await.unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(digest.hex()), "{error}");
    let record = store.images().await.unwrap().remove(0);
    store.put_image(&record, Some(SBOM.to_vec())).await.unwrap();
    assert_eq!(store.sbom(&digest).await.unwrap(), SBOM);
}

#[tokio::test]
async fn a_row_that_says_nonsense_is_told_as_damage() {
    let data = filled().await;
    let raw = rusqlite::Connection::open(data.path().join("cleanbill.db")).unwrap();
    raw.execute("UPDATE image SET json = '{}'", []).unwrap();
    raw.execute("INSERT INTO alert (id, json) VALUES ('a', '[')", []).unwrap();
    drop(raw);
    let store = SqliteStore::open(data.path()).unwrap();
    let images = store.images().await.unwrap_err().to_string();
    assert!(images.contains("is damaged: image sha256:"), "{images}");
    let alerts = store.alerts(None, 1).await.unwrap_err().to_string();
    assert!(alerts.contains("is damaged: alert a"), "{alerts}");
    store.acknowledge("a", "ann", Timestamp::UNIX_EPOCH).await.unwrap();
}
