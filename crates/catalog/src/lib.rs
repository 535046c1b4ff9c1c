//! Catalogers, one file each: from files of an image to packages and problems.
//!
//! A [`Cataloger`] says which files it wants and is a pure function of their bytes; it never sees the
//! tree. To add one: a file in this folder whose module text is its manual page, a line in
//! [`ALL`], and a file `cases/ID.md`; a test holds the three together.

mod cataloger;
mod distro;
mod dotnet;
mod executable;
mod golang;
mod inventory;
mod java;
mod node;
mod os;
mod os_release;
mod ownership;
mod php;
mod python;
mod ruby;
mod rust;
mod zip;

use cleanbill_model::{CatalogerId, Kind};

pub use cataloger::{Cataloger, Evidence, Found, Owned, Want};
pub use inventory::{Scope, inventory, inventory_folder, look, wants};
pub use os_release::OsRelease;

/// Every cataloger.
pub static ALL: &[&Cataloger] = &[
    &os::dpkg::DPKG,            // Debian, Ubuntu and what is made from them
    &os::apk::APK,              // Alpine, Wolfi, Chainguard, postmarketOS
    &os::rpm::RPM,              // Red Hat, Fedora, SUSE, Amazon, Azure Linux and many more
    &os::pacman::PACMAN,        // Arch Linux and what is made from it
    &os::opkg::OPKG,            // OpenWrt, Yocto
    &golang::binary::GO_BINARY, // programs built by Go
    &java::archive::JAVA,       // jar, war, ear and their relatives
    &os::dpkg::DPKG,                      // Debian, Ubuntu and what is made from them
    &golang::binary::GO_BINARY,           // programs built by Go
    &java::archive::JAVA,                 // jar, war, ear and their relatives
    &node::package_json::NPM_INSTALLED,   // npm packages, in node_modules and elsewhere
    &python::installed::PYTHON_INSTALLED, // Python distributions
    &python::sboms::PYTHON_SBOMS,         // what Python distributions say is compiled into them
    &rust::binary::CARGO_AUDITABLE,       // programs built by cargo-auditable
    &ruby::gemspec::GEMSPEC,              // gems
    &php::installed::COMPOSER_INSTALLED,  // packages of Composer
    &php::pear::PEAR,                     // packages of PEAR and PECL
    &dotnet::deps::DOTNET_DEPS,           // NuGet packages of .NET programs
];

/// The catalogers that look into images, with their versions, as written into every SBOM of one.
pub fn catalogers() -> Vec<CatalogerId> {
    ALL.iter().filter(|cataloger| cataloger.kind == Kind::Installed).map(|cataloger| cataloger.id()).collect()
}
