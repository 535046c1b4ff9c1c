//! Python: what its package managers wrote down.

mod names;
pub(crate) mod pdm_lock;
pub(crate) mod pipfile_lock;
pub(crate) mod poetry_lock;
pub(crate) mod pylock;
pub(crate) mod requirements;
pub(crate) mod uv_lock;
