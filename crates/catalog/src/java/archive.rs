//! # java
//!
//! Reads Java archives: jar, war, ear and their relatives, and the archives inside them (`WEB-INF/lib`,
//! `BOOT-INF/lib`, any other place) down to a depth. What is inside has a path like
//! `app/shop.war!/WEB-INF/lib/log4j-core-2.14.1.jar`.
//!
//! What an archive is, in this order:
//!
//! 1. Every `META-INF/maven/GROUP/ARTIFACT/pom.properties` in it is a package; several of them are
//!    the mark of a shaded archive, which holds the classes of others.
//! 2. If none of them names the archive itself, its file name does, as in `NAME-VERSION.jar`, with
//!    the group from the manifest where `Implementation-Vendor-Id` has one.
//! 3. A file name without version leaves the manifest: `Implementation-Title` or
//!    `Bundle-SymbolicName`, with `Implementation-Version`, `Bundle-Version` or
//!    `Specification-Version`.
//!
//! A package is `pkg:maven/GROUP/ARTIFACT@VERSION`, by name `GROUP:ARTIFACT`; without group it is
//! `ARTIFACT` alone. Problems: `zip-malformed`, `zip-encrypted`, `zip-method`, `budget` for archives
//! that unpack to too much, `archive-depth` for those inside too many others, and `java-no-identity`
//! for one that holds classes of which nothing says what they are.

use cleanbill_image::{Bytes, Pattern};
use cleanbill_model::{Kind, Package, Purl};

use super::manifest::{main_section, properties};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::zip::{Zip, ZipEntry};

/// The cataloger.
pub(crate) static JAVA: Cataloger = Cataloger {
    id: "java",
    version: 1,
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
    ],
    read,
};

/// Extensions that archives of other kinds have too; no problem if they are none of Java's.
const SHARED: [&str; 5] = ["par", "sar", "nar", "far", "rar"];
/// A text file inside an archive.
const TEXT_LIMIT: u64 = 1 << 20;
/// An archive inside an archive: it is unpacked in memory.
const NESTED_LIMIT: u64 = 256 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Coordinates {
    group: String,
    artifact: String,
    version: String,
}

