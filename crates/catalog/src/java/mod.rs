//! Java: archives, and what builds ask for.

pub(crate) mod archive;
mod manifest;
