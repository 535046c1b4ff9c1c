//! Bringing the files of a plan up to date: who is asked, who is not, and what is kept when it fails.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cleanbill_model::Timestamp;
use futures::StreamExt as _;
use tokio::time::timeout;
use url::Url;

use crate::address::{address, check_mirror, shown};
use crate::cache::{Held, Lock, Place, Stored, StoredState, stored};
use crate::transport::{Answer, Ask, Failure, Http};
use crate::{ErrorKind, FeedError, FeedsOptions, Fetch, Pause, Progress, Sleep, retry};

/// Pause between two looks at a lock that another process has.
const LOOK: Duration = Duration::from_millis(200);

/// Fetches publishers' files into a folder. Cheap to clone.
#[derive(Clone)]
pub struct Feeds {
    options: FeedsOptions,
    http: Arc<Http>,
    pause: Arc<dyn Pause>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The file.
    pub fetch: Fetch,
    /// Where it lies; there is nothing to read where the state is [`State::Failed`].
    pub path: PathBuf,
    /// What happened.
    pub state: State,
    /// When what lies there was fetched.
    pub fetched_at: Option<Timestamp>,
    /// When its server last said that it is current.
    pub checked_at: Option<Timestamp>,
    /// Whether what lies there came by TLS all the way; otherwise anybody on the way may have written it.
    pub authenticated: bool,
    /// SHA-256 of what lies there, in hexadecimal.
    pub sha256: Option<String>,
    /// Size of what lies there, in bytes.
    pub size: Option<u64>,
}

/// What happened to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is new.
    Fetched,
    /// What was there is current, or fresh enough not to ask.
    Unchanged,
    /// It could not be had; the last good one is used.
    Kept {
        /// Why it could not be had.
        why: FeedError,
        /// How long ago its server last said that the good one is current.
        age: Duration,
    },
    /// It could not be had, and there is none.
    Failed {
        /// Why it could not be had.
        why: FeedError,
    },
}

impl Outcome {
    /// Whether there is a file to read.
    pub fn is_usable(&self) -> bool {
        !matches!(self.state, State::Failed { .. })
    }

    /// Why it could not be had, where it could not.
    pub fn error(&self) -> Option<&FeedError> {
        match &self.state {
            State::Kept { why, .. } | State::Failed { why } => Some(why),
            State::Fetched | State::Unchanged => None,
        }
    }
}

impl Feeds {
    /// With these options. Fails where the mirror is none.
    pub fn new(options: FeedsOptions) -> Result<Self, FeedError> {
        if let Some(mirror) = &options.mirror {
            check_mirror(mirror)?;
        }
        let http = Arc::new(Http::new(options.timeout));
        Ok(Self { options, http, pause: Arc::new(Sleep) })
    }

    /// Pauses between tries as told.
    pub fn with_pause(mut self, pause: Arc<dyn Pause>) -> Self {
        self.pause = pause;
        self
    }

    /// What is in the folder of the files of a plan, without asking anybody.
    pub fn stored(&self, plan: &[Fetch]) -> Vec<Stored> {
        stored(&self.options.folder, plan)
    }