fn read(evidence: &Evidence, found: &mut Found) {
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

fn archive(path: &str, bytes: Bytes, depth: u32, found: &mut Found) {
    const WHAT: &str = "read the archive";
    let zip = match Zip::open(bytes) {
        Ok(zip) => zip,
        Err((code, why)) => return found.problem(code, path, WHAT, why),
    };
    let mut has_classes = false;
    let (entries, listed) = zip.entries(&mut found.budget, |name| {
        has_classes |= name.ends_with(".class");
        is_pom(name) || name == "META-INF/MANIFEST.MF" || extension(name).is_some()
    });
    if let Err((code, why)) = listed {
        found.problem(code, path, WHAT, why);
    }
    let before = (found.packages.len(), found.problems.len());
    let read = |entry: &ZipEntry, limit: u64, found: &mut Found| match zip.read(entry, limit, &mut found.budget) {
        Ok(bytes) => Some(bytes),
        Err((code, why)) => {
            found.problem(code, &format!("{path}!/{}", entry.name), "read a file in the archive", why);
            None
        }
    };
    let mut packages: Vec<Coordinates> = Vec::new();
    for entry in entries.iter().filter(|e| is_pom(&e.name)) {
        let Some(text) = read(entry, TEXT_LIMIT, found) else { continue };
        if let Some(coordinates) = from_pom(&entry.name, &text)
            && !packages.contains(&coordinates)
        {
            packages.push(coordinates);
        }
    }
    let manifest = entries.iter().find(|e| e.name == "META-INF/MANIFEST.MF");
    let manifest = manifest.and_then(|entry| read(entry, TEXT_LIMIT, found)).unwrap_or_default();
    if let Some(own) = own(path, &packages, &manifest) {
        packages.push(own);
    }
    for Coordinates { group, artifact, version } in &packages {
        let name = if group.is_empty() { artifact.clone() } else { format!("{group}:{artifact}") };
        found.package(Package::found(Purl::new("maven", group, artifact, version), &name, version, path));
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

/// A value that says something; build tools leave placeholders behind.
fn stated(value: Option<&String>) -> Option<String> {
    value.map(|v| v.trim()).filter(|v| !v.is_empty() && !v.contains("${")).map(str::to_owned)
}

fn from_pom(name: &str, text: &[u8]) -> Option<Coordinates> {
    let values = properties(text);
    let mut folders = name.rsplit('/').skip(1);
    let (artifact, group) = (folders.next()?, folders.next()?);
    Some(Coordinates {
        group: stated(values.get("groupId")).unwrap_or_else(|| group.to_owned()),
        artifact: stated(values.get("artifactId")).unwrap_or_else(|| artifact.to_owned()),
        version: stated(values.get("version"))?,
    })
}

/// What the archive itself is, where none of its `pom.properties` says so.
fn own(path: &str, poms: &[Coordinates], manifest: &[u8]) -> Option<Coordinates> {
    let file = path.rsplit('/').next()?;
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let named = name_and_version(stem);
    let artifact = named.map_or(stem, |(name, _)| name);
    if poms.iter().any(|pom| pom.artifact == artifact || stem.starts_with(&format!("{}-", pom.artifact))) {
        return None;
    }
    let manifest = main_section(manifest);
    let group = ["implementation-vendor-id", "bundle-group"]
        .iter()
        .find_map(|key| stated(manifest.get(*key)))
        .filter(|group| group.contains('.') && !group.contains([' ', '/', ',']))
        .unwrap_or_default();
    if let ([pom], Some((_, version))) = (poms, named)
        && pom.version == version
    {
        return None; // the same by another spelling: `error-prone` and `error_prone`
    }
    if let Some((name, version)) = named {
        return Some(Coordinates { group, artifact: name.to_owned(), version: version.to_owned() });
    }
    if poms.len() == 1 {
        return None; // a renamed file with one name of its own
    }
    let version = ["implementation-version", "bundle-version", "specification-version"]
        .iter()
        .find_map(|key| stated(manifest.get(*key)))?;
    let title = stated(manifest.get("implementation-title")).filter(|t| !t.contains([' ', '/']));
    let bundle = stated(manifest.get("bundle-symbolicname"))
        .map(|b| b.split(';').next().unwrap_or_default().trim().to_owned())
        .filter(|b| !b.is_empty());
    let artifact = title.or(bundle).unwrap_or_else(|| stem.to_owned());
    let same = |pom: &Coordinates| pom.artifact == artifact && pom.version == version;
    (!poms.iter().any(same)).then_some(Coordinates { group, artifact, version })
}

/// `log4j-core-2.14.1` is `log4j-core` in version `2.14.1`: the version starts at the first digit
/// after a hyphen.
fn name_and_version(stem: &str) -> Option<(&str, &str)> {
    let at = stem
        .match_indices('-')
        .map(|(at, _)| at)
        .find(|at| *at > 0 && stem.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit))?;
    Some((&stem[..at], &stem[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stem: &str, expect: Option<(&str, &str)>) {
        assert_eq!(name_and_version(stem), expect, "{stem}");
    }

    #[test]
    fn file_names_hold_name_and_version() {
        check("log4j-core-2.14.1", Some(("log4j-core", "2.14.1")));
        check("guava-31.1-jre", Some(("guava", "31.1-jre")));
        check("app", None);
        check("commons-lang", None);
        check("-1.0", None);
    }

    #[test]
    fn pom_properties_are_known_by_their_place() {
        assert!(is_pom("META-INF/maven/g/a/pom.properties"));
        assert!(is_pom("WEB-INF/classes/META-INF/maven/g/a/pom.properties"));
        assert!(!is_pom("META-INF/maven/a/pom.properties"));
        assert!(!is_pom("META-INF/maven/g/a/pom.xml"));
    }
}
