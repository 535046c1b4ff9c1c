//! What is attached to a digest, kept for a short while.
//!
//! Keyed by registry, repository and digest, never by tag, and holding facts alone: a verdict is
//! computed from them each time, so an edited policy or another repository counts at once (A32, A75), and
//! no condition is passed over because something is known already (A33). What was read without
//! attestations is another entry than what was read with them.
//!
//! All requests read with one set of credentials, the operator's; what a Pod's `imagePullSecrets` could
//! read takes no part, so nobody reads through here what another's secret fetched (A40).
//! What could not be reached is never kept. One caller at a time fetches for a key; the others wait
//! and read what it found.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cleanbill_model::{Digest, Reference};
use tokio::sync::Mutex as Turn;

use crate::look::Gathered;

/// How long facts count that hold a signature which the asking policies accept.
const SIGNED_FOR: Duration = Duration::from_secs(60);
/// How long facts count that hold none: long enough for a burst of pods, short enough for somebody who
/// signs and tries again.
const UNSIGNED_FOR: Duration = Duration::from_secs(2);
/// Entries kept; the oldest go first.
const CAPACITY: usize = 4096;

/// What facts are about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    registry: String,
    repository: String,
    digest: Digest,
    attestations: bool,
}

impl Key {
    pub(crate) fn new(image: &Reference, digest: &Digest, attestations: bool) -> Self {
        Self {
            registry: image.registry().to_owned(),
            repository: image.repository().to_owned(),
            digest: digest.clone(),
            attestations,
        }
    }
}

struct Entry<V> {
    value: Arc<V>,
    since: Instant,
}

/// The facts, shared by all requests.
pub(crate) struct Facts<V = Gathered> {
    entries: Mutex<HashMap<Key, Entry<V>>>,
    turns: Turns,
}

type Turns = Mutex<HashMap<Key, Arc<Turn<()>>>>;

impl<V> Default for Facts<V> {
    fn default() -> Self {
        Self { entries: Mutex::default(), turns: Turns::default() }
    }
}

impl<V> Facts<V> {
    /// What is known about `key` and still counts; `signed` says whether the caller's policies find a
    /// valid signature in it.
    pub(crate) fn read(&self, key: &Key, now: Instant, signed: impl Fn(&V) -> bool) -> Option<Arc<V>> {
        let (collected, age) = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = entries.get(key)?;
            (entry.value.clone(), now.saturating_duration_since(entry.since))
        };
        let limit = if age < UNSIGNED_FOR || !signed(&collected) { UNSIGNED_FOR } else { SIGNED_FOR };
        (age < limit).then_some(collected)
    }

    /// Keeps what was found.
    fn keep(&self, key: Key, collected: Arc<V>, now: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY && !entries.contains_key(&key) {
            entries.retain(|_, entry| now.saturating_duration_since(entry.since) < SIGNED_FOR);
            if entries.len() >= CAPACITY
                && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.since).map(|(key, _)| key.clone())
            {
                entries.remove(&oldest);
            }
        }
        entries.insert(key, Entry { value: collected, since: now });
    }

    /// What is known, else what `fetch` finds. With `keep` false nothing is changed: what is known
    /// is read, and nobody else waits for the caller.
    pub(crate) async fn get<E, F>(
        &self,
        key: Key,
        keep: bool,
        signed: impl Fn(&V) -> bool,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<V, E>>,
    {
        if let Some(known) = self.read(&key, Instant::now(), &signed) {
            return Ok(known);
        }
        if !keep {
            return fetch().await.map(Arc::new);
        }
        let turn = Held::new(&self.turns, key.clone());
        let _mine = turn.turn.lock().await;
        if let Some(known) = self.read(&key, Instant::now(), &signed) {
            return Ok(known);
        }
        let collected = Arc::new(fetch().await?);
        self.keep(key, collected.clone(), Instant::now());
        Ok(collected)
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A place in the queue for a key; the queue goes when the last one leaves, also by a timeout.
struct Held<'a> {
    turns: &'a Turns,
    key: Key,
    turn: Arc<Turn<()>>,
}

impl<'a> Held<'a> {
    fn new(turns: &'a Turns, key: Key) -> Self {
        let turn = turns.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        Self { turns, key, turn }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours and the map's.
        if Arc::strong_count(&self.turn) <= 2 {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests;
