//! # node-core
//!
//! The index of vulnerabilities of the Node.js runtime (nodejs/security-wg `vuln/core/index.json`): an
//! object of entries by number. Its packages are `node` in the ecosystem `Node.js`, which is the runtime
//! itself and not the npm package of that name.
//!
//! ```json
//! {"1": {"cve": ["CVE-2017-1000381"], "vulnerable": "8.x || 7.x", "patched": "^8.1.4 || ^7.10.1",
//!        "ref": "https://…", "overview": "…", "affectedEnvironments": ["all"], "severity": "high"}}
//! ```
//!
//! Affected is what is vulnerable and not patched, in npm's grammar; where a release line ends without a
//! patch, the range has a limit and no fix. An entry with one CVE goes by it, one without or with several
//! by `NODE-number` of the index. Entries for some environments only (Windows) count for all.

use crate::osv::{one_line, word};
use crate::ranges::ranges;
use crate::sink::{Sink, blank};
use crate::{Format, base_score};
use cleanbill_model::{Affected, Cvss, FixState, RangeKind};
use cleanbill_version::{Constraint, Scheme};
use serde_json::Value;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "node-core", title: "index of vulnerabilities of the Node.js runtime", distribution: false };

/// The ecosystem of the runtime.
pub const ECOSYSTEM: &str = "Node.js";

pub(crate) fn is_entry(value: &Value) -> bool {
    value.get("vulnerable").is_some_and(Value::is_string) && value.get("cve").is_some_and(Value::is_array)
}

pub(crate) fn read_entry(number: &str, value: &Value, sink: &mut Sink) {
    let mut cves: Vec<String> = crate::osv::texts(&value["cve"]).into_iter().filter(|c| !c.trim().is_empty()).collect();
    cves.sort();
    cves.dedup();
    let own = format!("NODE-{}", one_line(number));
    let set = |key: &str| Constraint::parse(Scheme::Npm, value[key].as_str().unwrap_or_default());
    let patched = match &value["patched"] {
        Value::String(text) if !text.trim().is_empty() => set("patched"),
        _ => Ok(Constraint::none(Scheme::Npm)),
    };
    let (vulnerable, patched) = match (set("vulnerable"), patched) {
        (Ok(vulnerable), Ok(patched)) => (vulnerable, patched),
        (Err(e), _) | (_, Err(e)) => return sink.record_problem(format!("read {own}"), e.to_string()),
    };
    let affected = vulnerable.intersection(&patched.complement());
    let mut advisory = match &cves[..] {
        [one] => blank(&FORMAT, one.clone()),
        _ => blank(&FORMAT, own.clone()),
    };
    if advisory.id == own {
        advisory.upstream = cves;
    } else {
        advisory.aliases = vec![own.clone()];
    }
    advisory.summary = ["description", "overview"]
        .iter()
        .map(|key| one_line(value[key].as_str().unwrap_or_default()))
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    advisory.severity = word(&value["severity"]).unwrap_or_default();
    if let Some(vector) = value["cvss"].as_str().filter(|v| v.starts_with("CVSS:")) {
        advisory.cvss = vec![Cvss { score: base_score(vector), vector: vector.to_owned() }];
    }
    if let Some(day) = value["publish_date"].as_str() {
        match crate::times::day(day) {
            Ok(time) => advisory.published = Some(time),
            Err(why) => sink.record_problem(format!("read `publish_date` of {own}"), why),
        }
    }
    advisory.affected = vec![Affected {
        ecosystem: ECOSYSTEM.to_owned(),
        name: "node".to_owned(),
        ranges: ranges(&affected, Some(&patched), RangeKind::Semver),
        versions: Vec::new(),
        fix_state: FixState::ByRange,
        severity: None,
    }];
    sink.record(advisory);
}
