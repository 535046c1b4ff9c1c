//! Distributions: their package databases, one file each, and which files a package owns.

pub(crate) mod dpkg;
