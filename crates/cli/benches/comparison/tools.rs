//! The tools, each with what it does for an image's root: installed packages, nothing from lock files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cleanbill_model::{Purl, comparable_name, ecosystem_of_purl_type};
use cleanbill_testkit::components::cache;
use serde_json::Value;

/// What a tool found: packages as `type/name@version`, spelled alike for all tools.
pub(crate) struct Found {
    pub(crate) packages: BTreeSet<String>,
    pub(crate) problems: Vec<String>,
}

/// The tools and their versions.
pub(crate) struct Tools {
    syft: PathBuf,
    trivy: PathBuf,
    pub(crate) syft_version: String,
    pub(crate) trivy_version: String,
    home: tempfile::TempDir,
}

const SYFT: &[&str] = &["-q", "--override-default-catalogers", "image", "-o", "cyclonedx-json"];
const TRIVY: &[&str] = &[
    "rootfs",
    "--skip-db-update",
    "--skip-java-db-update",
    "--skip-check-update",
    "--skip-version-check",
    "--offline-scan",
    "-q",
    "--format",
    "cyclonedx",
    "--list-all-pkgs",
];

/// An empty index of jars for trivy, which reads no jar without one.
const EMPTY_INDEX: &str = r#"
import json, os, sqlite3, sys
os.makedirs(sys.argv[1])
index = sqlite3.connect(os.path.join(sys.argv[1], "trivy-java.db"))
index.execute("CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)")
index.execute("CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT)")
index.commit()
times = {key: "2100-01-01T00:00:00Z" for key in ("NextUpdate", "UpdatedAt", "DownloadedAt")}
json.dump({"Version": 1, **times}, open(os.path.join(sys.argv[1], "metadata.json"), "w"))
"#;

impl Tools {
    pub(crate) fn find() -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|e| format!("could not make a temporary folder: {e}"))?;
        let peer = |name: &str| {
            let file = cache().join("peers/bin").join(name);
            let missing = || format!("{} is not there\nhint: crates/testkit/real/install {name}", file.display());
            file.exists().then(|| file.clone()).ok_or_else(missing)
        };
        let (syft, trivy) = (peer("syft")?, peer("trivy")?);
        let java = home.path().join("trivy/java-db");
        let made = Command::new("python3").args(["-c", EMPTY_INDEX]).arg(java).status();
        if !made.is_ok_and(|status| status.success()) {
            return Err("python3 could not make an empty index of jars for trivy".to_owned());
        }
        // Built from their modules, some state no version; the script that installs them has it.
        let script = include_str!("../../../testkit/real/install");
        let version = |name: &str| {
            let line = script.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
            let at =
                line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.rsplit(['@', '=']).next());
            at.unwrap_or("?").trim_start_matches('v').to_owned()
        };
        Ok(Self { syft_version: version("syft"), trivy_version: version("trivy"), syft, trivy, home })
    }

    pub(crate) fn cleanbill(&self, root: &Path) -> Found {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cleanbill"));
        command.env("HOME", self.home.path()).args(["sbom", "-o", "cyclonedx-json"]);
        let (mut found, told) = self.run(command.arg(format!("rootfs:{}", root.display())));
        found.problems = told.lines().filter(|line| line.starts_with("problem[")).map(str::to_owned).collect();
        found
    }

    pub(crate) fn syft(&self, root: &Path) -> Found {
        let mut command = Command::new(&self.syft);
        command.env("SYFT_CHECK_FOR_APP_UPDATE", "false").arg("scan").arg(format!("dir:{}", root.display()));
        self.run(command.args(SYFT)).0
    }

    pub(crate) fn trivy(&self, root: &Path) -> Found {
        let mut command = Command::new(&self.trivy);
        command.args(TRIVY).arg("--cache-dir").arg(self.home.path().join("trivy"));
        self.run(command.arg(root)).0
    }

    fn run(&self, command: &mut Command) -> (Found, String) {
        let output = command.current_dir(self.home.path()).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}: {told}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut packages = BTreeSet::new();
        listed(&document["components"], &mut packages);
        (Found { packages, problems: Vec::new() }, told)
    }

    /// How each was called, for the page.
    pub(crate) fn calls() -> [String; 3] {
        [
            "cleanbill sbom rootfs:FOLDER -o cyclonedx-json".to_owned(),
            format!("syft scan dir:FOLDER {}", SYFT.join(" ")),
            format!("trivy {} FOLDER", TRIVY.join(" ")),
        ]
    }
}

fn listed(components: &Value, packages: &mut BTreeSet<String>) {
    for component in components.as_array().into_iter().flatten() {
        listed(&component["components"], packages);
        let name = component["name"].as_str().unwrap_or_default();
        match (component["purl"].as_str(), component["type"].as_str()) {
            (Some(purl), _) => drop(packages.insert(spelled(purl))),
            // Files, and what trivy makes of a file that packages are in, are no packages.
            (None, Some("file" | "operating-system" | "application")) => {}
            (None, _) => {
                packages.insert(format!("none/{name}@{}", component["version"].as_str().unwrap_or_default()));
            }
        }
    }
}

/// A package URL as all tools would write it.
fn spelled(text: &str) -> String {
    let Ok(purl) = Purl::parse(text) else { return text.to_owned() };
    let mut name = match purl.namespace.as_str() {
        "" => purl.name.clone(),
        // Distribution packages: all are of the one distribution.
        _ if purl.kind == "deb" => purl.name.clone(),
        namespace => format!("{namespace}/{}", purl.name),
    };
    if let Some(ecosystem) = ecosystem_of_purl_type(&purl.kind) {
        name = comparable_name(ecosystem, &name).into_owned();
    }
    let mut version = purl.version.clone().unwrap_or_default();
    if purl.kind == "golang" {
        name = name.to_ascii_lowercase();
        version = version.trim_start_matches("go").trim_start_matches('v').to_owned();
    }
    if let Some(epoch) = purl.qualifiers.get("epoch").filter(|_| !version.contains(':')) {
        version = format!("{epoch}:{version}");
    }
    format!("{}/{name}@{version}", purl.kind)
}
