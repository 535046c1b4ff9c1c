//! What several formats say of a finding, derived in one place.

use cleanbill_model::{Digest, Finding, Introduced, Location, Package, Severity, State, Timestamp};
use cleanbill_version::Scheme;
use jiff::tz::TimeZone;

use crate::ScanReport;

/// The findings that count.
pub(crate) fn counted<'a>(report: &ScanReport<'a>) -> impl Iterator<Item = &'a Finding> {
    report.findings.findings.iter().filter(|f| f.suppressed.is_none())
}

/// What was not judged for want of knowledge, one sentence each.
pub(crate) fn gaps(report: &ScanReport<'_>) -> Vec<String> {
    let mut gaps = Vec::new();
    if report.sbom.packages.is_empty() && report.sbom.layers.is_empty() {
        gaps.push("no package was found, so nothing was judged".to_owned());
    }
    if let cleanbill_model::DistroState::Unknown(why) = &report.sbom.distro.state {
        gaps.push(format!("the distribution is unknown: {why}"));
    }
    for row in report.findings.coverage.iter().filter(|row| row.source.is_none()) {
        gaps.push(format!("no feed in the database speaks for {} (packages: {})", row.ecosystem, row.packages));
    }
    gaps
}

/// The first file that proves the package, where a file is known.
pub(crate) fn place(finding: &Finding) -> Option<&Location> {
    finding.package.locations.first()
}

/// Its path, where one is known.
pub(crate) fn path(finding: &Finding) -> Option<&str> {
    place(finding).map(|l| l.path.as_str()).filter(|p| !p.is_empty())
}

/// Its layer, where one is known.
pub(crate) fn layer(finding: &Finding) -> Option<&Digest> {
    place(finding).and_then(|l| l.layer.as_ref())
}

/// Where to read about a vulnerability; `None` for an id that is no plain word.
pub(crate) fn link(id: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if id.is_empty() || id.len() > 128 || !id.chars().all(plain) {
        return None;
    }
    Some(if id.starts_with("CVE-") {
        format!("https://www.cve.org/CVERecord?id={id}")
    } else if id.starts_with("GHSA-") {
        format!("https://github.com/advisories/{id}")
    } else {
        format!("https://osv.dev/vulnerability/{id}")
    })
}

/// Id and other names.
pub(crate) fn names(finding: &Finding) -> impl Iterator<Item = &str> {
    std::iter::once(finding.id.as_str()).chain(finding.aliases.iter().map(String::as_str))
}

/// The score that a severity stands for where no vector has one; within the severity's own range.
pub(crate) fn score(finding: &Finding) -> f64 {
    let scored = finding
        .cvss
        .iter()
        .filter_map(|c| c.score)
        .fold(None, |most: Option<f64>, s| Some(most.map_or(s, |m| m.max(s))));
    scored.filter(|s| (0.0..=10.0).contains(s)).unwrap_or(match finding.severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Negligible => 0.1,
        Severity::Unknown => 0.0,
    })
}

/// What can be done about it, in two or three words or as the version that fixes it.
pub(crate) fn fix(finding: &Finding) -> String {
    match finding.state {
        State::Fixed if !finding.fixed.is_empty() => finding.fixed.join(", "),
        State::Fixed => "fixed".to_owned(),
        State::Affected => "no fix yet".to_owned(),
        State::WillNotFix => "won't fix".to_owned(),
        State::FixDeferred => "fix deferred".to_owned(),
        State::EndOfLife => "end of life".to_owned(),
        State::Unknown => "fix unknown".to_owned(),
    }
}

/// The same as a sentence that says what to do.
pub(crate) fn solution(finding: &Finding) -> String {
    let package = &finding.package;
    match finding.state {
        State::Fixed => match needed(std::iter::once(finding)) {
            Some(version) => format!("Upgrade {} to {version} or later.", package.name),
            None => format!("Upgrade {}.", package.name),
        },
        State::Affected => format!("There is no fixed version of {} yet.", package.name),
        State::WillNotFix => format!("The publisher will not fix it in {}; replace or remove it.", package.name),
        State::FixDeferred => format!("The publisher will fix {} later.", package.name),
        State::EndOfLife => format!("{} is out of support; move to a release that is supported.", package.name),
        State::Unknown => "Whether there is a fix is not known.".to_owned(),
    }
}

/// The lowest version of a package that is free of all of `findings` which have a fix: of each the
/// first that is not older than what is installed, and of those the highest.
pub(crate) fn needed<'a>(findings: impl Iterator<Item = &'a Finding>) -> Option<&'a str> {
    let mut most: Option<&str> = None;
    for finding in findings.filter(|f| f.state == State::Fixed) {
        let scheme = Scheme::for_purl_type(&finding.package.purl.kind);
        let later = |a: &str, b: &str| scheme.is_some_and(|s| s.compare(a, b).is_gt());
        let fixes = finding.fixed.iter().map(String::as_str);
        let least = fixes.clone().find(|v| later(v, &finding.package.version)).or_else(|| fixes.clone().next())?;
        most = Some(match most {
            Some(most) if !later(least, most) => most,
            _ => least,
        });
    }
    most
}

/// What advisories of a distribution speak of: the source package.
pub(crate) fn source_name(package: &Package) -> &str {
    package.source.as_ref().map_or(&package.name, |s| &s.name)
}

/// The same vulnerability of the same package at the same place, in every version and every scan.
pub(crate) fn fingerprint(finding: &Finding, path: &str) -> String {
    let purl = finding.package.purl.without_version();
    Digest::sha256(format!("{}\n{purl}\n{path}", finding.id)).hex().to_owned()
}

/// `base` or `image`.
pub(crate) fn introduced(finding: &Finding) -> &'static str {
    match finding.introduced {
        Introduced::Base => "base",
        Introduced::Image => "image",
    }
}

/// Whether the distribution's support had ended when it was scanned; unknown if nobody said when it ends.
pub(crate) fn end_of_life(report: &ScanReport<'_>) -> Option<bool> {
    let today = report.now.to_zoned(TimeZone::UTC).date();
    report.findings.end_of_life.map(|end| end < today)
}

/// A time with whole seconds: `2026-11-24T19:00:00Z`.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The package URL of the image that was scanned; `None` if it is not known by digest.
pub(crate) fn image_purl(report: &ScanReport<'_>) -> Option<String> {
    let identity = report.sbom.subject.identity.as_ref()?;
    let digest = identity.index.as_ref().unwrap_or(&identity.manifest);
    let name = report.sbom.subject.name.as_str();
    let name = name.split('@').next().unwrap_or(name);
    // A tag is after the last colon that is no port's.
    let repository = match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    };
    let last = repository.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or("image");
    let purl = cleanbill_model::Purl::new("oci", "", &last.to_lowercase(), &digest.to_string());
    let purl = if repository.contains('/') { purl.with("repository_url", repository) } else { purl };
    Some(purl.to_string())
}

/// `critical` → `CRITICAL` and the like, as other tools have the words.
pub(crate) fn capital(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Negligible",
        Severity::Unknown => "Unknown",
    }
}

/// The rest of a feed's record after its name: `osv GHSA-1` is record `GHSA-1` of feed `osv`.
pub(crate) fn feed(finding: &Finding) -> (&str, &str) {
    finding.reason.feed.split_once(' ').unwrap_or((&finding.reason.feed, ""))
}

/// JSON with whatever acts on terminals escaped, and a line feed at its end.
pub(crate) fn pretty(value: &impl serde::Serialize) -> String {
    // Texts, numbers and lists alone: there is nothing in it that could not be written as JSON.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    crate::terminal::clean_json(&text).into_owned() + "\n"
}
