//! # table
//!
//! The report for people: one sentence that sums it up, how far the look reached, the findings by package,
//! worst first, and what to do next. Lines keep to the width they are told. Names, versions and ids are
//! never cut, so that they can be copied: what does not fit goes on in the next line.
//!
//! ```text
//! ghcr.io/o/shop:1: 2 findings (1 critical, 1 low) in 2 of 80 packages.
//! Coverage: Debian:12 78 packages by debian-tracker as of 2026-11-20.
//!
//! org.apache.logging.log4j:log4j-core 2.14.1 (app/shop.war!/WEB-INF/lib/log4j-core-2.14.1.jar)
//!   critical    CVE-2021-44228  fixed in 2.15.0  exploited, EPSS 94%
//! ```

use std::collections::{BTreeMap, BTreeSet};

use cleanbill_model::{DistroState, Finding, Severity, State};

use crate::lines::{counted, length, pad, wrap, wrap_after};
use crate::{ScanReport, facts, next_steps, terminal};

/// The narrowest table that makes sense.
const NARROWEST: usize = 40;

/// A report as lines of at most `width` characters (where names, ids and versions leave that much).
pub fn write(report: &ScanReport<'_>, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    for line in summary(report) {
        wrap(&mut out, &line, width);
    }
    for group in groups(report) {
        out.push('\n');
        group.write(&mut out, width);
    }
    let next = next_steps::lines(report);
    if !next.is_empty() {
        out.push('\n');
        for line in next {
            wrap(&mut out, &line, width);
        }
    }
    out
}

/// What is said before the findings.
pub(crate) fn summary(report: &ScanReport<'_>) -> Vec<String> {
    let all = &report.findings.findings;
    let counting: Vec<&Finding> = facts::counted(report).collect();
    let packages = counted(report.sbom.packages.len(), "package");
    let target = terminal::clean(report.target);
    let counts: Vec<String> = Severity::WORST_FIRST
        .iter()
        .map(|s| (s, counting.iter().filter(|f| f.severity == *s).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(s, n)| format!("{n} {s}"))
        .collect();
    let suppressed = match all.len() - counting.len() {
        0 => String::new(),
        n => format!("; {n} more suppressed"),
    };
    let covered = report.findings.coverage.iter().any(|row| row.source.is_some());
    let mut lines = vec![if report.sbom.packages.is_empty() && all.is_empty() {
        format!("{target}: no package was found in it, so there was nothing to judge.")
    } else if !covered && all.is_empty() {
        format!("{target}: no feed in the database covers it, so nothing is known of its {packages}.")
    } else if counting.is_empty() {
        let blind = uncovered(report) > 0 || report.findings.coverage.is_empty();
        let reach = if blind { " in what was covered" } else { "" };
        format!("{target}: no known vulnerabilities{reach}, {packages}{suppressed}.")
    } else {
        let affected: BTreeSet<_> = counting.iter().map(|f| &f.package).collect();
        let found = counted(counting.len(), "finding");
        format!("{target}: {found} ({}) in {} of {packages}{suppressed}.", counts.join(", "), affected.len())
    }];
    let exploited = counting.iter().filter(|f| f.kev.is_some()).count();
    if exploited > 0 {
        let ransomware = counting.iter().filter(|f| f.kev.is_some_and(|k| k.ransomware)).count();
        let by = match ransomware {
            0 => String::new(),
            n if n == exploited => " by ransomware".to_owned(),
            n => format!(", {n} by ransomware"),
        };
        let verb = if exploited == 1 { "is" } else { "are" };
        lines.push(format!("{exploited} of them {verb} known to be exploited{by}."));
    }
    lines.extend(reach(report));
    lines
}

/// How far the look reached.
fn reach(report: &ScanReport<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut covered = Vec::new();
    for row in &report.findings.coverage {
        let ecosystem = terminal::clean(&row.ecosystem).into_owned();
        let rows = counted(usize::try_from(row.packages).unwrap_or(usize::MAX), "package");
        match (&row.source, row.as_of) {
            (Some(source), Some(as_of)) => {
                let source = terminal::clean(source);
                covered.push(format!("{ecosystem} {rows} by {source} as of {}", as_of.strftime("%Y-%m-%d")));
            }
            (Some(source), None) => covered.push(format!("{ecosystem} {rows} by {}", terminal::clean(source))),
            (None, _) => covered.push(format!("{ecosystem} {rows} by no feed: not covered")),
        }
    }
    if !covered.is_empty() {
        lines.push(format!("Coverage: {}.", covered.join("; ")));
    }
    if let DistroState::Unknown(why) = &report.sbom.distro.state {
        lines.push(format!("The distribution is unknown: {}.", terminal::clean(why)));
    }
    if let Some(end) = report.findings.end_of_life {
        let name = format!("{} {}", report.sbom.distro.id, report.sbom.distro.version);
        let name = terminal::clean(name.trim()).into_owned();
        lines.push(if facts::end_of_life(report) == Some(true) {
            format!("{name} is out of support since {end}: what became known later may be missing here.")
        } else {
            format!("{name} is supported until {end}.")
        });
    }
    if !report.sbom.problems.is_empty() {
        let problems = counted(report.sbom.problems.len(), "thing");
        lines.push(format!("{problems} could not be read; what is in there is missing from this report."));
    }
    lines
}

pub(crate) fn uncovered(report: &ScanReport<'_>) -> u64 {
    report.findings.coverage.iter().filter(|r| r.source.is_none()).map(|r| r.packages).sum()
}

/// The findings of one package; of a distribution the binary packages of one source package.
struct Group<'a> {
    title: String,
    members: BTreeSet<&'a str>,
    place: Option<&'a str>,
    rows: BTreeSet<Row<'a>>,
}

