//! `cleanbill scan TARGET…`: packages × advisories → findings, and the gates.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr as _;

use anyhow::Context as _;
use cleanbill_advisory::Database;
use cleanbill_match::{FailOn, GateResult, Ignorance, Ignores, MatchOptions, Vex};
use cleanbill_model::{Findings, Sbom, Severity};
use cleanbill_report::ScanReport;
use jiff::{SignedDuration, Timestamp};

use super::sbom::tell_problems;
use crate::args::{Common, Scan};
use crate::feeds::Sources;
use crate::output::Sink;
use crate::{Outcome, clock, database, feeds, output, target};

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

    /// Leaves the findings that trivy's words ask for; with their places among all.
    fn show(&self, findings: Findings) -> (Findings, Vec<usize>) {
        let keep = |f: &cleanbill_model::Finding| {
            self.shown.as_ref().is_none_or(|s| s.contains(&f.severity)) && (!self.only_fixed || !f.fixed.is_empty())
        };
        let kept = findings.findings.into_iter().enumerate().filter(|(_, finding)| keep(finding));
        let (places, shown): (Vec<usize>, Vec<_>) = kept.unzip();
        (Findings { findings: shown, ..findings }, places)
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
    let sinks = Sink::all(&args.output, &formats())?;
    if args.targets.len() > 1
        && let Some(sink) = sinks.iter().find(|sink| sink.format != "table" || sink.is_file())
    {
        anyhow::bail!(
            "`-o {}` takes one target, and there are {}\nhint: run the command once for each; only the table on the terminal takes several",
            sink.format,
            args.targets.len()
        );
    }
    if args.attest.is_some() {
        args.targets.iter().try_for_each(|name| super::attest::image_of(name).map(drop))?;
    }
    let gate = Gate::parse(args)?;
    let ignores = args.ignorefile.iter().map(|file| ignore_file(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let vex = args.vex.iter().map(|file| vex_file(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut sboms = Vec::new();
    for name in &args.targets {
        sboms.push(target::inventory(name, args.platform.as_deref(), common).await?);
    }
    let database = advisories(args, &sboms, common).await?;
    let info = database.info();
    let now = clock::stated_now();
    let ci = Ci::from_environment();
    let base = match &args.base {
        Some(base) => Some(target::base_layers(base, args.platform.as_deref(), common).await?),
        None => None,
    };
    let mut passed = true;
    let mut out_of_support = false;
    let mut problems = 0;
    for (name, sbom) in args.targets.iter().zip(&sboms) {
        if let Some(id) = &args.explain {
            explain(name, sbom, &database, id)?;
            continue;
        }
        let layers = base.as_ref().map(|base| base.of(sbom)).unwrap_or_default();
        if let (Some(base), true) = (&args.base, layers.is_empty()) {
            output::say(format!("{name} is not built on {base}: nothing in it is told apart as the base's"));
        }
        let options = MatchOptions { base: layers };
        let mut findings = cleanbill_match::match_sbom(sbom, &database, &options)?;
        suppress(&mut findings, sbom, &ignores, &vex);
        let judge = |findings: &Findings, fail_on: &FailOn| {
            cleanbill_match::gate(findings, sbom, &info, fail_on, &gate.allow, Timestamp::now(), gate.max_age)
        };
        // `--fail-on` judges everything; trivy's `--exit-code` what its words leave to be shown.
        let judged = gate.fail_on.as_ref().map(|fail_on| judge(&findings, fail_on));
        let unrated =
            findings.findings.iter().filter(|f| f.severity == Severity::Unknown && f.suppressed.is_none()).count();
        let (findings, shown) = gate.show(findings);
        out_of_support |= tell_support(name, &findings);
        let result = match judged {
            Some(judged) => Some(judged),
            None => gate.in_force().map(|fail_on| judge(&findings, &fail_on)),
        };
        let reported = result.clone().map(|result| match &gate.fail_on {
            Some(_) => GateResult {
                failing: result.failing.iter().filter_map(|f| shown.iter().position(|s| s == f)).collect(),
                ..result
            },
            None => result,
        });
        let report = ScanReport {
            target: name,
            sbom,
            findings: &findings,
            database: &info,
            gate: reported.as_ref(),
            now,
            ci: ci.as_report(),
        };
        for sink in &sinks {
            let name = if sink.format == ALSO.0 { ALSO.1 } else { &sink.format };
            let format = cleanbill_report::ALL.iter().find(|f| f.name == name);
            let format = format.with_context(|| format!("output format `{}` is not known", sink.format))?;
            sink.write((format.write)(&report, output::width()).as_bytes())?;
        }
        if let Some(key) = &args.attest {
            let document = cleanbill_report::cosign_vuln::write(&report);
            super::attest::found(name, sbom, "vuln", document.as_bytes(), key, common).await?;
        }
        tell_problems(&sbom.problems);
        problems += sbom.problems.len();
        if let Some(result) = &result {
            tell_gate(name, result);
            if gate.fail_on.is_some() && unrated > 0 {
                output::say(format!(
                    "{name}: {unrated} findings have no severity; the gate counts them by --fail-on kev or epss alone"
                ));
            }
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

/// The database that was named, else the one in the cache, with what these SBOMs need.
async fn advisories(args: &Scan, sboms: &[Sbom], common: &Common) -> anyhow::Result<Database> {
    if args.db.is_some() || args.offline {
        return database::open(args.db.as_ref());
    }
    let sources = Sources { mirror: args.feeds_mirror.as_deref(), force: false };
    feeds::database(&feeds::ecosystems(sboms), &sources, common).await
}

fn small_file(file: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let length = std::fs::metadata(file).with_context(|| format!("could not open {}", file.display()))?.len();
    if length > limit as u64 {
        anyhow::bail!("{} is larger than {} MiB", file.display(), limit >> 20);
    }
    std::fs::read(file).with_context(|| format!("could not read {}", file.display()))
}

fn ignore_file(file: &Path) -> anyhow::Result<Ignores> {
    let name = file.display().to_string();
    let ignores = Ignores::parse(&small_file(file, cleanbill_match::MAX_IGNORE_BYTES)?, &name)?;
    tell_problems(&ignores.problems);
    Ok(ignores)
}

fn vex_file(file: &Path) -> anyhow::Result<Vex> {
    let bytes = small_file(file, cleanbill_match::MAX_VEX_BYTES)?;
    let vex = Vex::parse(&bytes).with_context(|| format!("could not read {}", file.display()))?;
    let named =
        |p: &cleanbill_model::Problem| cleanbill_model::Problem { path: file.display().to_string(), ..p.clone() };
    tell_problems(&vex.problems.iter().map(named).collect::<Vec<_>>());
    Ok(vex)
}

/// Applies what the operator named; rules that are past or touch nothing are told.
fn suppress(findings: &mut Findings, sbom: &Sbom, ignores: &[Ignores], vex: &[Vex]) {
    for ignores in ignores {
        let applied = ignores.apply(findings, Timestamp::now());
        for rule in &applied.expired {
            output::say(format!("the rule {} expired: what it suppressed counts again", rule.rule));
        }
        for rule in &applied.unused {
            output::say(format!("the rule {rule} suppresses nothing here"));
        }
    }
    cleanbill_match::apply_vex(vex, findings, sbom);
}

/// What a CI system says of the run.
struct Ci([String; 5]);

impl Ci {
    fn from_environment() -> Self {
        let names = ["GITHUB_SHA", "GITHUB_REF", "GITHUB_WORKFLOW", "GITHUB_JOB", "GITHUB_RUN_ID"];
        Self(names.map(|name| std::env::var(name).unwrap_or_default()))
    }

    fn as_report(&self) -> cleanbill_report::Ci<'_> {
        let [commit, reference, workflow, job, run] = &self.0;
        cleanbill_report::Ci { commit, reference, workflow, job, run }
    }
}

/// The name of a format that other tools, and `sbom`, know by another.
const ALSO: (&str, &str) = ("cyclonedx-json", "cyclonedx");

fn formats() -> Vec<&'static str> {
    cleanbill_report::ALL.iter().map(|f| f.name).chain([ALSO.0]).collect()
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
        reasons.push(match result.failing.len() {
            1 => "1 finding counts against it".to_owned(),
            n => format!("{n} findings count against it"),
        });
    }
    for (ignorance, why) in &result.ignorance {
        reasons.push(format!("{why} (opt out: --allow {})", ignorance.name()));
    }
    output::say(format!("gate not passed: {name}\n  {}", reasons.join("\n  ")));
}
