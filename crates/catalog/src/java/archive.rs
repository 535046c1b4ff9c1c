//! # java
//!
//! Reads Java archives: jar, war, ear and their relatives, and the archives inside them (`WEB-INF/lib`,
//! `BOOT-INF/lib`, any other place) down to a depth. What is inside has a path like
//! `app/shop.war!/WEB-INF/lib/log4j-core-2.14.1.jar`.
//!
//! What an archive is, in this order:
//!
//! 1. Every `META-INF/maven/GROUP/ARTIFACT/pom.properties` in it is a package, and so is a `pom.xml`
//!    there where that is missing; several of them are the mark of a shaded archive, which holds the
//!    classes of others.
//! 2. A plug-in of Jenkins (`hpi`, `jpi`) is what its manifest says: `Group-Id`, `Short-Name` and
//!    `Plugin-Version`.
//! 3. If none of them names the archive itself, its file name does, as in `NAME-VERSION.jar`. The
//!    version starts where the one of the manifest stands at the end, else at the first digit after a
//!    hyphen; classifiers such as `sources` are no part of it.
//! 4. A file name without version leaves the manifest: `Bundle-SymbolicName` or
//!    `Implementation-Title`, with `Implementation-Version`, `Bundle-Version` or
//!    `Specification-Version`, those of the first named section where the main one has none.
//!
//! The group of 3 and 4 is that of the repository it lies in, as Maven and Gradle keep them, of a
//! well-known project (`groups.rs`), or that of the manifest. An agent's
//! module that only names the classes it changes (`Weave-Classes`) is not the library after which its
//! file is called. The loader of Spring Boot, which it copies into programs, is listed with the
//! manifest's `Spring-Boot-Version`.
//!
//! `META-INF/maven/GROUP/ARTIFACT/pom.properties` outside of archives is that of an unpacked one.
//!
//! A package is `pkg:maven/GROUP/ARTIFACT@VERSION`, by name `GROUP:ARTIFACT`; without group it is
//! `ARTIFACT` alone. Problems: `zip-malformed`, `zip-encrypted`, `zip-method`, `budget` for archives
//! that unpack to too much, `archive-depth` for those inside too many others, `java-pom` for a
//! `pom.xml` that is no XML, and `java-no-identity` for an archive that holds classes of which nothing
//! says what they are.

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};

use cleanbill_image::{Bytes, Pattern};
use cleanbill_model::{Kind, Package, Purl};

use super::groups::Packages;
use super::identity::{Coordinates, Itself, from_path, from_pom, from_pom_xml, itself};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::zip::{Zip, ZipEntry};

/// The cataloger.
pub(crate) static JAVA: Cataloger = Cataloger {
    id: "java",
    version: 3,
    kind: Kind::Installed,
    wants: &[
        Want::Path(Pattern::Extension("jar")),
        Want::Path(Pattern::Extension("war")),
        Want::Path(Pattern::Extension("ear")),
        Want::Path(Pattern::Extension("par")),
        Want::Path(Pattern::Extension("sar")),
        Want::Path(Pattern::Extension("nar")),
        Want::Path(Pattern::Extension("jpi")),
        Want::Path(Pattern::Extension("hpi")),
        Want::Path(Pattern::Extension("kar")),
        Want::Path(Pattern::Extension("far")),
        Want::Path(Pattern::Extension("lpkg")),
        Want::Path(Pattern::Extension("rar")),
        Want::Path(Pattern::Extension("zap")),
        Want::Path(Pattern::Glob("**/META-INF/maven/*/*/pom.properties")),
    ],
    read,
};

/// Extensions that archives of other kinds have too; no problem if they are none of Java's.
const SHARED: [&str; 6] = ["par", "sar", "nar", "far", "rar", "zap"];
/// A text file inside an archive.
const TEXT_LIMIT: u64 = 1 << 20;
/// A `pom.xml`; the longest have some hundred kilobytes.
const POM_LIMIT: u64 = 4 << 20;
/// An archive inside an archive: it is unpacked in memory.
const NESTED_LIMIT: u64 = 256 << 20;

fn read(evidence: &Evidence, found: &mut Found) {
    if is_pom(&evidence.path) {
        let Some(text) = evidence.whole(TEXT_LIMIT, "read what the unpacked archive is", found) else { return };
        let coordinates = from_pom(&evidence.path, &text);
        return coordinates.into_iter().for_each(|c| list(&c, &evidence.path, found));
    }
    let mut head = [0u8; 4];
    let shared = extension(&evidence.path).is_some_and(|e| SHARED.contains(&e));
    let n = evidence.bytes.read_at(&mut head, 0).unwrap_or_default();
    if shared && !head[..n].starts_with(b"PK") {
        return;
    }
    archive(&evidence.path, evidence.bytes.clone(), 0, found);
}

/// The extension of a Java archive, in lower case.
fn extension(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    JAVA.wants.iter().find_map(|want| match want {
        Want::Path(Pattern::Extension(known)) if known.eq_ignore_ascii_case(extension) => Some(*known),
        _ => None,
    })
}

fn is_pom(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    parts.next() == Some("pom.properties") && parts.nth(2) == Some("maven") && parts.next() == Some("META-INF")
}

/// A `pom.xml` beside which there may be no `pom.properties`; some are one folder short.
fn is_pom_xml(name: &str) -> bool {
    let Some(folders) = name.strip_suffix("/pom.xml") else { return false };
    let mut folders = folders.rsplit('/').skip(1);
    let one = folders.next() == Some("maven") && folders.next() == Some("META-INF");
    let mut folders = name.rsplit('/').skip(3);
    one || (folders.next() == Some("maven") && folders.next() == Some("META-INF"))
}

