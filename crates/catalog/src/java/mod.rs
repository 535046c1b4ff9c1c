//! Java: archives, and what builds ask for.

pub(crate) mod archive;
pub(crate) mod gradle_lockfile;
mod groups;
mod identity;
mod manifest;
pub(crate) mod pom;
pub(crate) mod sbt_lock;
