//! What would be asked of an image, in words, and why policies that could speak of it do not.

use std::fmt::Write as _;

use cleanbill_model::{AdmissionRequest, Reference};

use crate::rules::{AttestorSet, Check, Entry, Policy, Rule};
use crate::{FailurePolicy, PolicySet};

impl PolicySet {
    /// Every rule, in words: what it would ask of `image` in `request`, or why it asks nothing.
    pub fn explain(&self, request: &AdmissionRequest, image: &Reference) -> String {
        let mut out = String::new();
        for policy in &self.policies {
            for rule in &policy.rules {
                self.explain_rule(policy, rule, request, image, &mut out);
            }
        }
        if self.checks(request, image).next().is_none() {
            let _ = writeln!(out, "nothing is asked of {image}: it may run");
        }
        out
    }

    fn explain_rule(
        &self,
        policy: &Policy,
        rule: &Rule,
        request: &AdmissionRequest,
        image: &Reference,
        out: &mut String,
    ) {
        let place = format!("policy {}, rule {}", policy.name, rule.name);
        let speaking: Vec<&Check> = rule.checks.iter().filter(|c| c.speaks_of(image)).collect();
        let (why, skips) = if !rule.scope.covers(request) {
            let mut what = request.kind.clone();
            if let Some(sub) = &request.subresource {
                let _ = write!(what, "/{sub}");
            }
            (Some(format!("match and exclude do not speak of a {what} in namespace {}", request.namespace)), Vec::new())
        } else if speaking.is_empty() {
            let named = rule.checks.iter().filter(|c| c.images.iter().any(|p| p.covers(image)));
            let skips: Vec<_> = named.flat_map(|c| &c.skip).filter(|p| p.surely_covers(image)).collect();
            let why = if skips.is_empty() { "its images do not cover it" } else { "it is taken out by" };
            (Some(why.to_owned()), skips.iter().map(|p| format!("`{}`", p.text())).collect())
        } else if let Some(exception) = policy.excepts(image, self.today) {
            let why = format!("it is excepted until {} by {}: {}", exception.until, exception.owner, exception.reason);
            (Some(why), Vec::new())
        } else {
            (None, Vec::new())
        };
        if let Some(why) = why {
            let _ = writeln!(out, "{place} asks nothing: {} {}", why, skips.join(", "));
            trim_end(out);
            return;
        }
        let unknown = match policy.failure_policy {
            FailurePolicy::Fail => "refused",
            FailurePolicy::Ignore => "let in with a warning",
        };
        for check in speaking {
            let action = if check.enforces(&request.namespace) { "enforces" } else { "only audits" };
            let _ = writeln!(out, "{place} {action}; what cannot be found out is {unknown}:");
            explain_check(check, request, out);
        }
    }
}

/// Drops the blank before the last line's end.
fn trim_end(out: &mut String) {
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
}

fn explain_check(check: &Check, request: &AdmissionRequest, out: &mut String) {
    if !check.registries.is_empty() {
        let list: Vec<_> = check.registries.iter().map(|r| r.0.as_str()).collect();
        let _ = writeln!(out, "  it must come from {}", list.join(" or "));
    }
    for set in &check.attestors {
        explain_set(set, 1, out);
    }
    for attestation in &check.attestations {
        let blocks = attestation.conditions.len();
        let _ = writeln!(
            out,
            "  every attestation of type {} must meet {blocks} conditions, and there must be one:",
            attestation.predicate_type
        );
        for set in &attestation.attestors {
            explain_set(set, 2, out);
        }
    }
    if let Some(gate) = &check.findings {
        let unscanned = if gate.admit_unscanned { "let in with a warning" } else { "refused" };
        let hours = gate.max_age.as_hours();
        let _ = writeln!(out, "  nothing that `{}` counts may be wrong with any of its platforms", gate.words);
        let _ =
            writeln!(out, "    by advisories of the last {hours} hours; what nobody has looked into is {unscanned}");
        if !gate.allow.is_empty() {
            let words: Vec<_> = gate.allow.iter().map(|kind| kind.name()).collect();
            let _ = writeln!(out, "    what is {} passes", words.join(" or "));
        }
    }
    if check.attestors.is_empty() {
        out.push_str("  no signature is asked for\n");
    }
    let text = match (check.mutate_digest, check.verify_digest) {
        (true, _) if !check.enforces(&request.namespace) => "nothing is pinned, because the rule only audits",
        (true, _) => "the tag of a Pod's image is pinned to the digest that was verified",
        (false, true) => "it must be named by digest",
        (false, false) => "it may be named by tag",
    };
    let _ = writeln!(out, "  {text}");
}

fn explain_set(set: &AttestorSet, depth: usize, out: &mut String) {
    let gap = "  ".repeat(depth);
    let _ = match (set.count, set.entries.len()) {
        (1, 1) => writeln!(out, "{gap}this must be met:"),
        (count, all) if count == all => writeln!(out, "{gap}all {all} of these must be met:"),
        (count, all) => writeln!(out, "{gap}at least {count} of these {all} must be met:"),
    };
    for entry in &set.entries {
        match entry {
            Entry::Key(key) => {
                let log = if key.log_entry { ", with an entry in the transparency log" } else { "" };
                let _ = writeln!(out, "{gap}  signed by key {}{log}", key.id);
            }
            Entry::Set(set) => explain_set(set, depth + 1, out),
        }
    }
}
