//! Dart: what pub wrote down.

pub(crate) mod pubspec_lock;
