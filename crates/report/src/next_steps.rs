//! What to do next: the last lines of reports for people.

use std::collections::BTreeMap;

use cleanbill_model::{Finding, Introduced, State};

use crate::lines::counted;
use crate::{ScanReport, facts, table, terminal};

/// Names that are listed before the rest is counted.
const SHOWN: usize = 5;

pub(crate) fn lines(report: &ScanReport<'_>) -> Vec<String> {
    let counting: Vec<&Finding> = facts::counted(report).collect();
    let fixable: Vec<&Finding> = counting.iter().copied().filter(|f| f.state == State::Fixed).collect();
    let mut lines = Vec::new();
    if !fixable.is_empty() {
        let verb = if fixable.len() == 1 { "has a fix" } else { "have a fix" };
        lines.push(format!("Next: {} of {} {verb}.", fixable.len(), counting.len()));
        lines.extend(system(&fixable));
        lines.extend(languages(&fixable));
    }
    let base = counting.iter().filter(|f| f.introduced == Introduced::Base).count();
    if base > 0 {
        lines.push(format!("Next: {base} of {} come with the base image; build on a newer one.", counting.len()));
    }
    if facts::end_of_life(report) == Some(true) {
        lines.push("Next: move to a release of the distribution that is supported.".to_owned());
    }
    if table::uncovered(report) > 0 {
        lines.push("Next: give `db build` a feed for what is not covered; nothing is known about it.".to_owned());
    }
    lines.extend(gate(report));
    lines
}

/// The command that upgrades packages of a distribution.
fn system(fixable: &[&Finding]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut kind = "";
    for finding in fixable.iter().filter(|f| f.package.is_distribution()) {
        kind = finding.package.purl.kind.as_str();
        let name = finding.package.name.as_str();
        // What stands in a command is a plain name, or it does not stand there.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '_' | '-');
        let good = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain);
        if good && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let list = names.join(" ");
    let command = match kind {
        "apk" => format!("apk upgrade --no-cache {list}"),
        "rpm" => format!("dnf upgrade -y {list}"),
        "alpm" => "pacman -Syu --noconfirm".to_owned(),
        "opkg" => format!("opkg update && opkg upgrade {list}"),
        _ => format!("apt-get update && apt-get install -y --only-upgrade {list}"),
    };
    Some(format!("  RUN {command}"))
}

/// The versions that language packages must at least have.
fn languages(fixable: &[&Finding]) -> Vec<String> {
    let mut packages: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in fixable.iter().filter(|f| !f.package.is_distribution()) {
        packages.entry((&finding.package.purl.kind, &finding.package.name)).or_default().push(finding);
    }
    let more = packages.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = packages
        .into_iter()
        .take(SHOWN)
        .map(|((_, name), findings)| {
            let version = facts::needed(findings.iter().copied()).unwrap_or("a fixed version");
            format!("  raise {} to {}", terminal::clean(name), terminal::clean(version))
        })
        .collect();
    if more > 0 {
        lines.push(format!("  and {}", counted(more, "more package")));
    }
    lines
}

fn gate(report: &ScanReport<'_>) -> Option<String> {
    let gate = report.gate?;
    if gate.passed {
        return Some("Gate: passed.".to_owned());
    }
    let mut why = Vec::new();
    if !gate.failing.is_empty() {
        why.push(counted(gate.failing.len(), "finding"));
    }
    why.extend(gate.ignorance.iter().map(|(kind, text)| format!("{} ({})", terminal::clean(text), kind.name())));
    Some(format!("Gate: not passed: {}.", why.join("; ")))
}
