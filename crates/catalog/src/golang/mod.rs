//! Go: programs that it built, and what its modules ask for.

pub(crate) mod binary;
mod version;
