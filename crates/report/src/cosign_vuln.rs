//! # cosign-vuln
//!
//! The predicate of `cosign attest --type vuln` (`COSIGN_VULN_ATTESTATION_SPEC.md` of sigstore/cosign):
//! scanner, database and time around our own JSON report.

use serde_json::json;

use crate::{ScanReport, TOOL, facts, json};

/// A report as a predicate.
pub fn write(report: &ScanReport<'_>) -> String {
    let time = facts::seconds(report.now);
    facts::pretty(&json!({
        "invocation": {
            "parameters": [],
            "uri": report.ci.workflow,
            "event_id": report.ci.run,
            "builder.id": report.ci.job,
        },
        "scanner": {
            "uri": format!("pkg:github/cleanbill/cleanbill@{}", TOOL.1),
            "version": TOOL.1,
            "db": {
                "uri": format!("sha256:{}", report.database.digest),
                "version": report.database.digest,
                "lastUpdate": report.database.built.map(facts::seconds),
            },
            "result": json::value(report),
        },
        "metadata": {"scanStartedOn": time, "scanFinishedOn": time},
    }))
}
