//! What the tests and the example of this room share.

pub(crate) mod cases;
#[allow(unreachable_pub, dead_code, reason = "it is shared with the tests of the command line")]
#[path = "../../../cli/tests/support/data.rs"]
pub(crate) mod data;
pub(crate) mod mutants;
