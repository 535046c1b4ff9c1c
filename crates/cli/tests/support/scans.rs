//! Scans whose results tests look into.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{cleanbill, text};

/// Runs the binary and wants it to end well; gives stdout.
#[track_caller]
pub fn output(command: &mut Command) -> String {
    let output = command.output().expect("the binary starts");
    assert!(output.status.success(), "{command:?} ended with {}: {}", output.status, text(&output.stderr));
    text(&output.stdout)
}

/// Builds a database of advisories in `home`; gives its path.
#[track_caller]
pub fn build(home: &Path, from: &[&Path]) -> String {
    let database = home.join("advisories.db");
    let mut command = cleanbill(home);
    command.args(["db", "build"]);
    for from in from {
        command.arg("--from").arg(from);
    }
    output(command.arg("--to").arg(&database));
    database.display().to_string()
}

/// What a scan says, without what names the target.
#[track_caller]
pub fn findings(home: &Path, target: &str, database: &str) -> Value {
    let said = output(cleanbill(home).args(["scan", target, "--db", database, "-o", "json"]));
    let mut said: Value = serde_json::from_str(&said).unwrap();
    said.as_object_mut().unwrap().remove("target");
    said
}

/// The findings of a scan: name of the package, id, what more is asked for.
pub fn listed<T: Ord>(scan: &Value, more: impl Fn(&Value) -> T) -> std::collections::BTreeSet<(String, String, T)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let all = scan["findings"].as_array().unwrap();
    let found: std::collections::BTreeSet<_> =
        all.iter().map(|f| (word(&f["package"]["name"]), word(&f["id"]), more(f))).collect();
    assert_eq!(found.len(), all.len(), "a finding is there twice");
    found
}

/// Wants the SBOM of a target, in every format that carries all that matching needs, to have exactly
/// the findings of the target; gives the scan.
#[track_caller]
pub fn same_in_every_format(home: &Path, target: &str, database: &str) -> Value {
    let of_target = findings(home, target, database);
    let mut formats = 0;
    // Plain package URLs have no place for where a package lies, nor for problems.
    for format in cleanbill_sbom::ALL.iter().filter(|f| f.id != "purls") {
        let file = home.join("sbom");
        let to = format!("{}={}", format.id, file.display());
        output(cleanbill(home).args(["sbom", target, "-o", &to]));
        let of_sbom = findings(home, &format!("sbom:{}", file.display()), database);
        assert_eq!(of_sbom, of_target, "{} of {target}", format.id);
        formats += 1;
    }
    assert!(formats >= 3, "{formats} formats");
    of_target
}
