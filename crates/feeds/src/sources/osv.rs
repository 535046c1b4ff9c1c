//! # osv
//!
//! OSV.dev gathers the advisories of many publishers (GitHub, Go, PyPA, RustSec, Canonical, SUSE, Red Hat,
//! AlmaLinux, Rocky Linux, Mageia, openEuler, Microsoft, Bitnami, …) in one form and exports them daily and
//! more often: one zip archive of JSON records an ecosystem, all releases of a distribution together.
//!
//! `https://osv-vulnerabilities.storage.googleapis.com/ECOSYSTEM/all.zip`, ECOSYSTEM without the release
//! and percent-encoded: `Rocky%20Linux/all.zip` (google.github.io/osv.dev/data, "Data dumps").
//!
//! Not fetched from here are the ecosystems whose own publisher says more: Debian (states of what is not
//! fixed), Alpine, Wolfi and Chainguard (whose archives here hold one record a package and vulnerability,
//! over a million). Ecosystems that OSV.dev has no archive of are not asked for, so that a package's type
//! in an image cannot make us ask for whatever it names.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source =
    Source { name: "osv", title: "OSV.dev, advisories by ecosystem", files: For::Ecosystem(files) };

/// The ecosystems with an archive, sorted; without those that have a publisher of their own here.
const ECOSYSTEMS: &[&str] = &[
    "AlmaLinux",
    "Alpaquita",
    "Android",
    "Azure Linux",
    "BellSoft Hardened Containers",
    "Bitnami",
    "CRAN",
    "CleanStart",
    "Docker Hardened Images",
    "Echo",
    "GHC",
    "GitHub Actions",
    "Go",
    "Hackage",
    "Hex",
    "Julia",
    "Linux",
    "Mageia",
    "Maven",
    "MinimOS",
    "NuGet",
    "Packagist",
    "Pub",
    "PyPI",
    "Red Hat",
    "Rocky Linux",
    "Root",
    "RubyGems",
    "SUSE",
    "SwiftURL",
    "TuxCare",
    "Ubuntu",
    "VSCode",
    "crates.io",
    "npm",
    "opam",
    "openEuler",
    "openSUSE",
];

/// What stays as it is in a path.
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

fn files(ecosystem: &str) -> Vec<File> {
    let name = ecosystem.split(':').next().unwrap_or_default();
    if ECOSYSTEMS.binary_search(&name).is_err() {
        return Vec::new();
    }
    let encoded = utf8_percent_encode(name, &PATH);
    vec![File {
        part: name.to_owned(),
        url: format!("https://osv-vulnerabilities.storage.googleapis.com/{encoded}/all.zip"),
        form: Form::Zip,
        limit: 2048 * MIB, // npm: 210 MB in 2025, most of it malicious packages, and growing
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ecosystem: &str, expect: Option<&str>) {
        let urls: Vec<String> = files(ecosystem).into_iter().map(|file| file.url).collect();
        let expect = expect.map(|path| format!("https://osv-vulnerabilities.storage.googleapis.com/{path}/all.zip"));
        assert_eq!(urls, expect.into_iter().collect::<Vec<_>>(), "{ecosystem}");
    }

    #[test]
    fn an_archive_is_named_by_the_ecosystem_without_its_release() {
        check("npm", Some("npm"));
        check("crates.io", Some("crates.io"));
        check("Rocky Linux:9", Some("Rocky%20Linux"));
        check("SUSE:Linux Enterprise Server 15 SP5", Some("SUSE"));
        check("Ubuntu:22.04:LTS", Some("Ubuntu"));
    }

    #[test]
    fn what_osv_has_no_archive_of_is_not_asked_for() {
        check("ConanCenter", None);
        check("../npm", None);
        check("NPM", None);
        check("", None);
    }

    #[test]
    fn those_with_a_publisher_of_their_own_are_asked_there() {
        for ecosystem in ["Debian:12", "Alpine:v3.20", "Wolfi", "Chainguard"] {
            check(ecosystem, None);
        }
    }

    #[test]
    fn the_table_is_sorted_as_it_is_searched() {
        assert!(ECOSYSTEMS.is_sorted());
    }
}
