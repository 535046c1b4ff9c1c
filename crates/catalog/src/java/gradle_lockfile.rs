//! # gradle-lockfile
//!
//! Reads `gradle.lockfile` and the older `gradle/dependency-locks/*.lockfile` of Gradle:
//! `GROUP:ARTIFACT:VERSION=CONFIGURATION,…`. Left out: what only configurations of tests ask for (their
//! names have `test` in them, as `testRuntimeClasspath`); older files are named after their
//! configuration. `buildscript-gradle.lockfile` locks plugins of the build itself and is not read.
//!
//! A package is `pkg:maven/GROUP/ARTIFACT@VERSION`, by name `GROUP:ARTIFACT`. Problems: `declared-entry`
//! for lines that cannot be read.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, text};

/// The cataloger.
pub(crate) static GRADLE_LOCKFILE: Cataloger = Cataloger {
    id: "gradle-lockfile",
    version: 1,
    kind: Kind::Declared,
    wants: &[
        Want::Path(Pattern::Glob("**/gradle.lockfile")),
        Want::Path(Pattern::Glob("**/gradle/dependency-locks/*.lockfile")),
    ],
    read,
};

const WHAT: &str = "read the lock file of Gradle";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let file = evidence.name().strip_suffix(".lockfile").unwrap_or_default();
    let mut declared = Declared::new(evidence, WHAT, found);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (coordinates, configurations) = line.split_once('=').unwrap_or((line, file));
        if coordinates == "empty" || configurations.split(',').all(is_test) {
            continue;
        }
        let parts: Vec<&str> = coordinates.split(':').collect();
        match parts.as_slice() {
            [group, artifact, version] if !group.is_empty() => {
                let name = format!("{group}:{artifact}");
                declared.add(Purl::new("maven", group, artifact, version), &name, version);
            }
            _ => declared.broken(format!("`{}` is no group, artifact and version", short(line))),
        }
    }
    declared.finish();
}

fn is_test(configuration: &str) -> bool {
    let name = configuration.trim();
    name.starts_with("test") || name.contains("Test")
}
