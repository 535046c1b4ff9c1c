//! Ruby: gems that are installed, and what asks for them.

pub(crate) mod gemfile_lock;
pub(crate) mod gemspec;
