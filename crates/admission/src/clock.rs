//! The clock's floor: the highest time that was ever seen, kept in `DATA/admission/clock`.
//!
//! Somebody who turns the clock back brings ended exceptions, old knowledge and spent break-glass to
//! life. So a clock that is more than five minutes below the floor is not believed: the webhook is not
//! ready, and what depends on the time is undecided. The caller says what time it is.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cleanbill_model::Timestamp;
use jiff::SignedDuration;

/// Clocks may be off by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// How far the kept time may be behind the highest that was seen.
const KEPT_EVERY: SignedDuration = SignedDuration::from_mins(1);
const FILE_LIMIT: u64 = 256;

/// The clock cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the clock says {now}, and it was {floor} before")]
pub struct ClockBehind {
    /// What it says.
    pub now: Timestamp,
    /// What it said before.
    pub floor: Timestamp,
}

/// Why there is no floor.
#[derive(Debug, thiserror::Error)]
pub enum FloorError {
    /// The file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{path} holds no time: {why}\nhint: remove it once the clock is right")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The highest time that was seen.
#[derive(Debug)]
pub struct Floor {
    path: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    highest: Timestamp,
    kept: Timestamp,
}

impl Floor {
    /// Opens the one of a data directory. A damaged file is an error: taking it for none would be a way
    /// to turn the clock back.
    pub fn open(data_dir: &Path) -> Result<Self, FloorError> {
        let dir = data_dir.join("admission");
        let path = dir.join("clock");
        let io = |source| FloorError::Io { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(io)?;
        let kept = match File::open(&path) {
            Ok(file) => {
                let mut text = String::new();
                file.take(FILE_LIMIT).read_to_string(&mut text).map_err(io)?;
                let parsed = text.trim().parse::<Timestamp>();
                parsed.map_err(|e| FloorError::Damaged { path: path.clone(), why: e.to_string() })?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Timestamp::MIN,
            Err(error) => return Err(io(error)),
        };
        Ok(Self { path, seen: Mutex::new(Seen { highest: kept, kept }) })
    }

    /// Whether this time can be believed; it is the floor from now on if it is the highest.
    pub fn check(&self, now: Timestamp) -> Result<(), ClockBehind> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now < seen.highest.saturating_sub(SKEW).unwrap_or(Timestamp::MIN) {
            return Err(ClockBehind { now, floor: seen.highest });
        }
        seen.highest = seen.highest.max(now);
        if seen.kept.saturating_add(KEPT_EVERY).unwrap_or(Timestamp::MAX) < seen.highest {
            match self.keep(seen.highest) {
                Ok(()) => seen.kept = seen.highest,
                Err(error) => tracing::warn!(path = %self.path.display(), %error, "the time could not be kept"),
            }
        }
        Ok(())
    }

    fn keep(&self, time: Timestamp) -> std::io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(format!("{time}\n").as_bytes())?;
        std::fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    #[test]
    fn a_clock_that_goes_back_is_not_believed_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let floor = Floor::open(dir.path()).unwrap();
        assert_eq!(floor.check(at(100)), Ok(()));
        assert_eq!(floor.check(at(95)), Ok(()), "five minutes are let pass");
        assert_eq!(floor.check(at(94)), Err(ClockBehind { now: at(94), floor: at(100) }));
        let again = Floor::open(dir.path()).unwrap();
        assert_eq!(again.check(at(94)), Err(ClockBehind { now: at(94), floor: at(100) }));
        assert_eq!(again.check(at(101)), Ok(()));
        assert_eq!(again.check(at(95)), Err(ClockBehind { now: at(95), floor: at(101) }));
    }

    #[test]
    fn it_is_kept_once_a_minute_and_never_lowered() {
        let dir = tempfile::tempdir().unwrap();
        let kept = || std::fs::read_to_string(dir.path().join("admission/clock")).unwrap();
        let floor = Floor::open(dir.path()).unwrap();
        floor.check(at(100)).unwrap();
        let first = kept();
        floor.check(at(101)).unwrap();
        floor.check(at(99)).unwrap();
        assert_eq!(kept(), first);
        floor.check(at(102)).unwrap();
        assert_ne!(kept(), first);
    }

    #[test]
    fn a_damaged_file_is_no_way_to_turn_the_clock_back() {
        let dir = tempfile::tempdir().unwrap();
        Floor::open(dir.path()).unwrap().check(at(0)).unwrap();
        std::fs::write(dir.path().join("admission/clock"), "soon").unwrap();
        let error = Floor::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("holds no time") && error.contains("hint:"), "{error}");
    }
}
