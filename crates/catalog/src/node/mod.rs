//! JavaScript: what its package managers wrote down.

pub(crate) mod bun_lock;
mod names;
pub(crate) mod package_lock;
pub(crate) mod pnpm_lock;
pub(crate) mod yarn_lock;
