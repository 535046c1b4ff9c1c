//! Rust: what Cargo wrote down.

pub(crate) mod cargo_lock;
