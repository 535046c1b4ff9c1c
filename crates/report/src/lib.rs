//! Findings, evidence and verdicts → table, JSON, …, one file each; used by command line and hub.
//!
//! A format is one file with a `write` and one line in [`ALL`]. Outside text passes one encoder per kind of
//! place it goes to: [`terminal`] for terminals (and everything that may be shown on one), [`encode`] for
//! HTML, XML, Markdown and CSV; JSON is written by a serializer and then by [`terminal`].

use cleanbill_advisory::DatabaseInfo;
use cleanbill_match::GateResult;
use cleanbill_model::{Findings, Sbom, Timestamp};

pub mod cosign_vuln;
pub mod csv;
pub mod cyclonedx;
pub mod encode;
pub mod github;
pub mod gitlab;
pub mod grype_json;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod openvex;
pub mod sarif;
pub mod sbom_table;
pub mod table;
pub mod terminal;
pub mod trivy_json;

mod facts;
mod lines;
mod next_steps;

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
    /// When it was scanned (`SOURCE_DATE_EPOCH` where set): what documents state, and what the end of
    /// support is compared with.
    pub now: Timestamp,
    /// Where it was scanned, for formats that name it.
    pub ci: Ci<'a>,
}

/// The run of a CI system that a scan belongs to; empty outside of one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ci<'a> {
    /// The commit: `GITHUB_SHA`.
    pub commit: &'a str,
    /// The reference: `GITHUB_REF`.
    pub reference: &'a str,
    /// The workflow: `GITHUB_WORKFLOW`.
    pub workflow: &'a str,
    /// The job: `GITHUB_JOB`.
    pub job: &'a str,
    /// The run's id: `GITHUB_RUN_ID`.
    pub run: &'a str,
}

/// A format of scan reports.
pub struct Format {
    /// Name after `-o`.
    pub name: &'static str,
    /// Writes a report; formats without lines for people do not mind the width.
    pub write: fn(&ScanReport<'_>, usize) -> String,
}

/// All formats, one line each.
pub const ALL: &[Format] = &[
    Format { name: "table", write: table::write },
    Format { name: "json", write: |report, _| json::write(report) },
    Format { name: "sarif", write: |report, _| sarif::write(report) },
    Format { name: "cyclonedx", write: |report, _| cyclonedx::write(report) },
    Format { name: "github", write: |report, _| github::write(report) },
    Format { name: "gitlab", write: |report, _| gitlab::write(report) },
    Format { name: "junit", write: |report, _| junit::write(report) },
    Format { name: "markdown", write: |report, _| markdown::write(report) },
    Format { name: "html", write: |report, _| html::write(report) },
    Format { name: "csv", write: |report, _| csv::write(report) },
    Format { name: "cosign-vuln", write: |report, _| cosign_vuln::write(report) },
    Format { name: "openvex", write: |report, _| openvex::write(report) },
    Format { name: "trivy-json", write: |report, _| trivy_json::write(report) },
    Format { name: "grype-json", write: |report, _| grype_json::write(report) },
];

/// The name of our tool and its version, as documents state them.
const TOOL: (&str, &str) = ("cleanbill", env!("CARGO_PKG_VERSION"));

/// Where to read about it.
const HOME: &str = "https://github.com/cleanbill/cleanbill";
