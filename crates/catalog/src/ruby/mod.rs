//! Ruby: what Bundler wrote down.

pub(crate) mod gemfile_lock;
