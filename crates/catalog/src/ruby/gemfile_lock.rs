//! # gemfile-lock
//!
//! Reads `Gemfile.lock`, `Gemfile.next.lock` and `gems.locked` of Bundler: the `specs` of `GEM`, `GIT`
//! and `PLUGIN SOURCE`. Those of `PATH` are the project itself and left out. A gem that is locked for
//! several platforms (`nokogiri (1.15.0-x86_64-linux)`) is one package, without the platform. The lock
//! has no groups: what only development needs is listed too.
//!
//! A package is `pkg:gem/NAME@VERSION`. Problems: `declared-entry` for a line of `specs` that cannot be
//! read, `declared-malformed` for a file without any section of Bundler.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, text};

/// The cataloger.
pub(crate) static GEMFILE_LOCK: Cataloger = Cataloger {
    id: "gemfile-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[
        Want::Path(Pattern::Glob("**/Gemfile.lock")),
        Want::Path(Pattern::Glob("**/Gemfile.next.lock")),
        Want::Path(Pattern::Glob("**/gems.locked")),
    ],
    read,
};

const WHAT: &str = "read the lock file of Bundler";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let (mut section, mut in_specs, mut known) = ("", false, false);
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let indent = line.len() - line.trim_start().len();
        match indent {
            0 => {
                (section, in_specs) = (line, false);
                known |= ["GEM", "GIT", "PATH", "PLUGIN SOURCE", "PLATFORMS", "DEPENDENCIES"].contains(&line);
                if line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") {
                    declared.broken(format!("`{}` is left of a merge", short(line)));
                }
            }
            2 => in_specs = line.trim() == "specs:",
            4 if in_specs && ["GEM", "GIT", "PLUGIN SOURCE"].contains(&section) => spec(line.trim(), &mut declared),
            _ => {}
        }
    }
    if !known {
        declared.malformed("it has no section of Bundler");
    }
    declared.finish();
}

/// `NAME (VERSION)` or `NAME (VERSION-PLATFORM)`; versions have no hyphen.
fn spec(line: &str, declared: &mut Declared<'_>) {
    let parts = line.split_once(" (").and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
    match parts {
        Some((name, version)) => {
            let version = version.split('-').next().unwrap_or(version);
            declared.add(Purl::new("gem", "", name, version), name, version);
        }
        None => declared.broken(format!("`{}` is no gem with its version", short(line))),
    }
}
