//! Watched folders of advisories: what changed, and whether the change can be taken.
//!
//! The set of files is (path, size, time of change, content hash). A change is taken whole or not
//! at all: one file that cannot be read, and all of the data before it stays in use. Hidden files
//! are not looked at: editors and volume mounts keep their own things in them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cleanbill_advisory::Database;
use cleanbill_model::{Algorithm, Digest, Hasher, Timestamp};

const MOST_FILES: usize = 100_000;
const DEEPEST: usize = 16;
const LARGEST_FILE: u64 = 4 << 30;
/// A file changed this shortly before it was looked at may change again without a new time.
const RACY: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    hash: Digest,
    racy: bool,
}

/// The watched folders and what was in them at the last look.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    paths: Vec<PathBuf>,
    seen: Option<BTreeMap<PathBuf, Seen>>,
}

/// What a look found.
pub(crate) enum Look {
    /// As before.
    Same,
    /// A change that cannot be taken: which file, and why.
    Refused(String),
    /// A change, validated and compiled.
    Changed {
        database: Database,
        /// The database as a file.
        bytes: Vec<u8>,
        files: usize,
    },
}

impl Folder {
    pub(crate) fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths, seen: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Looks, blocking. A set that was refused is not tried again until it changes.
    pub(crate) fn look(&mut self, now: Timestamp) -> Look {
        let files = match self.list() {
            Ok(files) => files,
            // Not remembered: a folder that comes back is read again.
            Err(why) => {
                self.seen = None;
                return Look::Refused(why);
            }
        };
        let content =
            |seen: &BTreeMap<PathBuf, Seen>| seen.iter().map(|(p, s)| (p.clone(), s.hash.clone())).collect::<Vec<_>>();
        if let Some(before) = &self.seen
            && content(before) == content(&files)
        {
            self.seen = Some(files);
            return Look::Same;
        }
        let paths: Vec<PathBuf> = files.keys().cloned().collect();
        let outcome = import(&paths, now);
        // What changed while it was read is read again.
        match self.list() {
            Ok(after) if content(&after) == content(&files) => {}
            _ => return Look::Refused("the advisories changed while they were read; they are read again".to_owned()),
        }
        let count = files.len();
        self.seen = Some(files);
        match outcome {
            Ok((database, bytes)) => Look::Changed { database, bytes, files: count },
            Err(why) => Look::Refused(why),
        }
    }

    fn list(&self) -> Result<BTreeMap<PathBuf, Seen>, String> {
        let mut files = BTreeMap::new();
        for path in &self.paths {
            self.walk(path, 0, &mut files)?;
        }
        Ok(files)
    }

    fn walk(&self, path: &Path, depth: usize, into: &mut BTreeMap<PathBuf, Seen>) -> Result<(), String> {
        let fail = |e: std::io::Error| format!("{}: {e}", path.display());
        let about = std::fs::metadata(path).map_err(fail)?;
        if about.is_dir() {
            if depth >= DEEPEST {
                return Err(format!("{}: folders are nested more than {DEEPEST} deep", path.display()));
            }
            for entry in std::fs::read_dir(path).map_err(fail)? {
                let entry = entry.map_err(fail)?;
                if !entry.file_name().to_string_lossy().starts_with('.') {
                    self.walk(&entry.path(), depth + 1, into)?;
                }
            }
            return Ok(());
        }
        if into.len() >= MOST_FILES {
            return Err(format!("{}: more than {MOST_FILES} files", path.display()));
        }
        if !about.is_file() {
            return Err(format!("{} is neither file nor folder", path.display()));
        }
        let (size, modified) = (about.len(), about.modified().ok());
        let before = self.seen.as_ref().and_then(|s| s.get(path));
        let racy = modified
            .is_none_or(|m| SystemTime::now().duration_since(m).is_ok_and(|age| age < RACY) || m > SystemTime::now());
        let hash = match before {
            Some(seen) if seen.size == size && seen.modified == modified && !seen.racy => seen.hash.clone(),
            _ => hash(path).map_err(fail)?,
        };
        into.insert(path.to_path_buf(), Seen { size, modified, hash, racy });
        Ok(())
    }
}

fn hash(path: &Path) -> std::io::Result<Digest> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    let mut all: u64 = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(hasher.finish());
        }
        all += n as u64;
        if all > LARGEST_FILE {
            return Err(std::io::Error::other(format!("larger than {} GiB", LARGEST_FILE >> 30)));
        }
        hasher.update(&buffer[..n]);
    }
}

fn import(paths: &[PathBuf], now: Timestamp) -> Result<(Database, Vec<u8>), String> {
    let import = if paths.is_empty() {
        cleanbill_advisory::Import::default()
    } else {
        cleanbill_advisory::import(paths).map_err(|e| e.to_string())?
    };
    // A licence or README beside the records is nothing that failed to be read.
    let failed: Vec<_> = import.problems.iter().filter(|p| p.code != "advisory-documentation").collect();
    if let Some(problem) = failed.first() {
        let more = match failed.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        return Err(format!("{}: could not {}: {}{more}", problem.path, problem.what, problem.why));
    }
    let bytes = Database::compile(&import, Some(now));
    let database = Database::from_bytes(bytes.clone()).map_err(|e| e.to_string())?;
    Ok((database, bytes))
}
