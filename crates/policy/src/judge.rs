//! From what was found to a verdict. A rule is met by what a key of it verified, and by nothing
//! else: whatever else is attached can change the words of a refusal, never the decision.

use cleanbill_model::{
    AdmissionRequest, Attempt, Decision, Digest, Evidence, KeyId, Reason, ReasonCode, Reference, Unavailable, Verdict,
    WhyNot,
};

use crate::findings::Judged;
use crate::rules::{Attestation, Check, Rule, Statement};
use crate::{Facts, PolicySet};

impl PolicySet {
    /// The verdict on one image. `digest` is the one that was looked at, `None` if it could not be
    /// resolved. `reasons` holds what enforcing rules say and what auditing rules found good;
    /// `warnings` what auditing rules would refuse. One enforcing rule that refuses is enough (A36);
    /// without evidence enforcing rules leave the verdict undecided, and the caller's failure policy
    /// decides.
    pub fn judge(
        &self,
        request: &AdmissionRequest,
        image: &Reference,
        digest: Option<&Digest>,
        evidence: Result<&Evidence, &Unavailable>,
    ) -> Verdict {
        self.judge_with(request, image, digest, &Facts::of(evidence))
    }

    /// The same with everything that is known of this digest.
    pub fn judge_with(
        &self,
        request: &AdmissionRequest,
        image: &Reference,
        digest: Option<&Digest>,
        facts: &Facts<'_>,
    ) -> Verdict {
        let mut verdict = Verdict {
            image: image.clone(),
            digest: digest.cloned(),
            decision: Decision::Admit,
            reasons: Vec::new(),
            warnings: Vec::new(),
        };
        let mismatch;
        let evidence = match facts.evidence {
            // A verdict is about a digest: evidence about another one is no evidence.
            Ok(found) if digest != Some(&found.subject) || image.digest().is_some_and(|d| *d != found.subject) => {
                mismatch = Unavailable {
                    what: format!("judge {image}"),
                    why: format!("what was looked at is {}, another digest", found.subject),
                };
                Err(&mismatch)
            }
            other => other,
        };
        for (policy, rule, check) in self.checks(request, image) {
            let (mut reason, mut warning) = check.judge(image, &Facts { evidence, ..*facts });
            for said in std::iter::once(&mut reason).chain(&mut warning) {
                said.policy.clone_from(&policy.name);
                said.rule.clone_from(&rule.name);
            }
            verdict.warnings.extend(warning);
            let good = matches!(reason.code, ReasonCode::Signed | ReasonCode::Allowed);
            let open = reason.code == ReasonCode::Unreachable;
            if !good && !check.enforces(&request.namespace) {
                verdict.warnings.push(reason);
                continue;
            }
            verdict.reasons.push(reason);
            verdict.decision = match (verdict.decision, good, open) {
                (decision, true, _) => decision,
                (Decision::Refuse, ..) | (_, false, false) => Decision::Refuse,
                (_, false, true) => Decision::Undecided,
            };
        }
        verdict.reasons.extend(self.excepted(request, image));
        if verdict.reasons.is_empty() && verdict.warnings.is_empty() {
            verdict.reasons.push(Reason {
                code: ReasonCode::NoPolicy,
                policy: String::new(),
                rule: String::new(),
                message: format!("no policy speaks of {image}"),
                hint: String::new(),
                attempts: Vec::new(),
            });
        }
        verdict
    }

    /// The exceptions that keep policies from speaking of the image.
    fn excepted(&self, request: &AdmissionRequest, image: &Reference) -> Vec<Reason> {
        let mut out = Vec::new();
        for policy in &self.policies {
            let Some(exception) = policy.excepts(image, self.today) else { continue };
            let speaks = |rule: &&Rule| rule.scope.covers(request) && rule.checks.iter().any(|c| c.speaks_of(image));
            for rule in policy.rules.iter().filter(speaks) {
                out.push(Reason {
                    code: ReasonCode::Skipped,
                    policy: policy.name.clone(),
                    rule: rule.name.clone(),
                    message: format!(
                        "{image} is excepted until {} by {}: {}",
                        exception.until, exception.owner, exception.reason
                    ),
                    hint: String::new(),
                    attempts: Vec::new(),
                });
            }
        }
        out
    }
}

impl Check {
    /// What comes out, and what is to be told although it lets the image in.
    fn judge(&self, image: &Reference, facts: &Facts<'_>) -> (Reason, Option<Reason>) {
        let mut told = None;
        let reason = self.judge_all(image, facts, &mut told);
        (reason, told)
    }