/// One line of a group; equal ones of several binary packages are one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row<'a> {
    suppressed: bool,
    /// Worst first.
    severity: std::cmp::Reverse<Severity>,
    id: &'a str,
    fix: String,
    notes: Vec<String>,
}

fn groups<'a>(report: &ScanReport<'a>) -> Vec<Group<'a>> {
    let mut keys = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in &report.findings.findings {
        let package = &finding.package;
        let title = (facts::source_name(package), package.version.as_str());
        // Language packages are told apart by where they are.
        let place = if package.source.is_some() { None } else { facts::path(finding) };
        let at = *keys.entry((title, place, &package.purl.kind)).or_insert_with(|| {
            let title = format!("{} {}", terminal::clean(title.0), terminal::clean(title.1));
            groups.push(Group { title, members: BTreeSet::new(), place, rows: BTreeSet::new() });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(at) else { continue };
        if package.source.as_ref().is_some_and(|s| s.name != package.name) {
            group.members.insert(&package.name);
        }
        group.rows.insert(Row::of(finding));
    }
    groups
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        let fix = match finding.state {
            State::Fixed if !finding.fixed.is_empty() => format!("fixed in {}", terminal::clean(&facts::fix(finding))),
            _ => facts::fix(finding),
        };
        let mut notes = Vec::new();
        if let Some(kev) = finding.kev {
            notes.push(if kev.ransomware { "exploited by ransomware" } else { "exploited" }.to_owned());
        }
        if let Some(epss) = finding.epss {
            notes.push(format!("EPSS {}", percent(epss.score)));
        }
        if let Some(owner) = &finding.package.owner {
            notes.push(format!("belongs to {}", terminal::clean(&owner.name)));
        }
        if let Some(suppression) = &finding.suppressed {
            let until = suppression.until.map(|t| format!(" until {}", t.strftime("%Y-%m-%d"))).unwrap_or_default();
            notes.push(format!("{}: {}{until}", terminal::clean(&suppression.by), terminal::clean(&suppression.why)));
        }
        Self {
            suppressed: finding.suppressed.is_some(),
            severity: std::cmp::Reverse(finding.severity),
            id: &finding.id,
            fix,
            notes,
        }
    }
}

/// `94%`, `0.04%`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 { format!("{percent:.0}%") } else { format!("{percent:.2}%") }
}

impl Group<'_> {
    fn write(&self, out: &mut String, width: usize) {
        let mut title = self.title.clone();
        if !self.members.is_empty() {
            let members: Vec<_> = self.members.iter().map(|m| terminal::clean(m).into_owned()).collect();
            title = format!("{title} ({})", members.join(", "));
        } else if let Some(place) = self.place {
            title = format!("{title} ({})", terminal::clean(place));
        }
        wrap(out, &title, width);
        let ids = self.rows.iter().map(|r| length(&terminal::clean(r.id))).max().unwrap_or(0).min(20);
        let fixes = self.rows.iter().map(|r| length(&r.fix)).max().unwrap_or(0).min(28);
        for row in &self.rows {
            let word = if row.suppressed { "suppressed" } else { row.severity.0.name() };
            let cells = [pad(word, 10), pad(&terminal::clean(row.id), ids), pad(&row.fix, fixes)];
            let line = format!("  {}  {}", cells.join("  "), row.notes.join(", "));
            let line = line.trim_end();
            if length(line) <= width {
                out.push_str(line);
                out.push('\n');
                continue;
            }
            // Not everything fits: the words one after the other, whole.
            let id = terminal::clean(row.id);
            let mut line = format!("  {}  {id}  {}", pad(word, 10), row.fix);
            if !row.notes.is_empty() {
                line.push_str(&format!("; {}", row.notes.join(", ")));
            }
            wrap_after(out, &line, width, "              ");
        }
    }
}
