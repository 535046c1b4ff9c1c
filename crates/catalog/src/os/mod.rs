//! Distributions: their package databases, one file or folder each, and which files a package owns.

pub(crate) mod apk;
pub(crate) mod databases;
pub(crate) mod dpkg;
mod file_lists;
pub(crate) mod opkg;
pub(crate) mod pacman;
mod paragraphs;
pub(crate) mod repositories;
pub(crate) mod rpm;
