//! Python: distributions that are installed, and what asks for them.

pub(crate) mod installed;
mod names;
pub(crate) mod pdm_lock;
pub(crate) mod pipfile_lock;
pub(crate) mod poetry_lock;
pub(crate) mod pylock;
pub(crate) mod requirements;
pub(crate) mod sboms;
pub(crate) mod uv_lock;
