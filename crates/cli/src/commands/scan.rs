//! `cleanbill scan TARGET…`: packages × advisories → findings, and the gates.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use anyhow::Context as _;
use cleanbill_match::{FailOn, GateResult, Ignorance};
use cleanbill_model::{Findings, Severity};
use cleanbill_report::ScanReport;
use jiff::{SignedDuration, Timestamp};

use super::sbom::tell_problems;
use crate::args::{Common, Scan};
use crate::output::Sink;
use crate::{Outcome, database, output, target};

/// What the gate flags say.
struct Gate {
    fail_on: Option<FailOn>,
    /// trivy's words: which findings are shown at all.
    shown: Option<BTreeSet<Severity>>,
    only_fixed: bool,
    exit_code: u8,
    allow: Vec<Ignorance>,
    max_age: SignedDuration,
}

impl Gate {
    fn parse(args: &Scan) -> anyhow::Result<Self> {
        let fail_on = match args.fail_on.as_deref() {
            None | Some("none") => None,
            Some(text) => Some(FailOn::parse(text).map_err(|e| anyhow::anyhow!("{e}"))?),
        };
        let shown = args
            .severity
            .iter()
            .map(|word| {
                Severity::from_str(word.trim()).map_err(|()| {
                    anyhow::anyhow!("`{word}` is not a severity\nhint: UNKNOWN, LOW, MEDIUM, HIGH, CRITICAL")
                })
            })
            .collect::<anyhow::Result<BTreeSet<_>>>()?;
        let allow = args
            .allow
            .iter()
            .map(|word| {
                Ignorance::by_name(word.trim())
                    .with_context(|| format!("`{word}` cannot be allowed\nhint: use uncovered, stale or unreadable"))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self {
            fail_on,
            shown: (!shown.is_empty()).then_some(shown),
            only_fixed: args.ignore_unfixed,
            exit_code: args.exit_code,
            allow,
            max_age: SignedDuration::from_hours(i64::from(args.max_age) * 24),
        })
    }

    /// Leaves the findings that trivy's words ask for.
    fn show(&self, findings: Findings) -> Findings {
        let keep = |f: &cleanbill_model::Finding| {
            self.shown.as_ref().is_none_or(|s| s.contains(&f.severity)) && (!self.only_fixed || !f.fixed.is_empty())
        };
        Findings { findings: findings.findings.into_iter().filter(keep).collect(), coverage: findings.coverage }
    }

    /// The gate that is in force: `--fail-on`, or with `--exit-code N` everything that is shown.
    fn in_force(&self) -> Option<FailOn> {
        match &self.fail_on {
            Some(fail_on) => Some(fail_on.clone()),
            None if self.exit_code > 0 => Some(FailOn { severity: Some(Severity::Unknown), fixable: false }),
            None => None,
        }
    }
}

pub(crate) async fn run(args: &Scan, common: &Common) -> anyhow::Result<Outcome> {
    let sinks = args.output.iter().map(|o| Sink::parse(o, &["table", "json"])).collect::<anyhow::Result<Vec<_>>>()?;
    let gate = Gate::parse(args)?;
    let database = database::open(args.db.as_ref())?;
    let info = database.info();
    let mut passed = true;
    let mut problems = 0;
    for name in &args.targets {
        let sbom = target::inventory(name, args.platform.as_deref(), common).await?;
        let findings = gate.show(cleanbill_match::match_sbom(&sbom, &database)?);
        let result = gate.in_force().map(|fail_on| {
            cleanbill_match::gate(&findings, &sbom, &info, &fail_on, &gate.allow, Timestamp::now(), gate.max_age)
        });
        let report =
            ScanReport { target: name, sbom: &sbom, findings: &findings, database: &info, gate: result.as_ref() };
        for sink in &sinks {
            let text = match sink.format.as_str() {
                "json" => cleanbill_report::json::write(&report),
                _ => cleanbill_report::table::write(&report, output::width()),
            };
            sink.write(text.as_bytes())?;
        }
        tell_problems(&sbom.problems);
        problems += sbom.problems.len();
        if let Some(result) = &result {
            tell_gate(name, result);
            passed &= result.passed;
        }
    }
    if args.strict && problems > 0 {
        anyhow::bail!("{problems} things could not be read (they are listed above)");
    }
    Ok(if passed { Outcome::Done } else { Outcome::Refused(gate.exit_code.max(1)) })
}

fn tell_gate(name: &str, result: &GateResult) {
    if result.passed {
        return;
    }
    let mut reasons = Vec::new();
    if !result.failing.is_empty() {
        reasons.push(format!("{} findings count against it", result.failing.len()));
    }
    for (ignorance, why) in &result.ignorance {
        reasons.push(format!("{why} (opt out: --allow {})", ignorance.name()));
    }
    output::say(format!("gate not passed: {name}\n  {}", reasons.join("\n  ")));
}
