//! Elixir: what Mix wrote down.

pub(crate) mod mix_lock;
