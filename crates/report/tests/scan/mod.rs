//! The scan that the tests of this folder report.
#![allow(dead_code)] // each test file uses a part of it

use cleanbill_advisory::DatabaseInfo;
use cleanbill_match::{GateResult, Ignorance};
use cleanbill_model::{
    CoverageRow, Cvss, Digest, Distro, DistroState, Epss, Finding, FindingReason, Findings, ImageIdentity, Introduced,
    Kev, LayerInfo, Location, Package, Platform, Problem, Purl, Sbom, Severity, SourcePackage, State, Subject,
    Suppression, Timestamp,
};
use cleanbill_report::{Ci, ScanReport};

pub(crate) fn package(purl: &str, name: &str, version: &str) -> Package {
    Package {
        purl: Purl::parse(purl).unwrap(),
        name: name.into(),
        version: version.into(),
        source: None,
        licenses: vec![],
        locations: vec![Location { path: "app/x.jar".into(), layer: Some(Digest::sha256("layer")) }],
        owner: None,
        cataloger: None,
    }
}

pub(crate) fn finding(id: &str, package: Package, severity: Severity, state: State, fixed: &[&str]) -> Finding {
    Finding {
        id: id.into(),
        aliases: vec!["GHSA-jfh8-c2jp-5v3q".into()],
        package,
        introduced: Introduced::Image,
        severity,
        cvss: vec![Cvss { vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".into(), score: Some(10.0) }],
        kev: None,
        epss: None,
        fixed: fixed.iter().map(|f| (*f).to_owned()).collect(),
        state,
        reason: FindingReason { feed: "osv X".into(), range: "< 2.15.0".into(), matched_by: "maven name g:a".into() },
        suppressed: None,
        summary: "remote code execution".into(),
    }
}

/// A scan with everything that a report takes.
pub(crate) struct Scan {
    pub(crate) sbom: Sbom,
    pub(crate) findings: Findings,
    pub(crate) database: DatabaseInfo,
    pub(crate) gate: Option<GateResult>,
    pub(crate) now: Timestamp,
}

impl Scan {
    pub(crate) fn full() -> Self {
        let log4j = package(
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            "org.apache.logging.log4j:log4j-core",
            "2.14.1",
        );
        let mut libc = package("pkg:deb/debian/libc6@2.36-9", "libc6", "2.36-9+deb12u3");
        libc.source = Some(SourcePackage { name: "glibc".into(), version: "2.36-9+deb12u3".into() });
        let row = |ecosystem: &str, source: Option<&str>, packages| CoverageRow {
            ecosystem: ecosystem.into(),
            source: source.map(str::to_owned),
            as_of: source.and("2024-06-01T00:00:00Z".parse().ok()),
            packages,
            packages_without_record: 0,
        };
        let mut quiet = finding("CVE-2019-1", libc.clone(), Severity::Low, State::WillNotFix, &[]);
        quiet.suppressed = Some(Suppression { by: "ann".into(), why: "not reached".into(), until: None });
        let mut exploited = finding("CVE-2021-44228", log4j.clone(), Severity::Critical, State::Fixed, &["2.15.0"]);
        exploited.kev =
            Some(Kev { added: "2021-12-10".parse().unwrap(), due: "2021-12-24".parse().ok(), ransomware: true });
        exploited.epss = Some(Epss { score: 0.944, percentile: 0.999 });
        Self {
            findings: Findings {
                end_of_life: None,
                findings: vec![
                    exploited,
                    finding("CVE-2024-0001", libc.clone(), Severity::High, State::FixDeferred, &[]),
                    quiet,
                ],
                coverage: vec![
                    row("Debian:12", Some("debian-tracker"), 1),
                    row("Maven", Some("osv"), 1),
                    row("PyPI", None, 2),
                ],
            },
            sbom: Sbom {
                subject: Subject {
                    name: "ghcr.io/o/shop:1".into(),
                    identity: Some(ImageIdentity {
                        index: Some(Digest::sha256("index")),
                        manifest: Digest::sha256("manifest"),
                        config: Digest::sha256("config"),
                        platform: Platform::parse("linux/amd64"),
                    }),
                },
                distro: Distro {
                    id: "debian".into(),
                    version: "12".into(),
                    state: DistroState::Confirmed,
                    ..Distro::default()
                },
                packages: vec![libc, log4j],
                problems: vec![Problem::new("zip-malformed", "a.jar", "read the archive", "it is cut short")],
                catalogers: vec![],
                layers: vec![LayerInfo {
                    digest: Digest::sha256("layer"),
                    diff_id: Some(Digest::sha256("diff")),
                    size: 7,
                }],
            },
            database: DatabaseInfo {
                built: "2024-06-02T00:00:00Z".parse().ok(),
                advisories: 3,
                feeds: vec![],
                digest: "d".into(),
            },
            now: "2024-06-03T10:00:00Z".parse().unwrap(),
            gate: Some(GateResult {
                passed: false,
                failing: vec![0],
                ignorance: vec![(Ignorance::Uncovered, "no feed in the database speaks for PyPI (2 packages)".into())],
            }),
        }
    }

    pub(crate) fn empty() -> Self {
        let mut scan = Self::full();
        scan.findings = Findings::default();
        scan.sbom.packages.clear();
        scan.sbom.problems.clear();
        scan.sbom.subject.identity = None;
        scan.sbom.layers.clear();
        scan.gate = None;
        scan
    }

    pub(crate) fn report<'a>(&'a self, target: &'a str) -> ScanReport<'a> {
        ScanReport {
            target,
            sbom: &self.sbom,
            findings: &self.findings,
            database: &self.database,
            gate: self.gate.as_ref(),
            now: self.now,
            ci: Ci { commit: "c0ffee", reference: "refs/heads/main", workflow: "build", job: "scan", run: "7" },
        }
    }
}