    fn judge_all(&self, image: &Reference, facts: &Facts<'_>, told: &mut Option<Reason>) -> Reason {
        let statements = facts.statements;
        let reason = |code, message, hint| Reason {
            code,
            policy: String::new(),
            rule: String::new(),
            message,
            hint,
            attempts: Vec::new(),
        };
        if !self.allows_registry(image) {
            let allowed: Vec<_> = self.registries.iter().map(|r| r.0.as_str()).collect();
            return reason(
                ReasonCode::OtherRegistry,
                format!("{image} comes from {}, where the rule lets no image come from", image.registry()),
                format!("push it to {}", allowed.join(" or ")),
            );
        }
        let found = match facts.evidence {
            Ok(found) => found,
            Err(unavailable) => {
                return reason(
                    ReasonCode::Unreachable,
                    format!("{} could not be found out: {unavailable}", self.question(image)),
                    "check that the registry can be reached from here, and try again".to_owned(),
                );
            }
        };
        if self.verify_digest && !self.mutate_digest && image.digest().is_none() {
            return reason(
                ReasonCode::NoDigest,
                format!("{image} is named by a tag, and the rule demands a digest"),
                format!("write {}@{}", image.name(), found.subject),
            );
        }
        let pinned = format!("{}@{}", image.name(), found.subject);
        let signed = |key: &KeyId| found.signatures.iter().any(|s| s.verified_by.contains(key));
        let mut attempts = if self.attestors.is_empty() { Vec::new() } else { self.attempts(found) };
        let unmet = self.attestors.iter().filter(|set| !set.met(&signed)).count();
        let lacking = self.attestations.iter().find(|a| !a.met(statements));
        let mut reason = match lacking {
            _ if unmet > 0 => {
                let (code, message) = self.why(found, &pinned);
                reason(code, message, format!("sign it: cleanbill sign --key KEY {pinned}"))
            }
            Some(attestation) => {
                attempts.extend(attestation.attempts(statements));
                let of = &attestation.predicate_type;
                let message =
                    format!("{pinned} has no attestation of type {of} that the rule's keys and conditions accept");
                reason(ReasonCode::NotAttested, message, "have it attested by a key of the rule".to_owned())
            }
            None => match self.findings.as_ref().map(|gate| gate.judge(&pinned, facts.scanned, facts.now)) {
                Some(Judged::Refused(code, words)) => {
                    attempts.extend(words.attempts);
                    reason(code, words.message, words.hint)
                }
                passed => {
                    if let Some(Judged::Unscanned(words)) = passed {
                        *told = Some(reason(ReasonCode::NotScanned, words.message, words.hint));
                    }
                    if self.attestors.is_empty() && self.attestations.is_empty() {
                        let message = format!("{pinned} may run: the rule asks for no signature");
                        return reason(ReasonCode::Allowed, message, String::new());
                    }
                    reason(ReasonCode::Signed, format!("{pinned} is signed as the rule asks"), String::new())
                }
            },
        };
        if attempts.is_empty() && !self.attestors.is_empty() {
            attempts.push(Attempt { what: format!("what is attached to {pinned}"), outcome: "nothing is".to_owned() });
        }
        reason.attempts = attempts;
        reason
    }

    fn question(&self, image: &Reference) -> String {
        if self.attestors.is_empty() {
            format!("which digest {image} is and what is known of it")
        } else {
            format!("whether {image} is signed")
        }
    }

    /// Code and sentence for a rule that is not met.
    fn why(&self, found: &Evidence, pinned: &str) -> (ReasonCode, String) {
        let keys = self.keys();
        let ours = found.signatures.iter().any(|s| s.verified_by.iter().any(|id| keys.iter().any(|k| k.id == *id)));
        if ours {
            return (
                ReasonCode::OtherKey,
                format!("{pinned} is signed, but not by enough of the keys that the rule asks for"),
            );
        }
        let has = |wanted: fn(&WhyNot) -> bool| found.signatures.iter().flat_map(|s| &s.why_not).any(wanted);
        if has(|w| matches!(w, WhyNot::BrokenSignature)) {
            return (
                ReasonCode::OtherKey,
                format!("{pinned}: a signature names a key of the rule, but does not fit what it signs"),
            );
        }
        if has(|w| matches!(w, WhyNot::OtherKey)) || found.signatures.iter().any(|s| !s.verified_by.is_empty()) {
            return (ReasonCode::OtherKey, format!("{pinned} is signed by another key than the rule asks for"));
        }
        if has(|w| matches!(w, WhyNot::NoLogEntry(_))) {
            return (
                ReasonCode::Unsigned,
                format!("{pinned} has no signature with a transparency-log entry that counts"),
            );
        }
        let attached = found.signatures.len();
        let more = if attached == 0 {
            String::new()
        } else {
            format!(" ({attached} things are attached, none is a signature of it)")
        };
        (ReasonCode::Unsigned, format!("{pinned} is unsigned{more}"))
    }

    fn attempts(&self, found: &Evidence) -> Vec<Attempt> {
        let keys = self.keys();
        let mut out = Vec::new();
        for record in &found.signatures {
            let carrier = format!("{} ({})", record.source.manifest, record.source.found_by);
            let by: Vec<&str> =
                keys.iter().filter(|k| record.verified_by.contains(&k.id)).map(|k| k.id.0.as_str()).collect();
            let outcome = if !by.is_empty() {
                format!("signed by key {}", by.iter().map(|id| short(id)).collect::<Vec<_>>().join(", "))
            } else if record.why_not.is_empty() {
                WhyNot::OtherKey.to_string()
            } else {
                record.why_not.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            };
            let tried = keys.iter().map(|k| short(&k.id.0)).collect::<Vec<_>>().join(", ");
            out.push(Attempt { what: format!("{carrier} with key {tried}"), outcome });
        }
        out
    }
}

impl Attestation {
    /// Every statement of the type, and what became of it.
    fn attempts(&self, statements: &[Statement]) -> Vec<Attempt> {
        let keys = self.keys();
        let mut out = Vec::new();
        for statement in statements.iter().filter(|s| s.predicate_type == self.predicate_type) {
            let ours = keys.iter().find(|k| statement.verified_by.contains(&k.id));
            let outcome = match ours {
                None => "by no key of the rule".to_owned(),
                Some(_) if !statement.predicate.is_object() => "its predicate is not an object".to_owned(),
                Some(key) => match self.conditions.iter().position(|block| !block.met(&statement.predicate)) {
                    Some(n) => format!("by key {}: conditions[{n}] is not met", short(&key.id.0)),
                    None => format!("by key {}: as the rule asks", short(&key.id.0)),
                },
            };
            out.push(Attempt { what: format!("attestation of type {}", self.predicate_type), outcome });
        }
        if out.is_empty() {
            let what = format!("attestations of type {}", self.predicate_type);
            out.push(Attempt { what, outcome: "there is none that verified".to_owned() });
        }
        out
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
