//! `cleanbill scan TARGET…`: packages × advisories → findings, and the gates.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use anyhow::Context as _;
use cleanbill_advisory::Database;
use cleanbill_match::{FailOn, GateResult, Ignorance, MatchOptions};
use cleanbill_model::{Findings, Sbom, Severity};
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
        Findings { findings: findings.findings.into_iter().filter(keep).collect(), ..findings }
    }

    /// The gate that is in force: `--fail-on`, or with `--exit-code N` everything that is shown.
    fn in_force(&self) -> Option<FailOn> {
        match &self.fail_on {
            Some(fail_on) => Some(fail_on.clone()),
            None if self.exit_code > 0 => Some(FailOn::at(Severity::Unknown)),
            None => None,
        }
    }
}

pub(crate) async fn run(args: &Scan, common: &Common) -> anyhow::Result<Outcome> {
    let sinks = args.output.iter().map(|o| Sink::parse(o, &formats())).collect::<anyhow::Result<Vec<_>>>()?;
    let gate = Gate::parse(args)?;
    let database = database::open(args.db.as_ref())?;
    let info = database.info();
    let base = match &args.base {
        Some(base) => Some(target::base_layers(base, args.platform.as_deref(), common).await?),
        None => None,
    };
    let mut passed = true;
    let mut out_of_support = false;
    let mut problems = 0;
    for name in &args.targets {
        let sbom = target::inventory(name, args.platform.as_deref(), common).await?;
        if let Some(id) = &args.explain {
            explain(name, &sbom, &database, id)?;
            continue;
        }
        let layers = base.as_ref().map(|base| base.of(&sbom)).unwrap_or_default();
        if let (Some(base), true) = (&args.base, layers.is_empty()) {
            output::say(format!("{name} is not built on {base}: nothing in it is told apart as the base's"));
        }
        let options = MatchOptions { base: layers };
        let findings = gate.show(cleanbill_match::match_sbom(&sbom, &database, &options)?);
        out_of_support |= tell_support(name, &findings);
        let result = gate.in_force().map(|fail_on| {
            cleanbill_match::gate(&findings, &sbom, &info, &fail_on, &gate.allow, Timestamp::now(), gate.max_age)
        });
        let report = ScanReport {
            target: name,
            sbom: &sbom,
            findings: &findings,
            database: &info,
            gate: result.as_ref(),
            now,
            ci: ci.clone(),
        };
        for sink in &sinks {
            let format = cleanbill_report::ALL.iter().find(|f| f.name == sink.format);
            let format = format.with_context(|| format!("output format `{}` is not known", sink.format))?;
            sink.write((format.write)(&report, output::width()).as_bytes())?;
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
    Ok(match passed {
        true if out_of_support && args.exit_on_eol > 0 => Outcome::Refused(args.exit_on_eol),
        true => Outcome::Done,
        false => Outcome::Refused(gate.exit_code.max(1)),
    })
}

fn formats() -> Vec<&'static str> {
    cleanbill_report::ALL.iter().map(|f| f.name).collect()
}

/// Says that a release is out of support, if it is; its feed may no longer name what is found in it.
fn tell_support(name: &str, findings: &Findings) -> bool {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let Some(day) = findings.end_of_life.filter(|day| *day < today) else { return false };
    output::say(format!(
        "{name}: the distribution's regular security support ended on {day}; later flaws may be missing"
    ));
    true
}

/// Every record about a vulnerability beside every package of the target.
fn explain(name: &str, sbom: &Sbom, database: &Database, id: &str) -> anyhow::Result<()> {
    let said = cleanbill_match::explain(sbom, database, id)?;
    let mut text = String::new();
    for one in &said {
        let sign = if one.affected { "affected" } else { "not affected" };
        let places: Vec<_> = one.package.locations.iter().map(|l| l.path.as_str()).collect();
        text.push_str(&format!("{} {} is {sign} by {}\n", one.package.name, one.package.version, one.record));
        text.push_str(&format!("  {}\n", one.why));
        if !places.is_empty() {
            text.push_str(&format!("  found in {}\n", places.join(", ")));
        }
    }
    if said.is_empty() {
        let known = !database.by_id(id)?.is_empty();
        let why =
            if known { "no package in it is one that a record speaks of" } else { "the database has no record of it" };
        text = format!("{name}: nothing to say of {id}: {why}\n");
    }
    output::data(cleanbill_report::terminal::clean_lines(&text).as_bytes())
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
