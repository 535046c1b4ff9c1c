//! Verdicts: may it run, and why.

use crate::{Digest, Reference};

/// May it run?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    /// It may.
    Admit,
    /// It may not.
    Refuse,
    /// It could not be found out; the failure policy decides.
    Undecided,
}

impl Decision {
    /// The word for people and formats.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Admit => "admitted",
            Decision::Refuse => "refused",
            Decision::Undecided => "undecided",
        }
    }
}

/// The verdict on one image under all policies that speak of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The image as it was asked for.
    pub image: Reference,
    /// The digest the verdict is about; `None` where it could not be resolved.
    pub digest: Option<Digest>,
    /// The answer.
    pub decision: Decision,
    /// Every policy rule that was judged, whatever came out.
    pub reasons: Vec<Reason>,
    /// Failing rules that only audit: they admit and are told.
    pub warnings: Vec<Reason>,
}

/// Stable codes of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReasonCode {
    /// Signed as the rule asks.
    Signed,
    /// Nothing that is a signature was found.
    Unsigned,
    /// Signatures were found, none by a key of the rule.
    OtherKey,
    /// The registry did not answer.
    Unreachable,
    /// The registry answers that there is no such image.
    NotFound,
    /// A digest is required and there is only a tag.
    NoDigest,
    /// The reference cannot be read.
    BadReference,
    /// No policy speaks of the image.
    NoPolicy,
    /// Left out by the policy's own list.
    Skipped,
    /// The deadline passed before an answer was found.
    Deadline,
    /// It comes from a registry that the rule does not allow.
    OtherRegistry,
    /// The rule asks for no signature, and what it asks for is met.
    Allowed,
    /// A statement that the rule asks for is not there, by none of its keys, or says something else.
    NotAttested,
    /// What is wrong with it is more than the rule lets pass.
    HasFindings,
    /// The rule asks what is wrong with it, and nobody has looked into it yet.
    NotScanned,
    /// It was looked into longer ago than the rule lets pass.
    ScanTooOld,
    /// The rule asks what is wrong with it, and that cannot be said: nobody speaks for what is in it, or it
    /// cannot be read.
    FindingsUnknown,
    /// The clock cannot be believed, and what is asked depends on the time.
    ClockBehind,
    /// It may run for a few hours because somebody with the right to say so said so.
    BreakGlass,
}

impl ReasonCode {
    /// The code as text.
    pub fn name(self) -> &'static str {
        match self {
            ReasonCode::Signed => "signed",
            ReasonCode::Unsigned => "unsigned",
            ReasonCode::OtherKey => "signed-by-another-key",
            ReasonCode::Unreachable => "registry-unreachable",
            ReasonCode::NotFound => "image-not-found",
            ReasonCode::NoDigest => "no-digest",
            ReasonCode::BadReference => "bad-reference",
            ReasonCode::NoPolicy => "no-policy",
            ReasonCode::Skipped => "skipped",
            ReasonCode::Deadline => "deadline",
            ReasonCode::OtherRegistry => "registry-not-allowed",
            ReasonCode::Allowed => "allowed",
            ReasonCode::NotAttested => "not-attested",
            ReasonCode::HasFindings => "has-findings",
            ReasonCode::NotScanned => "not-scanned",
            ReasonCode::ScanTooOld => "scan-too-old",
            ReasonCode::FindingsUnknown => "findings-unknown",
            ReasonCode::ClockBehind => "clock-behind",
            ReasonCode::BreakGlass => "break-glass",
        }
    }
}

/// One reason of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable code.
    pub code: ReasonCode,
    /// Policy that asked, empty if none did.
    pub policy: String,
    /// Rule of that policy.
    pub rule: String,
    /// What came out, one sentence without full stop.
    pub message: String,
    /// What to do next; empty where there is nothing to do.
    pub hint: String,
    /// Everything that was tried.
    pub attempts: Vec<Attempt>,
}

/// One thing that was tried for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was looked at: `bundle sha256:… with key 1f3a…`.
    pub what: String,
    /// What came out.
    pub outcome: String,
}
