//! Alpine: real root file systems and the security database of one release.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cleanbill_testkit::components::harness::Failed;
use serde_json::Value;

use crate::support::cleanbill;
use crate::support::data::{unpack_archive, unpacked};
use crate::support::scans::{build, findings, listed, output, same_in_every_format};

const INSTALLED: &str = "lib/apk/db/installed";

/// Where the data of one test is.
struct Data {
    home: tempfile::TempDir,
    database: String,
    /// Source package → fix → vulnerabilities.
    fixes: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    roots: Vec<PathBuf>,
}

impl Data {
    fn new(files: &[PathBuf]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("main.json");
        let bytes = unpacked(&files[0]);
        std::fs::write(&file, &bytes).unwrap();
        let secdb: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(secdb["distroversion"], "v3.20");
        let mut fixes = BTreeMap::new();
        for package in secdb["packages"].as_array().unwrap() {
            let name = package["pkg"]["name"].as_str().unwrap().to_owned();
            fixes.insert(name, serde_json::from_value(package["pkg"]["secfixes"].clone()).unwrap());
        }
        let folder = home.path().join("roots");
        unpack_archive(&files[1], &folder);
        let mut roots: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        roots.retain(|root| root.join(INSTALLED).exists());
        roots.sort();
        let database = build(home.path(), &[&file]);
        Self { home, database, fixes, roots }
    }

    /// The roots that the security database is about.
    fn covered(&self) -> Vec<&PathBuf> {
        let release = |root: &&PathBuf| {
            let text = std::fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
            text.contains("VERSION_ID=3.20.")
        };
        self.roots.iter().filter(release).collect()
    }

    fn scan(&self, root: &Path) -> Value {
        findings(self.home.path(), &format!("rootfs:{}", root.display()), &self.database)
    }

    /// What the records say of these packages: name, vulnerability, fix.
    fn expected(&self, packages: &[Installed]) -> BTreeSet<(String, String, String)> {
        let mut expected = BTreeSet::new();
        for package in packages {
            for (fix, ids) in self.fixes.get(&package.origin).into_iter().flatten() {
                if fix != "0" && order(&package.version) < order(fix) {
                    expected.extend(ids.iter().map(|id| (package.name.clone(), id.clone(), fix.clone())));
                }
            }
        }
        expected
    }
}

struct Installed {
    name: String,
    version: String,
    origin: String,
}

fn installed(root: &Path) -> Vec<Installed> {
    let text = std::fs::read_to_string(root.join(INSTALLED)).unwrap();
    let field = |paragraph: &str, letter: &str| {
        let mut lines = paragraph.lines().filter_map(|line| line.strip_prefix(letter));
        lines.next().map(str::to_owned)
    };
    text.split("\n\n")
        .filter_map(|paragraph| {
            let name = field(paragraph, "P:")?;
            let origin = field(paragraph, "o:").unwrap_or_else(|| name.clone());
            Some(Installed { name, version: field(paragraph, "V:").unwrap(), origin })
        })
        .collect()
}

/// The order of such versions as these records have: numbers, a letter, `_pre`, a revision.
fn order(version: &str) -> (Vec<u64>, Option<char>, i64, u64) {
    let (version, revision) = version.rsplit_once("-r").unwrap();
    let (numbers, suffix) = version.split_once('_').unwrap_or((version, ""));
    let suffix = match suffix.strip_prefix("pre") {
        Some(number) => number.parse::<i64>().unwrap() - 1000,
        None if suffix.is_empty() => 0,
        // `_git20240101` and `_p1` are later than the version without.
        None => suffix.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().unwrap(),
    };
    let letter = numbers.chars().last().filter(char::is_ascii_alphabetic);
    let numbers = numbers.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    (numbers.split('.').map(|n| n.parse().unwrap()).collect(), letter, suffix, revision.parse().unwrap())
}

