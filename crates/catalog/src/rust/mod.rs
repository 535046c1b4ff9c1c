//! Rust: programs that say what they were built from, and what asks for crates.

pub(crate) mod binary;
pub(crate) mod cargo_lock;
