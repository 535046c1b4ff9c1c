//! All advisories at hand in one database: how many there are, and what is found in programs whose flaws
//! are well known, one finding a flaw however many publishers speak of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cleanbill_testkit::components::harness::Failed;
use serde_json::Value;

use crate::support::cleanbill;
use crate::support::data::{each_file, unpacked};
use crate::support::scans::{build, findings, output};

/// Package, and flaws that it has: the name of each finding and the others it goes by.
const KNOWN: &[(&str, &[&[&str]])] = &[
    (
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
        &[
            &["CVE-2021-44228", "GHSA-jfh8-c2jp-5v3q"],
            &["CVE-2021-45046", "GHSA-7rjr-3q55-vv33"],
            &["CVE-2021-45105", "GHSA-p6xc-xr62-6r2g"],
            &["CVE-2021-44832", "GHSA-8489-44mv-ggj8"],
        ],
    ),
    ("pkg:maven/org.springframework/spring-beans@5.3.17", &[&["CVE-2022-22965", "GHSA-36p3-wjmg-h94x"]]),
    ("pkg:npm/lodash@4.17.20", &[&["CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"]]),
    (
        "pkg:pypi/requests@2.5.0",
        &[
            &["CVE-2015-2296", "GHSA-pg2w-x9wp-vw92", "PYSEC-2015-17"],
            &["CVE-2018-18074", "GHSA-x84v-xcm2-53pg", "PYSEC-2018-28"],
            &["CVE-2023-32681", "GHSA-j8r2-6x86-q33q", "PYSEC-2023-74"],
            &["CVE-2024-35195", "GHSA-9wx4-h78v-vm56"],
        ],
    ),
    ("pkg:pypi/pyyaml@5.3", &[&["CVE-2020-14343", "GHSA-8q59-q68h-6hv4", "PYSEC-2021-142"], &["CVE-2020-1747"]]),
    ("pkg:pypi/Django@3.2.0", &[&["CVE-2022-28346", "PYSEC-2022-190"], &["CVE-2021-35042", "PYSEC-2021-109"]]),
    ("pkg:golang/stdlib@1.16.3", &[&["CVE-2021-44716", "GO-2022-0288"], &["CVE-2023-24538", "GO-2023-1703"]]),
    (
        "pkg:golang/golang.org/x/crypto@v0.0.0-20201002170205-7f63de1d35b0",
        &[&["CVE-2020-29652", "GHSA-3vm4-22fp-5rfm", "GO-2021-0227"], &["CVE-2023-48795", "GO-2023-2402"]],
    ),
    (
        "pkg:golang/github.com/opencontainers/runc@v1.1.11",
        &[&["CVE-2024-21626", "GHSA-xr7r-f8xq-vfvv", "GO-2024-2491"]],
    ),
    ("pkg:golang/go.etcd.io/etcd/server/v3@v3.5.1", &[&["CVE-2026-44283", "GHSA-x35m-3gp4-4fh5", "GO-2026-5736"]]),
    ("pkg:gem/rack@2.2.2", &[&["CVE-2022-30123", "GHSA-wq4h-7r42-5hrr"], &["CVE-2020-8184"]]),
    ("pkg:cargo/time@0.1.43", &[&["CVE-2020-26235", "RUSTSEC-2020-0071"]]),
    ("pkg:cargo/smallvec@1.6.0", &[&["CVE-2021-25900", "GHSA-43w2-9j62-hq99", "RUSTSEC-2021-0003"]]),
    ("pkg:composer/symfony/http-kernel@5.4.19", &[&["CVE-2022-24894"]]),
];

/// The same where the flaws are fixed: package, and what must not be found.
const FIXED: &[(&str, &[&str])] = &[
    ("pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1", &["CVE-2021-44228", "CVE-2021-44832"]),
    ("pkg:npm/lodash@4.17.21", &["CVE-2021-23337"]),
    ("pkg:pypi/requests@2.33.0", &["CVE-2018-18074", "CVE-2024-35195", "CVE-2015-2296"]),
    ("pkg:golang/github.com/opencontainers/runc@v1.1.12", &["CVE-2024-21626"]),
    ("pkg:cargo/smallvec@1.6.1", &["CVE-2021-25900"]),
];

/// The OSV archives and their files with a record in it.
const OSV: &[(&str, usize)] = &[
    ("golang-vulndb-osv.tar.zst", 4291),
    ("pypa-advisory-db-2026-07-23.tar.zst", 7080),
    ("almalinux-osv.tar.zst", 5680),
    ("bitnami-vulndb.tar.zst", 7444),
    ("ghsa-selection.tar.zst", 73),
];

