//! What a check found: in which file, what, and what to do.

use std::fmt;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    file: String,
    what: String,
    hint: String,
}

impl Complaint {
    pub(crate) fn new(file: impl Into<String>, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { file: file.into(), what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    hint: {}", self.file, self.what, self.hint)
    }
}

/// What the tests of the checks compare: `file: what` of each.
#[cfg(test)]
pub(crate) fn summary(found: &[Complaint]) -> Vec<String> {
    found.iter().map(|complaint| format!("{}: {}", complaint.file, complaint.what)).collect()
}
