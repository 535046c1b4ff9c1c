//! The folder that publishers' files are kept in.
//!
//! A file is written beside its place and renamed, then its metadata. The metadata name the SHA-256 of the
//! file they speak of, so that the two are never taken for a pair when a crash or another program came
//! between: a file that is not the one its metadata name is not used and is fetched anew, without
//! conditions. While a file is fetched its lock is held, so that two processes neither fetch it twice nor
//! take turns in renaming; readers need no lock. Where the file system has no locks, renames alone keep
//! readers from torn files.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cleanbill_model::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::{FeedError, Fetch, address};

const SCHEMA: &str = "cleanbill/feed/v1";
/// Bytes of metadata that are read.
const META: u64 = 64 << 10;
/// How the name of what is being written ends.
const PART: &str = ".part";

/// A good file in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// From where it came, without user name, password and query.
    pub url: String,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// When the server last said that it is still current.
    pub checked_at: Timestamp,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it came by TLS all the way.
    pub authenticated: bool,
    /// What the server calls this version.
    pub(crate) etag: Option<String>,
    /// When the server says it changed.
    pub(crate) last_modified: Option<String>,
}

/// What is in the folder of a file that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file that is needed.
    pub fetch: Fetch,
    /// Where it lies, or would.
    pub path: PathBuf,
    /// What lies there.
    pub state: StoredState,
}

/// What lies in a file's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredState {
    /// A good file.
    Held(Held),
    /// Nothing.
    Absent,
    /// Something that is not used, and why.
    Damaged(String),
}

impl StoredState {
    /// The good file, if it is one.
    pub fn held(&self) -> Option<&Held> {
        if let Self::Held(held) = self { Some(held) } else { None }
    }
}

#[derive(Serialize, Deserialize)]
struct Meta {
    schema: String,
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    fetched_at: Timestamp,
    checked_at: Timestamp,
    sha256: String,
    size: u64,
    authenticated: bool,
}

/// What is in `folder` of the files of a plan, without asking anybody. Reads each file once, to see that it
/// is the one its metadata name.
pub fn stored(folder: &Path, plan: &[Fetch]) -> Vec<Stored> {
    let look = |fetch: &Fetch| match Place::of(folder, &fetch.url) {
        Ok(place) => Stored { fetch: fetch.clone(), state: place.read(), path: place.file },
        Err(error) => {
            Stored { fetch: fetch.clone(), path: folder.to_owned(), state: StoredState::Damaged(error.to_string()) }
        }
    };
    plan.iter().map(look).collect()
}

/// The paths that belong to one file.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    folder: PathBuf,
    name: String,
}

/// Held while a file is fetched.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Option<File>,
}

impl Place {
    pub(crate) fn of(folder: &Path, url: &str) -> Result<Self, FeedError> {
        let file = address::place(folder, url)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = file.parent().unwrap_or(folder).to_owned();
        Ok(Self { file, folder, name })
    }

    fn beside(&self, what: &str) -> PathBuf {
        self.folder.join(format!(".{}.{what}", self.name))
    }

    /// What lies there. Looks again where another process was between file and metadata.
    pub(crate) fn read(&self) -> StoredState {
        let mut meta = self.meta();
        for _ in 0..3 {
            let state = self.judge(&meta);
            if !matches!(state, StoredState::Damaged(_)) {
                return state;
            }
            let now = self.meta();
            if now == meta {
                return state;
            }
            meta = now;
        }
        StoredState::Damaged("it changes while it is read".to_owned())
    }

