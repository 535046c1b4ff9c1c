//! Reports against the official schemas. `CLEANBILL_SCHEMAS` names a folder with `sarif-schema-2.1.0.json`,
//! `gitlab-container-scanning.json` and `cyclonedx/bom-1.6.schema.json` (with the two schemas that it refers
//! to); a test whose schema is not there counts as ignored.
#![allow(clippy::unwrap_used)]

mod scan;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use boon::{Compiler, Schemas};
use cleanbill_report::ALL;
use libtest_mimic::{Arguments, Failed, Trial};
use scan::Scan;
use serde_json::Value;

fn main() -> ExitCode {
    let folder = std::env::var_os("CLEANBILL_SCHEMAS").map(PathBuf::from).unwrap_or_default();
    let trials = [
        ("sarif", "sarif-schema-2.1.0.json", "version"),
        ("cyclonedx", "cyclonedx/bom-1.6.schema.json", "specVersion"),
        ("gitlab", "gitlab-container-scanning.json", "scan"),
    ]
    .into_iter()
    .map(|(name, file, member)| {
        let schema = folder.join(file);
        let missing = !schema.is_file();
        Trial::test(format!("{name} is valid"), move || valid(name, &schema, member)).with_ignored_flag(missing)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn valid(name: &str, schema: &Path, member: &str) -> Result<(), Failed> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    for file in ["spdx.schema.json", "jsf-0.82.schema.json"] {
        if let Ok(bytes) = std::fs::read(schema.with_file_name(file)) {
            let value: Value = serde_json::from_slice(&bytes)?;
            compiler.add_resource(&format!("http://cyclonedx.org/schema/{file}"), value).map_err(|e| e.to_string())?;
        }
    }
    let value: Value = serde_json::from_slice(&std::fs::read(schema)?)?;
    let location = value["$id"].as_str().or(value["id"].as_str()).unwrap_or("http://localhost/schema.json").to_owned();
    compiler.add_resource(&location, value).map_err(|e| e.to_string())?;
    let index = compiler.compile(&location, &mut schemas).map_err(|e| format!("{e:#}"))?;
    let format = ALL.iter().find(|f| f.name == name).ok_or("no such format")?;
    for scan in scans() {
        for target in ["ghcr.io/o/shop:1", "", "a b\u{1b}:é"] {
            let document: Value = serde_json::from_str(&(format.write)(&scan.report(target), 80))?;
            schemas.validate(&document, index).map_err(|e| format!("{e:#}"))?;
            // The check itself notices what is wrong.
            let mut broken = document.clone();
            broken.as_object_mut().ok_or("no object")?.insert(member.to_owned(), Value::from(7));
            if schemas.validate(&broken, index).is_ok() {
                return Err("a broken document passes".into());
            }
        }
    }
    Ok(())
}

/// With everything, with nothing, and with texts and lists that are empty or hard to write.
fn scans() -> Vec<Scan> {
    let mut bare = Scan::full();
    for finding in &mut bare.findings.findings {
        finding.summary.clear();
        finding.aliases.clear();
        finding.cvss.clear();
        finding.package.locations.clear();
        finding.package.version.clear();
        finding.fixed.clear();
        finding.reason.feed.clear();
    }
    let mut odd = Scan::full();
    for finding in &mut odd.findings.findings {
        finding.id = "a b/\u{1b}<é>".into();
        finding.aliases.push("AV:N/x".into());
        finding.cvss[0].vector = "AV:N/AC:L/Au:N/C:P/I:P/A:P".into();
        finding.cvss[0].score = Some(0.0);
        finding.package.locations[0].path = "a b/%/é\u{1b}".into();
    }
    let twice = odd.findings.findings.clone();
    odd.findings.findings.extend(twice);
    odd.sbom.packages.clear();
    vec![Scan::full(), Scan::empty(), bare, odd]
}
