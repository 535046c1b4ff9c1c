//! Fetching advisories from their publishers: which files an image's ecosystems need ([`plan`]), and
//! bringing them into a folder ([`Feeds::update`]) with conditional requests, so that what did not change
//! is not sent again.
//!
//! The folder holds the publishers' files as they are, laid out as a mirror is: `FOLDER/HOST/PATH`. So a
//! folder that one machine filled can be served to others, which name it by [`FeedsOptions::mirror`].
//! Beside each `NAME` lies `.NAME.meta` (JSON: from where, when, which bytes) and `.NAME.lock`; readers of
//! advisories pass over names that begin with a dot.
//!
//! Nothing that a server answers replaces a good file unless it is whole and begins and ends as the
//! publisher's file does: a sign-in page, an error in the clothes of a success or a cut transfer leaves the
//! last good file in place, and the [`Outcome`] says so with its age. Data that did not come by TLS all the
//! way is marked.

mod address;
mod cache;
mod error;
mod plan;
mod progress;
mod retry;
mod shape;
pub mod sources;
mod transport;
mod update;

use std::path::PathBuf;
use std::time::Duration;

pub use cache::{Held, Stored, StoredState, stored};
pub use error::{ErrorKind, FeedError};
pub use plan::{Fetch, File, For, Form, Source, plan, without_source};
pub use progress::{Progress, Quiet};
pub use retry::{Pause, Sleep};
pub use sources::ALL;
pub use update::{Feeds, Outcome, State};
/// The URL type of [`FeedsOptions::mirror`].
pub use url::Url;

/// How feeds are fetched.
#[derive(Debug, Clone)]
pub struct FeedsOptions {
    /// Where the files are kept; made when it is not there.
    pub folder: PathBuf,
    /// A base under which every publisher's files lie as `MIRROR/HOST/PATH`; `None` asks the publishers.
    /// May be `http://`, which marks all that comes from it as unauthenticated. A user name and password in
    /// it are sent to the mirror and to nobody else.
    pub mirror: Option<Url>,
    /// The longest wait for a connection, for the head of an answer, and for more of its body.
    pub timeout: Duration,
    /// The longest that one try for one file may take, and the longest wait for another process that
    /// fetches the same file.
    pub deadline: Duration,
    /// Tries after the first, for what may pass by itself (connection failures, cut bodies, 429, 5xx).
    pub retries: u32,
    /// The longest pause before another try; a server that asks for a longer one is not asked again.
    pub patience: Duration,
    /// A file that its publisher confirmed less than this ago is not asked for.
    pub fresh: Duration,
    /// Whether fresh files are asked for all the same.
    pub force: bool,
    /// Files fetched at once.
    pub parallel: usize,
    /// No file may be larger than this, whatever its own bound ([`Fetch::limit`]).
    pub limit: u64,
}

impl FeedsOptions {
    /// The usual options, for a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            mirror: None,
            timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
            retries: 3,
            patience: Duration::from_secs(60),
            fresh: Duration::from_secs(60 * 60),
            force: false,
            parallel: 4,
            limit: u64::MAX,
        }
    }
}
