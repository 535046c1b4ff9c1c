//! From packages and advisories to findings, and the inverse.
//!
//! [`keys`] says under which names advisories speak of a package, [`hit`] whether one of them holds its
//! version, [`match_sbom`] puts that together for a whole image, [`gate`] judges the result.

mod explain;
mod gate;
mod grouping;
mod ignore;
mod keys;
mod ownership;
mod range;
mod sbom;
mod support;
mod vex;

pub use explain::{Explanation, explain};
pub use gate::{DEFAULT_MAX_AGE, FailOn, FailOnError, GateResult, Ignorance, gate};
pub use grouping::group_id;
pub use ignore::{Applied, IgnoreError, Ignores, MAX_IGNORE_BYTES, RuleUse};
pub use keys::keys;
pub use range::{Hit, hit};
pub use sbom::{MatchOptions, match_sbom};
pub use support::end_of_life;
pub use vex::{MAX_VEX_BYTES, StatementUse, Vex, VexApplied, VexError, VexFormat, VexStatus, apply_vex};
