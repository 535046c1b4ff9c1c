//! Catalogers, one file each: from files of an image to packages and problems.
//!
//! A [`Cataloger`] says which files it wants and is a pure function of their bytes; it never sees the
//! tree. To add one: a file in this folder whose module text is its manual page, a line in
//! [`ALL`], and a file `cases/ID.md`; a test holds the three together.

mod cataloger;
mod distro;
mod dpkg;
mod executable;
mod go_binary;
mod inventory;
mod java;
mod manifest;
mod os_release;
mod zip;

use cleanbill_model::CatalogerId;

pub use cataloger::{Cataloger, Evidence, Found, Want};
pub use inventory::inventory;
pub use os_release::OsRelease;

/// Every cataloger.
pub static ALL: &[&Cataloger] = &[
    &dpkg::DPKG,           // Debian, Ubuntu and what is made from them
    &go_binary::GO_BINARY, // programs built by Go
    &java::JAVA,           // jar, war, ear and their relatives
];

/// The catalogers and their versions, as written into every SBOM.
pub fn catalogers() -> Vec<CatalogerId> {
    ALL.iter().map(|cataloger| cataloger.id()).collect()
}
