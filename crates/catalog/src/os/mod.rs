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

use crate::cataloger::Found;

/// Packages of one database. A machine with everything installed has a tenth; a file of short
/// paragraphs could name millions.
const MOST_PACKAGES: usize = 100_000;

/// Whether a database names more packages than can be, which is told where it is found out.
fn is_full(found: &mut Found, path: &str) -> bool {
    let full = found.packages.len() >= MOST_PACKAGES;
    if full {
        let why = format!("it names more than {MOST_PACKAGES} packages");
        found.problem("too-many-packages", path, "read the package database", why);
    }
    full
}
