//! What is told while files are fetched.

use std::time::Duration;

use crate::{FeedError, Fetch, Outcome};

/// Hears what happens. Called from several fetches in turn; must not block.
pub trait Progress: Send + Sync {
    /// A file is asked for, at this address.
    fn asked(&self, _fetch: &Fetch, _address: &str) {}

    /// So many bytes of a file are there, of so many where the server says. Starts anew with each try.
    fn bytes(&self, fetch: &Fetch, so_far: u64, total: Option<u64>);

    /// Another try comes after a pause.
    fn waits(&self, _fetch: &Fetch, _why: &FeedError, _pause: Duration) {}

    /// A file is dealt with.
    fn done(&self, _outcome: &Outcome) {}
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn bytes(&self, _fetch: &Fetch, _so_far: u64, _total: Option<u64>) {}
}
