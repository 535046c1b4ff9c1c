//! The findings gate: how bad an image may be, how old the knowledge of it, and what happens to one that
//! nobody has looked into. Judged by `match`, as `scan --fail-on` is; said here in words for whoever
//! wanted to run the image.

use std::collections::BTreeSet;

use cleanbill_diag::Diagnostic;
use cleanbill_match::{DEFAULT_MAX_AGE, FailOn, Ignorance};
use cleanbill_model::{Attempt, Finding, ReasonCode, Timestamp};
use jiff::SignedDuration;

use crate::read::{Said, need};
use crate::yaml::Place;
use crate::{Scan, Scanned};

/// Findings that a refusal names.
const NAMED: usize = 5;
/// No age limit may be longer than this: ten years are none.
const MOST_HOURS: i64 = 3650 * 24;

/// `spec.findings`.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The words of the policy.
    pub(crate) words: String,
    fail_on: FailOn,
    pub(crate) max_age: SignedDuration,
    pub(crate) admit_unscanned: bool,
    pub(crate) allow: Vec<Ignorance>,
}

/// What the gate says.
pub(crate) enum Judged {
    Passed,
    /// Nobody has looked into the image, and the policy lets that pass.
    Unscanned(Words),
    Refused(ReasonCode, Words),
}

/// Message, hint and everything that was looked at.
pub(crate) struct Words {
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) attempts: Vec<Attempt>,
}

/// Reads `spec.findings`.
pub(crate) fn read(place: &Place<'_>, said: &mut Said) -> Result<Gate, Diagnostic> {
    let mut object = place.object()?;
    let fail_on_place = need(&mut object, "failOn", place)?;
    let words = fail_on_place.text()?.trim().to_owned();
    let fail_on = FailOn::parse(&words).map_err(|error| {
        let text = error.to_string();
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, "as scan --fail-on takes it"));
        fail_on_place.error("policy-field-value", message).hint(hint)
    })?;
    if fail_on.severity.is_none() {
        return Err(fail_on_place.error("policy-empty", "it lets every finding pass, so nothing is asked for"));
    }
    let max_age = match object.take("maxScanAge") {
        Some(place) => duration(place.text()?).ok_or_else(|| {
            place
                .error("policy-field-value", format!("`{}` is no age", place.text().unwrap_or_default().escape_debug()))
                .hint("write days or hours, up to 3650d: 7d, 36h")
        })?,
        None => DEFAULT_MAX_AGE,
    };
    let admit_unscanned = match object.take("unscanned") {
        None => false,
        Some(place) => match place.text()? {
            "refuse" => false,
            "admit" => true,
            other => {
                let message = format!("`{}` is none of admit, refuse", other.escape_debug());
                return Err(place.error("policy-field-value", message));
            }
        },
    };
    let allow = match object.take("allow") {
        None => Vec::new(),
        Some(list) => list
            .list()?
            .iter()
            .map(|place| {
                let word = place.text()?;
                Ignorance::by_name(word).ok_or_else(|| {
                    place
                        .error("policy-field-value", format!("`{}` cannot be allowed", word.escape_debug()))
                        .hint("uncovered, stale or unreadable")
                })
            })
            .collect::<Result<_, _>>()?,
    };
    object.refuse_rest(said);
    Ok(Gate { words, fail_on, max_age, admit_unscanned, allow })
}

/// `7d`, `36h`; `None` for everything else, and for none at all.
fn duration(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let hours = match unit {
        "d" => 24,
        "h" => 1,
        _ => return None,
    };
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours = number.parse::<i64>().ok()?.checked_mul(hours)?;
    (1..=MOST_HOURS).contains(&hours).then(|| SignedDuration::from_hours(hours))
}