fn found(scan: &Value) -> BTreeSet<(String, String, String)> {
    listed(scan, |f| {
        assert_eq!(f["state"], "fixed", "{f}");
        let fixed: Vec<_> = f["fixed"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        fixed.join(" ")
    })
}

pub(crate) fn roots(files: &[PathBuf]) -> Result<(), Failed> {
    let data = Data::new(files);
    assert_eq!(data.roots.len(), 18);
    let covered = data.covered();
    assert_eq!(covered.len(), 2);
    for root in &data.roots {
        let packages = installed(root);
        let scan = data.scan(root);
        let coverage = scan["coverage"].as_array().unwrap();
        assert_eq!(coverage.len(), 1, "{}: {coverage:?}", root.display());
        assert_eq!(coverage[0]["packages"], packages.len(), "{}", root.display());
        assert_eq!(scan["packages"], packages.len());
        if covered.contains(&root) {
            let expected = data.expected(&packages);
            assert!(expected.len() > 20, "{expected:?}");
            assert_eq!(found(&scan), expected, "{}", root.display());
            assert_eq!(coverage[0]["source"], "alpine-secdb");
            let without = packages.iter().filter(|p| !data.fixes.contains_key(&p.origin)).count();
            assert_eq!(coverage[0]["packages_without_record"], without);
            continue;
        }
        assert_eq!(coverage[0]["source"], Value::Null, "{}", root.display());
        assert_eq!(coverage[0]["packages_without_record"], packages.len());
        assert_eq!(scan["findings"], Value::Array(Vec::new()));
        // A person reads the same, and a gate does not let it pass as clean.
        let target = format!("rootfs:{}", root.display());
        let table = output(cleanbill(data.home.path()).args(["scan", &target, "--db", &data.database]));
        assert!(table.contains("not covered"), "{table}");
        let gate = ["scan", &target, "--db", &data.database, "--fail-on", "critical"];
        let gate = cleanbill(data.home.path()).args(gate).output().unwrap();
        assert!(!gate.status.success(), "{} passes a gate that nothing was known for", root.display());
    }
    Ok(())
}

pub(crate) fn raised(files: &[PathBuf]) -> Result<(), Failed> {
    let data = Data::new(files);
    let root = data.covered()[0];
    let before = installed(root);
    let text = std::fs::read_to_string(root.join(INSTALLED)).unwrap();
    let all = data.expected(&before);
    let origin = |name: &str| before.iter().find(|p| p.name == name).unwrap();
    // One package at a time is raised to one of its fixes.
    let steps: BTreeSet<_> = all.iter().map(|(name, _, fix)| (name.clone(), fix.clone())).collect();
    assert!(steps.len() > 10, "{steps:?}");
    for (name, fix) in steps {
        let old = format!("P:{name}\nV:{}\n", origin(&name).version);
        assert_eq!(text.matches(&old).count(), 1, "{old}");
        std::fs::write(root.join(INSTALLED), text.replace(&old, &format!("P:{name}\nV:{fix}\n"))).unwrap();
        let after = found(&data.scan(root));
        assert_eq!(after, data.expected(&installed(root)), "{name} at {fix}");
        let gone: BTreeSet<_> = all.difference(&after).collect();
        assert!(gone.iter().any(|(_, _, of)| *of == fix), "{name} at {fix}");
        assert!(gone.iter().all(|(of, _, _)| *of == name), "{name} at {fix}: {gone:?}");
    }
    Ok(())
}

pub(crate) fn same_findings(files: &[PathBuf]) -> Result<(), Failed> {
    let data = Data::new(files);
    for root in data.covered() {
        let scan = same_in_every_format(data.home.path(), &format!("rootfs:{}", root.display()), &data.database);
        assert_eq!(found(&scan), data.expected(&installed(root)));
    }
    let uncovered = data.roots.iter().find(|root| root.ends_with("alpine-minirootfs-3.18.9-x86_64")).unwrap();
    let scan = same_in_every_format(data.home.path(), &format!("rootfs:{}", uncovered.display()), &data.database);
    assert_eq!(scan["coverage"][0]["source"], Value::Null);
    Ok(())
}
