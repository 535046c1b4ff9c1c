//! Findings, evidence and verdicts → table, JSON, …, one file each; used by command line and hub.
//!
//! A format is one file with a `write` and one line in [`ALL`]. What goes to a terminal passes
//! [`terminal::clean`], which is the one place where outside text loses what could drive a terminal.

use cleanbill_advisory::DatabaseInfo;
use cleanbill_match::GateResult;
use cleanbill_model::{Findings, Sbom};

pub mod json;
pub mod table;
pub mod terminal;

/// Everything there is to say about the scan of one target.
#[derive(Debug, Clone, Copy)]
pub struct ScanReport<'a> {
    /// The target as it was asked for.
    pub target: &'a str,
    /// What is aboard.
    pub sbom: &'a Sbom,
    /// What is wrong with it.
    pub findings: &'a Findings,
    /// What it was compared with.
    pub database: &'a DatabaseInfo,
    /// What the gate says; `None` where there was none.
    pub gate: Option<&'a GateResult>,
}

/// A format of scan reports.
pub struct Format {
    /// Name after `-o`.
    pub name: &'static str,
    /// Writes a report; formats without lines for people do not mind the width.
    pub write: fn(&ScanReport<'_>, usize) -> String,
}

/// All formats, one line each.
pub const ALL: &[Format] =
    &[Format { name: "table", write: table::write }, Format { name: "json", write: |report, _| json::write(report) }];
