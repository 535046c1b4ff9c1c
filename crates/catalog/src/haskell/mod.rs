//! Haskell: what Cabal and Stack wrote down.

pub(crate) mod cabal_freeze;
pub(crate) mod stack_lock;
