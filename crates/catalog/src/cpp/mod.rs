//! C and C++: what Conan wrote down.

pub(crate) mod conan_lock;
