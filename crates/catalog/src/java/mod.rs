//! Java: archives, and what builds ask for.

pub(crate) mod archive;
mod groups;
mod identity;
mod manifest;