impl Gate {
    /// Judges every manifest that could run; one that does not pass is enough.
    pub(crate) fn judge(&self, pinned: &str, scanned: Option<&Scanned>, now: Timestamp) -> Judged {
        let scans = match scanned {
            Some(Scanned::Known(scans)) if !scans.is_empty() => scans,
            Some(Scanned::Known(_)) => return Self::unreadable(pinned, "nothing in it can run"),
            Some(Scanned::Unreadable(why)) => return Self::unreadable(pinned, why),
            Some(Scanned::NotYet(why)) => return self.unscanned(pinned, why),
            None => return self.unscanned(pinned, "nobody who could look into it was asked"),
        };
        let mut failing: Vec<&Finding> = Vec::new();
        let mut ignorance: Vec<(Ignorance, String)> = Vec::new();
        let mut attempts = Vec::new();
        for scan in scans {
            let result = cleanbill_match::gate(
                &scan.findings,
                &scan.sbom,
                &scan.database,
                &self.fail_on,
                &self.allow,
                now,
                self.max_age,
            );
            failing.extend(result.failing.iter().filter_map(|at| scan.findings.findings.get(*at)));
            let mut open = result.ignorance;
            open.extend(self.too_old(scan, now).map(|why| (Ignorance::Stale, why)));
            let outcome = format!("{} findings, {} of them count", scan.findings.findings.len(), result.failing.len());
            attempts.push(Attempt { what: format!("findings of {}", scan.what), outcome });
            for (kind, why) in open {
                attempts.push(Attempt { what: format!("{} in {}", kind.name(), scan.what), outcome: why.clone() });
                ignorance.push((kind, why));
            }
        }
        if !failing.is_empty() {
            return Judged::Refused(ReasonCode::HasFindings, self.has_findings(pinned, failing, attempts));
        }
        // What is missing altogether weighs more than what is old.
        let Some((kind, why)) = ignorance.iter().min_by_key(|(kind, _)| *kind) else { return Judged::Passed };
        let allow = format!("or have the policy say `findings.allow: [{}]`", kind.name());
        let (code, message, hint) = match kind {
            Ignorance::Stale => (
                ReasonCode::ScanTooOld,
                format!("what is known of {pinned} is too old: {why}"),
                format!("update the advisory database (cleanbill db update), {allow}"),
            ),
            Ignorance::Uncovered => (
                ReasonCode::FindingsUnknown,
                format!("nobody can say whether {pinned} passes `{}`: {why}", self.words),
                format!("add a feed that speaks for it to the database, {allow}"),
            ),
            Ignorance::Unreadable => (
                ReasonCode::FindingsUnknown,
                format!("nobody can say whether {pinned} passes `{}`: {why}", self.words),
                format!("build the image so that it can be read, {allow}"),
            ),
        };
        Judged::Refused(code, Words { message, hint, attempts })
    }

    fn too_old(&self, scan: &Scan, now: Timestamp) -> Option<String> {
        let age = now.duration_since(scan.at);
        (age > self.max_age && !self.allow.contains(&Ignorance::Stale)).then(|| {
            format!("it was looked into {} hours ago; the limit is {} hours", age.as_hours(), self.max_age.as_hours())
        })
    }

    fn unscanned(&self, pinned: &str, why: &str) -> Judged {
        let said = Words {
            message: format!("{pinned} is not scanned yet: {why}"),
            hint: "try again in a moment; `cleanbill scan` shows what is in it".to_owned(),
            attempts: Vec::new(),
        };
        if self.admit_unscanned { Judged::Unscanned(said) } else { Judged::Refused(ReasonCode::NotScanned, said) }
    }

    fn unreadable(pinned: &str, why: &str) -> Judged {
        let message = format!("nobody can say what would run of {pinned}: {why}");
        let hint = "push an image, or an index of images, and name that".to_owned();
        Judged::Refused(ReasonCode::FindingsUnknown, Words { message, hint, attempts: Vec::new() })
    }

    fn has_findings(&self, pinned: &str, mut failing: Vec<&Finding>, attempts: Vec<Attempt>) -> Words {
        failing.sort_by(|a, b| {
            let bad = |f: &Finding| (f.severity, f.kev.is_some());
            bad(b).cmp(&bad(a)).then_with(|| a.id.cmp(&b.id)).then_with(|| a.package.cmp(&b.package))
        });
        // The same package in several platforms is one thing to mend.
        failing.dedup_by(|a, b| {
            (&a.id, &a.package.name, &a.package.version) == (&b.id, &b.package.name, &b.package.version)
        });
        let named: Vec<String> = failing.iter().take(NAMED).map(|f| shown(f)).collect();
        let more = match failing.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        let fixes: BTreeSet<String> = failing
            .iter()
            .take(NAMED)
            .filter_map(|f| Some(format!("{} to {}", f.package.name, f.fixed.first()?)))
            .collect();
        let hint = if fixes.is_empty() {
            "build it without these packages, or have an exception made (`exceptions` of the policy)".to_owned()
        } else {
            format!("update {}, and build the image again", fixes.into_iter().collect::<Vec<_>>().join(", "))
        };
        let count = failing.len();
        let things = if count == 1 { "a finding" } else { &format!("{count} findings") };
        let message = format!("{pinned} has {things} that `{}` lets not pass: {}{more}", self.words, named.join(", "));
        Words { message, hint, attempts }
    }
}

/// `CVE-2021-44228 in log4j-core 2.14.1 (critical, fixed in 2.15.0)`.
fn shown(finding: &Finding) -> String {
    let fix = match finding.fixed.first() {
        Some(version) => format!("fixed in {version}"),
        None => finding.state.name().replace('_', " "),
    };
    let kev = if finding.kev.is_some() { ", exploited" } else { "" };
    format!("{} in {} {} ({}{kev}, {fix})", finding.id, finding.package.name, finding.package.version, finding.severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_or_hours() {
        let check = |text: &str, hours: Option<i64>| assert_eq!(duration(text).map(|d| d.as_hours()), hours, "{text}");
        check("7d", Some(168));
        check("36h", Some(36));
        check("3650d", Some(MOST_HOURS));
        for bad in ["", "7", "d", "0d", "-1d", "+1d", "1w", "3651d", "1.5d", "99999999999999999999d", "１d", "7é"] {
            check(bad, None);
        }
    }
}