fn list(coordinates: &Coordinates, path: &str, found: &mut Found) {
    let Coordinates { group, artifact, version } = coordinates;
    let name = if group.is_empty() { artifact.clone() } else { format!("{group}:{artifact}") };
    found.package(Package::found(Purl::new("maven", group, artifact, version), &name, version, path));
}

fn archive(path: &str, bytes: Bytes, depth: u32, found: &mut Found) {
    const WHAT: &str = "read the archive";
    let zip = match Zip::open(bytes) {
        Ok(zip) => zip,
        Err((code, why)) => return found.problem(code, path, WHAT, why),
    };
    let mut has_classes = false;
    let mut classes = Packages::default();
    let (entries, listed) = zip.entries(&mut found.budget, |name| {
        if name.ends_with(".class") {
            has_classes = true;
            classes.add(name);
        }
        is_pom(name) || is_pom_xml(name) || name == "META-INF/MANIFEST.MF" || extension(name).is_some()
    });
    if let Err((code, why)) = listed {
        found.problem(code, path, WHAT, why);
    }
    let before = (found.packages.len(), found.problems.len());
    let spent = Cell::new(false);
    let read = |entry: &ZipEntry, limit: u64, found: &mut Found| {
        // Said once: thousands of entries may follow.
        if spent.get() {
            return None;
        }
        match zip.read(entry, limit, &mut found.budget) {
            Ok(bytes) => Some(bytes),
            Err((code, why)) => {
                spent.set(found.budget.bytes == 0);
                let why = if spent.get() { format!("{why}; nothing more of the archive is read") } else { why };
                found.problem(code, &format!("{path}!/{}", entry.name), "read a file in the archive", why);
                None
            }
        }
    };
    let mut packages: Vec<Coordinates> = Vec::new();
    let mut seen = HashSet::new();
    for entry in entries.iter().filter(|e| is_pom(&e.name)) {
        let Some(text) = read(entry, TEXT_LIMIT, found) else { continue };
        if let Some(coordinates) = from_pom(&entry.name, &text)
            && seen.insert(coordinates.clone())
        {
            packages.push(coordinates);
        }
    }
    let folder = |name: &str| name.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let with_properties: BTreeSet<_> = entries.iter().filter(|e| is_pom(&e.name)).map(|e| folder(&e.name)).collect();
    let mut maven: Vec<_> =
        entries.iter().filter(|e| is_pom(&e.name) || is_pom_xml(&e.name)).filter_map(|e| from_path(&e.name)).collect();
    let alone = |e: &&ZipEntry| is_pom_xml(&e.name) && !with_properties.contains(&folder(&e.name));
    for entry in entries.iter().filter(alone) {
        let Some(text) = read(entry, POM_LIMIT, found) else { continue };
        match from_pom_xml(&text) {
            Ok(None) => {}
            Ok(Some((group, artifact, None))) => maven.push((group, artifact)),
            Ok(Some((group, artifact, Some(version)))) => {
                let coordinates = Coordinates { group, artifact, version };
                if seen.insert(coordinates.clone()) {
                    packages.push(coordinates);
                }
            }
            Err(why) => found.problem("java-pom", &format!("{path}!/{}", entry.name), "read the pom.xml", why),
        }
    }
    let manifest = entries.iter().find(|e| e.name == "META-INF/MANIFEST.MF");
    let manifest = manifest.and_then(|entry| read(entry, TEXT_LIMIT, found)).unwrap_or_default();
    let known =
        Itself { path, plugin: matches!(extension(path), Some("hpi" | "jpi")), classes: &classes, maven: &maven };
    packages.extend(itself(&known, &packages, &manifest));
    for coordinates in &packages {
        list(coordinates, path, found);
    }
    for entry in entries.iter().filter(|e| extension(&e.name).is_some()) {
        let inner = format!("{path}!/{}", entry.name);
        if depth + 1 >= found.budget.depth {
            let why = format!("it is inside {} other archives", depth + 1);
            found.problem("archive-depth", &inner, WHAT, why);
            continue;
        }
        if let Some(bytes) = read(entry, NESTED_LIMIT, found) {
            let shared = extension(&entry.name).is_some_and(|e| SHARED.contains(&e));
            if !shared || bytes.starts_with(b"PK") {
                archive(&inner, Bytes::from(bytes), depth + 1, found);
            }
        }
    }
    if has_classes && (found.packages.len(), found.problems.len()) == before {
        let why = "it holds classes, but neither pom.properties, nor its name, nor its manifest say of what";
        found.problem("java-no-identity", path, "tell what the archive is", why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pom_properties_are_known_by_their_place() {
        assert!(is_pom("META-INF/maven/g/a/pom.properties"));
        assert!(is_pom("WEB-INF/classes/META-INF/maven/g/a/pom.properties"));
        assert!(!is_pom("META-INF/maven/a/pom.properties"));
        assert!(!is_pom("META-INF/maven/g/a/pom.xml"));
        assert!(is_pom_xml("META-INF/maven/g/a/pom.xml"));
        assert!(is_pom_xml("META-INF/maven/g/pom.xml"));
        assert!(!is_pom_xml("pom.xml"));
        assert!(!is_pom_xml("META-INF/maven/g/a/b/pom.xml"));
    }
}
