//! From a header to a package: name, version, package URL, source, files.

use cleanbill_model::{Package, Purl, SourcePackage};

use super::Reading;
use super::header::{Header, Tag};

/// The longest name, version or file name that is believed.
const LONGEST: usize = 4096;

/// What a package is known by, whichever database says it.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) name: String,
    /// `VERSION-RELEASE`.
    pub(super) version: String,
    pub(super) epoch: Option<u32>,
    pub(super) architecture: String,
    /// File name of the source archive.
    pub(super) source: String,
    /// Modularity label.
    pub(super) module: String,
}

impl Identity {
    /// A version as rpm says it.
    fn with_epoch(&self, version: &str) -> String {
        self.epoch.map_or_else(|| version.to_owned(), |epoch| format!("{epoch}:{version}"))
    }

    pub(super) fn purl(&self) -> Purl {
        let epoch = self.epoch.map_or_else(String::new, |epoch| epoch.to_string());
        Purl::new("rpm", "", &self.name, &self.version)
            .with("arch", &self.architecture)
            .with("epoch", &epoch)
            .with("upstream", &self.source)
            .with("rpmmod", &self.module)
    }

    /// Source name and version, from `NAME-VERSION-RELEASE.src.rpm`.
    fn source_package(&self) -> Option<SourcePackage> {
        let stem = self.source.strip_suffix(".rpm")?;
        let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?;
        let mut parts = stem.rsplitn(3, '-');
        let (release, version, name) = (parts.next()?, parts.next()?, parts.next()?);
        let good = !name.is_empty() && !version.is_empty() && !release.is_empty();
        good.then(|| SourcePackage { name: name.to_owned(), version: self.with_epoch(&format!("{version}-{release}")) })
    }

    pub(super) fn package(&self, path: &str) -> Package {
        let version = self.with_epoch(&self.version);
        Package { source: self.source_package(), ..Package::found(self.purl(), &self.name, &version, path) }
    }
}

/// Notes the package of a header and the files that it owns.
pub(super) fn note(header: &Header<'_>, reading: &mut Reading<'_>) {
    let text = |tag| header.string(tag).filter(|text| text != "(none)").unwrap_or_default();
    let name = text(Tag::NAME);
    // Keys that packages are checked with are kept among the packages.
    if name == "gpg-pubkey" {
        return;
    }
    let (version, release) = (text(Tag::VERSION), text(Tag::RELEASE));
    let identity = Identity {
        version: if release.is_empty() { version.clone() } else { format!("{version}-{release}") },
        epoch: header.numbers(Tag::EPOCH).next(),
        architecture: text(Tag::ARCH),
        source: text(Tag::SOURCE_RPM),
        module: text(Tag::MODULARITY_LABEL),
        name,
    };
    let lack = match &identity {
        i if i.name.is_empty() => Some("a header names no package".to_owned()),
        _ if version.is_empty() => Some(format!("the header of {} has no version", clipped(&identity.name))),
        i if [&i.name, &i.version, &i.architecture, &i.source, &i.module].iter().any(|t| t.len() > LONGEST) => {
            Some(format!("the header of {} holds a text of more than {LONGEST} bytes", clipped(&identity.name)))
        }
        _ => None,
    };
    if let Some(lack) = lack {
        return reading.problem("rpm-header", lack);
    }
    if release.is_empty() {
        reading.problem("rpm-header", format!("the header of {} has no release", identity.name));
    }
    let key = format!("{}-{}.{}", identity.name, identity.with_epoch(&identity.version), identity.architecture);
    let files = files(header, &identity.name, reading);
    reading.found.owner(key.as_str(), &identity.purl());
    reading.found.owns(key, files);
    let license = Some(text(Tag::LICENSE)).filter(|l| !l.is_empty() && l.len() <= LONGEST);
    let package = identity.package(reading.path);
    reading.found.package(Package { licenses: license.into_iter().collect(), ..package });
}

/// The paths that a package owns: names with the number of their folder, or whole paths in packages
/// older than that.
fn files(header: &Header<'_>, name: &str, reading: &mut Reading<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let claimed = header.count(Tag::BASE_NAMES);
    if claimed == 0 {
        for path in header.strings(Tag::OLD_FILE_NAMES) {
            reading.lists.push(&mut paths, "", lossy(path).trim_start_matches('/'));
        }
        return paths;
    }
    let folders: Vec<String> = header.strings(Tag::DIR_NAMES).map(lossy).collect();
    let mut read = 0;
    for (base, folder) in header.strings(Tag::BASE_NAMES).zip(header.numbers(Tag::DIR_INDEXES)) {
        let Some(folder) = folders.get(folder as usize) else { break };
        reading.lists.push(&mut paths, folder, &String::from_utf8_lossy(base));
        read += 1;
    }
    if read < claimed {
        reading.problem("rpm-header", format!("the header of {name} lists {read} of {claimed} files"));
    }
    paths
}

/// The start of a name, for people.
fn clipped(name: &str) -> String {
    name.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, epoch: Option<u32>, expect: Option<(&str, &str)>) {
        let identity = Identity { source: source.to_owned(), epoch, ..Identity::default() };
        let read = identity.source_package();
        assert_eq!(read.as_ref().map(|s| (s.name.as_str(), s.version.as_str())), expect, "{source}");
    }

    #[test]
    fn sources_are_named_by_their_archive() {
        check("glibc-2.34-60.el9.src.rpm", None, Some(("glibc", "2.34-60.el9")));
        check("python-setuptools-53.0.0-12.el9.src.rpm", None, Some(("python-setuptools", "53.0.0-12.el9")));
        check("openssl-3.0.7-27.el9.src.rpm", Some(1), Some(("openssl", "1:3.0.7-27.el9")));
        check("oracle-1-2.nosrc.rpm", None, Some(("oracle", "1-2")));
        check("", None, None);
        check("glibc.src.rpm", None, None);
        check("-1-2.src.rpm", None, None);
        check("glibc-2.34-60.el9.x86_64.rpm", None, None);
    }
}
