//! PHP: what Composer wrote down.

pub(crate) mod composer_lock;
