//! What a verdict rests on: found out by others, handed in as one value.

use std::sync::Arc;

use cleanbill_advisory::DatabaseInfo;
use cleanbill_model::{Evidence, Findings, Sbom, Timestamp, Unavailable};

use crate::Statement;

/// Everything that is known of one image.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Who signed it, or why that could not be found out.
    pub evidence: Result<&'a Evidence, &'a Unavailable>,
    /// The statements that verified for exactly this digest. Rules that ask for attestations are met by
    /// these alone; a signature is never one, and none of these is a signature.
    pub statements: &'a [Statement],
    /// What is wrong with it; `None`: nobody was asked. Statements about it take no part: what somebody
    /// attests of packages or findings never replaces a look of our own (A60, A62).
    pub scanned: Option<&'a Scanned>,
    /// The moment of the verdict.
    pub now: Timestamp,
}

impl<'a> Facts<'a> {
    /// Evidence alone.
    pub fn of(evidence: Result<&'a Evidence, &'a Unavailable>) -> Self {
        Self { evidence, statements: &[], scanned: None, now: Timestamp::UNIX_EPOCH }
    }
}

/// What is known to be wrong with an image when somebody asks whether it may run.
#[derive(Debug, Clone)]
pub enum Scanned {
    /// It was looked into: one look for each manifest that could run of it. A gate judges every one.
    Known(Vec<Scan>),
    /// It was not looked into, or not yet: why.
    NotYet(String),
    /// It is built in a way in which nobody can say what would run of it: why. No word about images that
    /// are not scanned lets it pass (A56).
    Unreadable(String),
}

/// One look into one manifest.
#[derive(Debug, Clone)]
pub struct Scan {
    /// What was looked into, for people: `linux/amd64`, or a digest.
    pub what: String,
    /// What is wrong with it.
    pub findings: Arc<Findings>,
    /// What is in it: gates count what could not be read and what nobody speaks for.
    pub sbom: Arc<Sbom>,
    /// What it was held against.
    pub database: Arc<DatabaseInfo>,
    /// When it was held against that.
    pub at: Timestamp,
}