    /// Brings the files of a plan up to date, several at once; one outcome a file, in the plan's order.
    /// Nothing of it fails as a whole: each outcome says what became of its file.
    pub async fn update(&self, plan: &[Fetch], now: Timestamp, progress: &dyn Progress) -> Vec<Outcome> {
        let one = |(index, fetch)| async move {
            let outcome = self.one(fetch, now, progress).await;
            progress.done(&outcome);
            (index, outcome)
        };
        let work: Vec<_> = plan.iter().enumerate().map(one).collect();
        let mut outcomes: Vec<(usize, Outcome)> =
            futures::stream::iter(work).buffer_unordered(self.options.parallel.max(1)).collect().await;
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn one(&self, fetch: &Fetch, now: Timestamp, progress: &dyn Progress) -> Outcome {
        let place = match Place::of(&self.options.folder, &fetch.url) {
            Ok(place) => place,
            Err(why) => return outcome(fetch, self.options.folder.clone(), State::Failed { why }, None),
        };
        let brought = match address(&fetch.url, self.options.mirror.as_ref()) {
            Ok(address) => self.bring(fetch, &place, &address, now, progress).await,
            Err(why) => Err(why),
        };
        match brought {
            Ok((state, held)) => outcome(fetch, place.file, state, Some(&held)),
            Err(mut why) => match read(&place).await {
                StoredState::Held(held) => {
                    let age = Duration::try_from(now.duration_since(held.checked_at)).unwrap_or_default();
                    outcome(fetch, place.file, State::Kept { why, age }, Some(&held))
                }
                StoredState::Absent => outcome(fetch, place.file, State::Failed { why }, None),
                StoredState::Damaged(damage) => {
                    why.why = format!("{}; what is stored cannot be used: {damage}", why.why);
                    outcome(fetch, place.file, State::Failed { why }, None)
                }
            },
        }
    }

    /// What is there in the end, and whether it is new.
    async fn bring(
        &self,
        fetch: &Fetch,
        place: &Place,
        address: &Url,
        now: Timestamp,
        progress: &dyn Progress,
    ) -> Result<(State, Held), FeedError> {
        let url = shown(address);
        if !self.options.force
            && let StoredState::Held(held) = read(place).await
            && self.is_fresh(&held, &url, now)
        {
            return Ok((State::Unchanged, held));
        }
        let _lock = self.lock(place, &url).await?;
        // Again: another process may have fetched it while we waited.
        let held = match read(place).await {
            StoredState::Held(held) if !self.options.force && self.is_fresh(&held, &url, now) => {
                return Ok((State::Unchanged, held));
            }
            StoredState::Held(held) => Some(held),
            StoredState::Absent => None,
            StoredState::Damaged(why) => {
                tracing::warn!(why, "a stored feed cannot be used and is fetched anew");
                None
            }
        };
        let limit = fetch.limit.min(self.options.limit);
        let ask = Ask { fetch, address, place, held: held.as_ref(), timeout: self.options.timeout, limit, now };
        progress.asked(fetch, &url);
        let answer = self.tries(&ask, &url, progress).await?;
        let (state, held, part) = match (answer, held) {
            (Answer::Unchanged, Some(held)) => (State::Unchanged, Held { checked_at: now, ..held }, None),
            (Answer::Unchanged, None) => {
                let why = "the server says that nothing changed, but there is nothing here";
                return Err(FeedError::new(ErrorKind::Invalid, url, why));
            }
            (Answer::New(new), held) => {
                let same = held.is_some_and(|held| held.sha256 == new.sha256);
                let held = Held {
                    url: url.clone(),
                    fetched_at: now,
                    checked_at: now,
                    sha256: new.sha256,
                    size: new.size,
                    authenticated: new.authenticated,
                    etag: new.etag,
                    last_modified: new.last_modified,
                };
                // The same bytes: what was made of them still holds.
                if same { (State::Unchanged, held, None) } else { (State::Fetched, held, Some(new.part)) }
            }
        };
        let kept = {
            let (place, held) = (place.clone(), held.clone());
            tokio::task::spawn_blocking(move || match part {
                Some(part) => place.keep(part, &held),
                None => place.write_meta(&held),
            })
        };
        let kept = kept.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        kept.map_err(|error| FeedError::disk(&url, &place.file, &error))?;
        Ok((state, held))
    }

    /// Whether a file came from this address and was confirmed a short time ago. One of the future (clocks
    /// differ, and another process may be ahead of our `now`) is fresh by the same measure.
    fn is_fresh(&self, held: &Held, url: &str, now: Timestamp) -> bool {
        held.url == url && now.duration_since(held.checked_at).unsigned_abs() < self.options.fresh
    }

    /// Waits for the lock of a file.
    async fn lock(&self, place: &Place, url: &str) -> Result<Lock, FeedError> {
        let mut waited = Duration::ZERO;
        loop {
            match place.lock() {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) if waited < self.options.deadline => {
                    self.pause.pause(LOOK).await;
                    waited += LOOK;
                }
                Ok(None) => {
                    let why = format!("another process has been fetching it for more than {} s", waited.as_secs());
                    return Err(FeedError::new(ErrorKind::Busy, url, why));
                }
                Err(error) => return Err(FeedError::disk(url, &place.file, &error)),
            }
        }
    }

    /// Asks until there is an answer, or no hope of one.
    async fn tries(&self, ask: &Ask<'_>, url: &str, progress: &dyn Progress) -> Result<Answer, FeedError> {
        let FeedsOptions { deadline, retries, patience, .. } = self.options;
        let mut attempt = 0;
        loop {
            let Failure { mut error, again } = match timeout(deadline, self.http.once(ask, progress)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    let why = format!("it was not there within {} s", deadline.as_secs_f32());
                    FeedError::new(ErrorKind::Unreachable, url, why).into()
                }
            };
            let Some(asked) = again else { return Err(error) };
            let pause = asked.unwrap_or_default().max(retry::pause(attempt));
            if attempt >= retries {
                if attempt > 0 {
                    error.why = format!("{} (tried {} times)", error.why, attempt + 1);
                }
                return Err(error);
            }
            if pause > patience {
                error.why = format!("{}, and asks not to be asked again for {} s", error.why, pause.as_secs());
                return Err(error);
            }
            tracing::debug!(url, why = error.why, ?pause, "trying again");
            progress.waits(ask.fetch, &error, pause);
            self.pause.pause(pause).await;
            attempt += 1;
        }
    }
}

/// What lies in a place; hashes it, on a thread of its own.
async fn read(place: &Place) -> StoredState {
    let place = place.clone();
    let read = tokio::task::spawn_blocking(move || place.read()).await;
    read.unwrap_or_else(|error| StoredState::Damaged(error.to_string()))
}

fn outcome(fetch: &Fetch, path: PathBuf, state: State, held: Option<&Held>) -> Outcome {
    Outcome {
        fetch: fetch.clone(),
        path,
        state,
        fetched_at: held.map(|held| held.fetched_at),
        checked_at: held.map(|held| held.checked_at),
        authenticated: held.is_some_and(|held| held.authenticated),
        sha256: held.map(|held| held.sha256.clone()),
        size: held.map(|held| held.size),
    }
}
