//! How much a reader of outside bytes may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Tells a reader to stop. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everyone who holds a clone to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bounds for one reading of outside bytes. Every reader takes one; none is unbounded.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Bytes after decompression, over the whole reading.
    pub bytes: u64,
    /// Bytes of one file that is looked into.
    pub file_bytes: u64,
    /// Entries (files, records) over the whole reading.
    pub entries: u64,
    /// Nesting: archives in archives, links to links.
    pub depth: u32,
    /// When to give up.
    pub deadline: Option<Instant>,
    /// Whether somebody gave up waiting.
    pub cancel: Cancel,
}

/// A bound was met. The reading keeps what it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// Too many bytes.
    #[error("more than {0} bytes after decompression")]
    Bytes(u64),
    /// Too many entries.
    #[error("more than {0} entries")]
    Entries(u64),
    /// The deadline passed.
    #[error("not done before the deadline")]
    Deadline,
    /// Cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Default for Budget {
    /// For one image: 64 GiB inflated, 1 GiB a file, five million entries, eight levels.
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            file_bytes: 1 << 30,
            entries: 5_000_000,
            depth: 8,
            deadline: None,
            cancel: Cancel::default(),
        }
    }
}

impl Budget {
    /// Takes `bytes` off; an error when there are not as many left, or when time is up.
    pub fn take_bytes(&mut self, bytes: u64) -> Result<(), BudgetError> {
        self.check()?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(BudgetError::Bytes(self.bytes))?;
        Ok(())
    }

    /// Takes one entry off.
    pub fn take_entry(&mut self) -> Result<(), BudgetError> {
        self.check()?;
        self.entries = self.entries.checked_sub(1).ok_or(BudgetError::Entries(self.entries))?;
        Ok(())
    }

    /// An error when time is up or somebody cancelled.
    pub fn check(&self) -> Result<(), BudgetError> {
        if self.cancel.is_cancelled() {
            return Err(BudgetError::Cancelled);
        }
        if self.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(BudgetError::Deadline);
        }
        Ok(())
    }
}
