//! Catalogers, one file each: from files of an image to packages and problems.
//!
//! A [`Cataloger`] says which files it wants and is a pure function of their bytes; it never sees the
//! tree. To add one: a file in this folder whose module text is its manual page, a line in
//! [`ALL`], and a file `cases/ID.md`; a test holds the three together.

mod cataloger;
mod cpp;
mod dart;
mod distro;
mod document;
mod dotnet;
mod elixir;
mod executable;
mod golang;
mod graph;
mod haskell;
mod inventory;
mod java;
mod node;
mod os;
mod os_release;
mod ownership;
mod php;
mod python;
mod r;
mod ruby;
mod rust;
mod swift;
mod zip;

use cleanbill_model::{CatalogerId, Kind};

pub use cataloger::{Cataloger, Evidence, Found, Owned, Want};
pub use inventory::{Scope, inventory, inventory_folder, look, wants};
pub use os_release::OsRelease;

/// Every cataloger.
pub static ALL: &[&Cataloger] = &[
    &os::dpkg::DPKG,                      // Debian, Ubuntu and what is made from them
    &os::apk::APK,                        // Alpine, Wolfi, Chainguard, postmarketOS
    &os::rpm::RPM,                        // Red Hat, Fedora, SUSE, Amazon, Azure Linux and many more
    &os::pacman::PACMAN,                  // Arch Linux and what is made from it
    &os::opkg::OPKG,                      // OpenWrt, Yocto
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
    // What is declared: read in source trees only.
    &node::package_lock::PACKAGE_LOCK,          // npm
    &node::yarn_lock::YARN_LOCK,                // Yarn, classic and Berry
    &node::pnpm_lock::PNPM_LOCK,                // pnpm
    &node::bun_lock::BUN_LOCK,                  // Bun
    &python::requirements::REQUIREMENTS,        // pip
    &python::pipfile_lock::PIPFILE_LOCK,        // Pipenv
    &python::poetry_lock::POETRY_LOCK,          // Poetry
    &python::uv_lock::UV_LOCK,                  // uv
    &python::pdm_lock::PDM_LOCK,                // PDM
    &python::pylock::PYLOCK,                    // PEP 751
    &golang::go_mod::GO_MOD,                    // Go modules
    &rust::cargo_lock::CARGO_LOCK,              // Cargo
    &ruby::gemfile_lock::GEMFILE_LOCK,          // Bundler
    &php::composer_lock::COMPOSER_LOCK,         // Composer
    &dotnet::nuget_lock::NUGET_LOCK,            // NuGet
    &dotnet::packages_config::PACKAGES_CONFIG,  // NuGet, older projects
    &dotnet::packages_props::PACKAGES_PROPS,    // NuGet, shared versions
    &dotnet::paket_lock::PAKET_LOCK,            // Paket
    &java::gradle_lockfile::GRADLE_LOCKFILE,    // Gradle
    &java::pom::POM,                            // Maven
    &java::sbt_lock::SBT_LOCK,                  // sbt
    &dart::pubspec_lock::PUBSPEC_LOCK,          // pub
    &elixir::mix_lock::MIX_LOCK,                // Mix
    &cpp::conan_lock::CONAN_LOCK,               // Conan
    &swift::package_resolved::PACKAGE_RESOLVED, // Swift
    &swift::podfile_lock::PODFILE_LOCK,         // CocoaPods
    &r::renv_lock::RENV_LOCK,                   // renv
    &haskell::stack_lock::STACK_LOCK,           // Stack
    &haskell::cabal_freeze::CABAL_FREEZE,       // Cabal
];

/// The catalogers that look into images, with their versions, as written into every SBOM of one.
pub fn catalogers() -> Vec<CatalogerId> {
    ALL.iter().filter(|cataloger| cataloger.kind == Kind::Installed).map(|cataloger| cataloger.id()).collect()
}
