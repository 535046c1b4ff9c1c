//! # paket-lock
//!
//! Reads `paket.lock` of Paket: the packages below `NUGET`, in every group, as `NAME (VERSION)` with
//! restrictions behind them; what each of them needs stands deeper and is locked itself. Files of GitHub
//! and other addresses have no version and are not listed. The lock does not tell what only development
//! needs.
//!
//! A package is `pkg:nuget/NAME@VERSION`. Problems: `declared-entry` for lines that cannot be read,
//! `declared-malformed` for a file without any section of Paket.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, text};

/// The cataloger.
pub(crate) static PAKET_LOCK: Cataloger = Cataloger {
    id: "paket-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/paket.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Paket";
const SECTIONS: [&str; 7] = ["NUGET", "GITHUB", "GIST", "HTTP", "GIT", "GROUP", "RESTRICTION:"];

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let (mut section, mut known) = ("", false);
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match line.len() - line.trim_start().len() {
            0 => {
                section = line.split(' ').next().unwrap_or_default();
                known |= SECTIONS.contains(&section) || ["STORAGE:", "STRATEGY:", "REFERENCES:"].contains(&section);
            }
            4 if section == "NUGET" => package(line.trim(), &mut declared),
            _ => {}
        }
    }
    if !known {
        declared.malformed("it has no section of Paket");
    }
    declared.finish();
}

fn package(line: &str, declared: &mut Declared<'_>) {
    let parts = line.split_once(" (").and_then(|(name, rest)| Some((name, rest.split_once(')')?.0)));
    match parts {
        Some((name, version)) => declared.add(Purl::new("nuget", "", name, version), name, version),
        None => declared.broken(format!("`{}` is no package with its version", short(line))),
    }
}
