//! What the tests and the example of this room share.

pub(crate) mod cases;
#[path = "../../../cli/tests/support/data.rs"]
pub(crate) mod data;
pub(crate) mod mutants;
