//! Python: distributions that are installed, and what asks for them.

pub(crate) mod installed;
pub(crate) mod sboms;
