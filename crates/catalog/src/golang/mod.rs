//! Go: programs that it built, and what its modules ask for.

pub(crate) mod binary;
pub(crate) mod go_mod;
mod version;
