//! Debian: every (source, vulnerability) pair of the tracker at its edges. A root has packages of every
//! source just below each fix, at each fix, and as the release has it; their own versions and names say
//! nothing, so that only the source and its version can count.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cleanbill_testkit::components::harness::Failed;
use serde_json::Value;

use crate::support::data::unpacked;
use crate::support::scans::{build, findings, listed};

/// Debian policy, section 5.6.12, by numbers that are compared in turn: the end of a text is as `0`.
fn order(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| {
        let mut numbers: Vec<i128> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            numbers.extend(rest[..digits].chars().map(|c| match c {
                '~' => -1,
                c if c.is_ascii_alphabetic() => i128::from(u32::from(c)),
                c => i128::from(u32::from(c)) + 1000,
            }));
            rest = &rest[digits..];
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            numbers.extend([0, rest[..end].parse().unwrap_or(0)]);
            rest = &rest[end..];
        }
        numbers
    };
    let parts = |version: &str| {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        [numbers(epoch), numbers(upstream), numbers(revision)]
    };
    for (mut a, mut b) in parts(a).into_iter().zip(parts(b)) {
        let length = a.len().max(b.len());
        a.resize(length, 0);
        b.resize(length, 0);
        if a != b {
            return a.cmp(&b);
        }
    }
    Ordering::Equal
}

/// What the tracker says of a version in a release: the state of the finding (`fixed`: there is a fix) and
/// the fix, or no finding.
fn verdict(release: &Value, version: &str) -> Option<(&'static str, Option<String>)> {
    match (release["status"].as_str().unwrap(), release["fixed_version"].as_str()) {
        ("resolved", Some("0")) => None,
        ("resolved", Some(fixed)) => order(version, fixed).is_lt().then(|| ("fixed", Some(fixed.to_owned()))),
        ("open", None) if release["nodsa_reason"] == "ignored" => Some(("will_not_fix", None)),
        ("open", None) if release.get("nodsa").is_some() => Some(("fix_deferred", None)),
        ("open", None) => Some(("affected", None)),
        other => panic!("the tracker says {other:?}"),
    }
}

/// Versions of a source that tell its records apart.
fn versions(vulnerabilities: &BTreeMap<&String, &Value>) -> BTreeSet<String> {
    let mut versions = BTreeSet::new();
    for release in vulnerabilities.values() {
        if let Some(fixed) = release["fixed_version"].as_str().filter(|fixed| *fixed != "0") {
            versions.extend([fixed.to_owned(), format!("{fixed}~")]);
        }
        versions.extend(release["repositories"].as_object().unwrap().values().map(|v| v.as_str().unwrap().to_owned()));
    }
    versions
}

/// What was seen in all releases.
#[derive(Default)]
struct Counts {
    pairs: BTreeSet<(String, String)>,
    /// Open in a release.
    open: usize,
    /// Never there in a release.
    never: usize,
}

pub(crate) fn as_recorded(files: &[PathBuf]) -> Result<(), Failed> {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tracker.json");
    let bytes = unpacked(&files[0]);
    std::fs::write(&file, &bytes).unwrap();
    let database = build(home.path(), &[&file]);
    let tracker: Value = serde_json::from_slice(&bytes).unwrap();
    let mut counts = Counts::default();
    for (codename, number) in [("bookworm", "12"), ("trixie", "13")] {
        release(home.path(), &database, &tracker, (codename, number), &mut counts);
    }
    assert_eq!(counts.pairs.len(), 2803);
    assert_eq!((counts.open, counts.never), (29, 6));
    Ok(())
}

fn release(
    home: &std::path::Path,
    database: &str,
    tracker: &Value,
    (codename, number): (&str, &str),
    counts: &mut Counts,
) {
    let mut status = String::new();
    let mut install = |name: &str, state: &str, source: &str| {
        let paragraph = format!("Package: {name}\nStatus: {state}\nArchitecture: amd64\nVersion: 99:99-9\n{source}\n");
        status.push_str(&paragraph);
    };
    let (mut packages, mut without) = (0, 0);
    let mut expected = BTreeSet::new();
    for (source, vulnerabilities) in tracker.as_object().unwrap() {
        let here: BTreeMap<&String, &Value> = vulnerabilities
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(id, record)| Some((id, record["releases"].get(codename)?)))
            .collect();
        for (id, release) in &here {
            let pair = (source.clone(), (*id).clone());
            match (release["status"].as_str(), release["fixed_version"].as_str()) {
                (Some("open"), _) => counts.open += 1,
                (_, Some("0")) => counts.never += 1,
                (_, fixed) => {
                    let fixed = fixed.unwrap();
                    assert!(verdict(release, &format!("{fixed}~")).is_some() && verdict(release, fixed).is_none());
                }
            }
            counts.pairs.insert(pair);
        }
        if here.is_empty() {
            install(&format!("only-elsewhere-{source}"), "install ok installed", &format!("Source: {source} (0.1)\n"));
            (packages, without) = (packages + 1, without + 1);
        }
        for (at, version) in versions(&here).iter().enumerate() {
            let name = format!("probe{at}-of-{source}");
            install(&name, "install ok installed", &format!("Source: {source} ({version})\n"));
            packages += 1;
            for (id, release) in &here {
                expected.extend(verdict(release, version).map(|said| (name.clone(), (*id).clone(), said)));
            }
        }
        // Planted: what was removed, and what has the name of a source that it is not made of.
        install(&format!("removed-{source}"), "deinstall ok config-files", &format!("Source: {source} (0.1)\n"));
        install(source, "install ok installed", "Source: not-listed (0.1)\n");
        (packages, without) = (packages + 1, without + 1);
    }
    let root = home.join(codename);
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::create_dir_all(root.join("var/lib/dpkg")).unwrap();
    std::fs::write(root.join("etc/os-release"), format!("ID=debian\nVERSION_ID=\"{number}\"\n")).unwrap();
    std::fs::write(root.join("var/lib/dpkg/status"), status).unwrap();

    let scan = findings(home, &format!("rootfs:{}", root.display()), database);
    let found = listed(&scan, |f| {
        let fixed = f["fixed"].as_array().unwrap();
        assert!(fixed.len() <= 1, "{f}");
        (f["state"].as_str().unwrap().to_owned(), fixed.first().map(|v| v.as_str().unwrap().to_owned()))
    });
    let expected: BTreeSet<_> =
        expected.into_iter().map(|(name, id, (state, fixed))| (name, id, (state.to_owned(), fixed))).collect();
    let differ: Vec<_> = expected.symmetric_difference(&found).take(20).collect();
    assert!(differ.is_empty(), "{codename}: recorded or found only: {differ:?}");
    assert!(found.len() > 10_000, "{}", found.len());
    let coverage = &scan["coverage"][0];
    assert_eq!(coverage["ecosystem"], format!("Debian:{number}"));
    assert_eq!(coverage["packages"], packages);
    assert_eq!(coverage["packages_without_record"], without);
}
