//! Node.js: packages that are installed, and what asks for them.

pub(crate) mod bun_lock;
mod names;
pub(crate) mod package_json;
pub(crate) mod package_lock;
pub(crate) mod pnpm_lock;
pub(crate) mod yarn_lock;
