//! R: what renv wrote down.

pub(crate) mod renv_lock;