/// The id of the record in a file of an OSV archive, read as text.
fn id_in(path: &str, bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    if path.ends_with(".json") {
        return serde_json::from_str::<Value>(&text).ok()?["id"].as_str().map(str::to_owned);
    }
    let line = text.lines().find_map(|line| line.strip_prefix("id:")).filter(|_| path.ends_with(".yaml"))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

pub(crate) fn known_findings(files: &[PathBuf]) -> Result<(), Failed> {
    let home = tempfile::tempdir().unwrap();
    let database = build(home.path(), &[&files[0]]);
    let status = output(cleanbill(home.path()).args(["db", "status", "--db", &database, "-o", "json"]));
    let status: Value = serde_json::from_str(&status).unwrap();
    let feeds: BTreeMap<&str, u64> = status["feeds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["name"].as_str().unwrap(), f["advisories"].as_u64().unwrap()))
        .collect();
    // A record may be in several files: AlmaLinux has one for each release, GitHub's are in two sets.
    let mut osv = BTreeSet::new();
    for (archive, count) in OSV {
        let mut records = 0;
        each_file(&files[0].join(archive), |path, bytes| {
            if let Some(id) = id_in(path, bytes) {
                records += 1;
                osv.insert(id);
            }
        });
        assert_eq!(records, *count, "{archive}");
    }
    let maven: Value = serde_json::from_slice(&unpacked(&files[0].join("maven-osv-ghsa-356.json.zst"))).unwrap();
    let maven = maven.as_array().or_else(|| maven["vulns"].as_array()).unwrap();
    assert_eq!(maven.len(), 356);
    osv.extend(maven.iter().map(|record| record["id"].as_str().unwrap().to_owned()));
    // One record of Ruby's is in a file for each of its gems.
    let mut ruby = BTreeSet::new();
    each_file(&files[0].join("ruby-advisory-db-without-osvdb.tar.zst"), |path, _| {
        if let Some(path) = path.strip_suffix(".yml") {
            ruby.insert(path.rsplit('/').next().unwrap_or(path).to_owned());
        }
    });
    let expected = [
        ("osv", osv.len()),
        ("rustsec", 1225),
        ("wolfi", 20_770),
        ("cisa-kev", 1662),
        ("ruby-advisory-db", ruby.len()),
        ("alpine-secdb", 199),
        ("debian-tracker", 2662),
    ];
    for (feed, count) in expected {
        assert_eq!(feeds.get(feed).copied(), Some(count as u64), "{feed}");
    }
    for feed in ["friendsofphp", "node-core", "retirejs"] {
        assert!(feeds.get(feed).is_some_and(|count| *count > 100), "{feed}: {feeds:?}");
    }

    let sbom = home.path().join("sbom.txt");
    let lines: Vec<&str> = KNOWN.iter().map(|(purl, _)| *purl).chain(FIXED.iter().map(|(purl, _)| *purl)).collect();
    std::fs::write(&sbom, lines.join("\n") + "\n").unwrap();
    let scan = findings(home.path(), &format!("sbom:{}", sbom.display()), &database);
    let mut found: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for finding in scan["findings"].as_array().unwrap() {
        let aliases = finding["aliases"].as_array().unwrap();
        let names = std::iter::once(&finding["id"]).chain(aliases).map(|name| name.as_str().unwrap().to_owned());
        let purl = finding["package"]["purl"].as_str().unwrap().to_ascii_lowercase();
        found.entry(purl).or_default().push(names.collect());
    }
    for (purl, flaws) in KNOWN {
        let found = found.get(&purl.to_ascii_lowercase()).unwrap_or_else(|| panic!("nothing in {purl}"));
        for flaw in *flaws {
            let by_name: Vec<_> =
                found.iter().filter(|names| names.iter().any(|n| flaw.contains(&n.as_str()))).collect();
            assert_eq!(by_name.len(), 1, "{purl} {flaw:?}: {by_name:?}");
            assert_eq!(by_name[0][0], flaw[0], "{purl}: the name of the finding");
            assert!(flaw.iter().all(|name| by_name[0].iter().any(|n| n == name)), "{purl} {flaw:?}: {by_name:?}");
        }
        let mut names: Vec<_> = found.iter().flatten().collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{purl}: two findings have a name in common: {found:?}");
    }
    for (purl, gone) in FIXED {
        let found = found.get(*purl).into_iter().flatten().flatten();
        assert_eq!(found.filter(|name| gone.contains(&name.as_str())).count(), 0, "{purl}");
    }
    Ok(())
}
