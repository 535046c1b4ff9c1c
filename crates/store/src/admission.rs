//! Answers to admission requests, as they are kept for those who ask later why something was refused.
//!
//! Controllers try again for as long as they are refused: the same answer to the same thing is one entry
//! that counts, and moves to the top each time.

use cleanbill_model::Timestamp;
use serde::{Deserialize, Serialize};

/// What an answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdmissionOutcome {
    /// It came in.
    Admitted,
    /// It did not.
    Refused,
    /// It could not be found out, and did not come in.
    Undecided,
    /// It came in, and would not where the hook enforces.
    WouldBeRefused,
}

impl AdmissionOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Admitted, Self::Refused, Self::Undecided, Self::WouldBeRefused];

    /// The word for formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
            Self::WouldBeRefused => "would-be-refused",
        }
    }

    /// The outcome of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == word)
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionEntry {
    /// What tells it from others: a digest of what was asked and what came out, without times.
    pub key: String,
    /// Place in the order of arrival, given by the store; what it is on the way in does not matter.
    #[serde(skip)]
    pub cursor: i64,
    /// How often it was given; on the way in: how often since it was last written.
    #[serde(skip)]
    pub times: u64,
    /// When it was first given.
    pub first: Timestamp,
    /// When it was last given.
    pub last: Timestamp,
    /// What it was.
    pub outcome: AdmissionOutcome,
    /// The hook: `mutate` or `validate`.
    pub phase: String,
    /// Its failure policy: `Fail` or `Ignore`.
    pub failure_policy: String,
    /// What was done with the object: `create`, `update`.
    pub operation: String,
    /// Kind of the object.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name; empty where the server makes one up.
    pub name: String,
    /// Who sent it.
    pub user: String,
    /// What that person read.
    pub message: String,
    /// What was told although it came in.
    pub warnings: Vec<String>,
    /// The verdict on each image.
    pub images: Vec<AdmittedImage>,
}

/// The verdict on one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittedImage {
    /// The image as it was asked for.
    pub image: String,
    /// Where it stands in the object: `container web`, one for each place.
    pub places: Vec<String>,
    /// The digest it was about; `None` where it could not be resolved.
    pub digest: Option<String>,
    /// The decision by its word.
    pub decision: String,
    /// What enforcing rules said, and what others found good.
    pub reasons: Vec<AdmissionReason>,
    /// What rules that only audit would refuse.
    pub warnings: Vec<AdmissionReason>,
}

/// What one rule said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionReason {
    /// Stable code.
    pub code: String,
    /// Policy; empty if none asked.
    pub policy: String,
    /// Rule.
    pub rule: String,
    /// What came out.
    pub message: String,
    /// What to do next; may be empty.
    pub hint: String,
    /// What was tried, and what came out of it.
    pub attempts: Vec<(String, String)>,
}

/// Which answers are asked for; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdmissionFilter {
    /// Only these outcomes; empty: all.
    pub outcomes: Vec<AdmissionOutcome>,
    /// Only this namespace.
    pub namespace: Option<String>,
    /// Only those about an image of this digest.
    pub digest: Option<String>,
}
