//! Swift: what its package manager and CocoaPods wrote down.

pub(crate) mod package_resolved;
pub(crate) mod podfile_lock;
