//! Ruby: gems that are installed, and what asks for them.

pub(crate) mod gemspec;