    fn meta(&self) -> Option<Result<Held, String>> {
        let path = self.beside("meta");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Err(format!("{}: {error}", path.display()))),
        };
        let mut bytes = Vec::new();
        if let Err(error) = file.take(META).read_to_end(&mut bytes) {
            return Some(Err(format!("{}: {error}", path.display())));
        }
        Some(match serde_json::from_slice::<Meta>(&bytes) {
            Ok(meta) if meta.schema == SCHEMA => Ok(Held {
                url: meta.url,
                fetched_at: meta.fetched_at,
                checked_at: meta.checked_at,
                sha256: meta.sha256,
                size: meta.size,
                authenticated: meta.authenticated,
                etag: meta.etag,
                last_modified: meta.last_modified,
            }),
            Ok(_) => Err(format!("{} is of another version", path.display())),
            Err(error) => Err(format!("{}: {error}", path.display())),
        })
    }

    fn judge(&self, meta: &Option<Result<Held, String>>) -> StoredState {
        let file = match File::open(&self.file) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && meta.is_none() => return StoredState::Absent,
            Err(error) => return StoredState::Damaged(format!("{}: {error}", self.file.display())),
        };
        let damaged = |why: &str| StoredState::Damaged(format!("{} {why}", self.file.display()));
        let held = match meta {
            Some(Ok(held)) => held,
            Some(Err(why)) => return StoredState::Damaged(why.clone()),
            None => return damaged("has no metadata beside it: nothing says where it came from"),
        };
        match fingerprint(file, held.size) {
            Ok((size, sha256)) if size == held.size && sha256 == held.sha256 => StoredState::Held(held.clone()),
            Ok(_) => damaged("is not the file that its metadata name"),
            Err(error) => StoredState::Damaged(format!("{}: {error}", self.file.display())),
        }
    }

    /// Takes the lock; `None` where another process has it. Makes the folder.
    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        fs::create_dir_all(&self.folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(self.beside("lock"))?;
        match file.try_lock() {
            Ok(()) => {
                self.sweep();
                Ok(Some(Lock { _file: Some(file) }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Some(Lock { _file: None }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes what a process left that ended while it wrote. Only under the lock.
    fn sweep(&self) {
        let prefix = format!(".{}.", self.name);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&prefix) && name.ends_with(PART) {
                // What cannot be removed is in nobody's way.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// A file to write to, removed unless it is kept.
    pub(crate) fn part(&self) -> io::Result<NamedTempFile> {
        let prefix = format!(".{}.", self.name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(PART);
        #[cfg(unix)]
        let mode = {
            // As other files are: what is left of this is for the umask to say.
            use std::os::unix::fs::PermissionsExt as _;
            fs::Permissions::from_mode(0o666)
        };
        #[cfg(unix)]
        builder.permissions(mode);
        builder.tempfile_in(&self.folder)
    }

    /// Puts a whole file in its place, and its metadata beside it.
    pub(crate) fn keep(&self, part: NamedTempFile, held: &Held) -> io::Result<()> {
        part.as_file().sync_all()?;
        part.persist(&self.file).map_err(|error| error.error)?;
        self.write_meta(held)
    }

    pub(crate) fn write_meta(&self, held: &Held) -> io::Result<()> {
        let meta = Meta {
            schema: SCHEMA.to_owned(),
            url: held.url.clone(),
            etag: held.etag.clone(),
            last_modified: held.last_modified.clone(),
            fetched_at: held.fetched_at,
            checked_at: held.checked_at,
            sha256: held.sha256.clone(),
            size: held.size,
            authenticated: held.authenticated,
        };
        let mut bytes = serde_json::to_vec_pretty(&meta).map_err(io::Error::other)?;
        bytes.push(b'\n');
        let mut part = self.part()?;
        part.write_all(&bytes)?;
        part.as_file().sync_all()?;
        part.persist(self.beside("meta")).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Size and SHA-256 of a file; no more than one byte over the expected size is read.
fn fingerprint(file: File, expect: u64) -> io::Result<(u64, String)> {
    let mut reader = file.take(expect.saturating_add(1));
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok((size, hex::encode(hash.finalize()))),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(buffer.get(..count).unwrap_or_default());
        size += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://a.example/x/data.json";

    fn held(bytes: &[u8]) -> Held {
        Held {
            url: URL.to_owned(),
            fetched_at: Timestamp::from_second(1_000).unwrap(),
            checked_at: Timestamp::from_second(2_000).unwrap(),
            sha256: hex::encode(Sha256::digest(bytes)),
            size: bytes.len() as u64,
            authenticated: true,
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
        }
    }

    fn kept(folder: &Path, bytes: &[u8]) -> Place {
        let place = Place::of(folder, URL).unwrap();
        place.lock().unwrap().unwrap();
        let mut part = place.part().unwrap();
        part.write_all(bytes).unwrap();
        place.keep(part, &held(bytes)).unwrap();
        place
    }

    #[track_caller]
    fn check_damaged(place: &Place, part: &str) {
        match place.read() {
            StoredState::Damaged(why) => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_kept_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Place::of(folder.path(), URL).unwrap().read(), StoredState::Absent);
        let place = kept(folder.path(), b"{}");
        assert_eq!(place.read(), StoredState::Held(held(b"{}")));
        let names: Vec<String> = fs::read_dir(&place.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        assert_eq!(names, ["data.json"]);
    }

    #[test]
    fn a_file_that_its_metadata_do_not_name_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let place = kept(folder.path(), b"{}");
        fs::write(&place.file, b"[]").unwrap();
        check_damaged(&place, "not the file that its metadata name");
        fs::write(&place.file, b"{} and more").unwrap();
        check_damaged(&place, "not the file that its metadata name");
        fs::remove_file(&place.file).unwrap();
        check_damaged(&place, "data.json");
    }

    #[test]
    fn metadata_that_cannot_be_read_vouch_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = kept(folder.path(), b"{}");
        fs::write(place.beside("meta"), b"{\"schema\":").unwrap();
        check_damaged(&place, ".data.json.meta");
        let mut meta: serde_json::Value = serde_json::json!({"schema": "cleanbill/feed/v9", "url": URL,
            "fetched_at": "2026-01-01T00:00:00Z", "checked_at": "2026-01-01T00:00:00Z", "size": 2,
            "authenticated": true});
        meta["sha256"] = held(b"{}").sha256.into();
        fs::write(place.beside("meta"), meta.to_string()).unwrap();
        check_damaged(&place, "another version");
        fs::remove_file(place.beside("meta")).unwrap();
        check_damaged(&place, "no metadata");
    }

    #[test]
    fn a_lock_is_held_by_one_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path(), URL).unwrap();
        let first = place.lock().unwrap().unwrap();
        assert!(place.lock().unwrap().is_none());
        drop(first);
        assert!(place.lock().unwrap().is_some());
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = kept(folder.path(), b"{}");
        let (left, other) = (place.folder.join(".data.json.abc.part"), place.folder.join(".more.json.abc.part"));
        fs::write(&left, b"half").unwrap();
        fs::write(&other, b"half").unwrap();
        drop(place.lock().unwrap());
        assert!(!left.exists());
        assert!(other.exists());
        assert!(matches!(place.read(), StoredState::Held(_)));
    }

    #[test]
    fn a_plan_is_looked_up_whole() {
        let folder = tempfile::tempdir().unwrap();
        let plan = crate::plan(&["npm".to_owned()].into());
        let stored = stored(folder.path(), &plan);
        assert_eq!(stored.len(), plan.len());
        assert!(stored.iter().all(|s| s.state == StoredState::Absent));
        assert!(stored[0].path.ends_with("osv-vulnerabilities.storage.googleapis.com/npm/all.zip"));
    }
}
