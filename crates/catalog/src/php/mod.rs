//! PHP: packages that are installed, and what asks for them.

pub(crate) mod composer_lock;
pub(crate) mod installed;
pub(crate) mod pear;
mod serialized;
