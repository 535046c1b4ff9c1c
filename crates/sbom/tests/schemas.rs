//! Our documents against the official schemas, and the samples of a folder against the readers.
//!
//! `CLEANBILL_SCHEMAS` names a folder with `cyclonedx/bom-*.schema.json` (with the two schemas that they
//! refer to) and `spdx/spdx-schema-v2.3.json`; `CLEANBILL_SBOM_SAMPLES` one with an `index.jsonl`, whose
//! lines have `path`, `format`, `version` and `upstream_says`. Without them these tests count as ignored.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use boon::{Compiler, Schemas};
use cleanbill_model::{
    CatalogerId, Digest, Distro, DistroState, ImageIdentity, LayerInfo, Location, Package, Platform, Problem, Purl,
    Sbom, SourcePackage, Subject, Timestamp,
};
use cleanbill_sbom::SbomError;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() -> ExitCode {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut trials = Vec::new();
    for (id, schema) in [
        ("cyclonedx-json@1.4", "cyclonedx/bom-1.4.schema.json"),
        ("cyclonedx-json@1.5", "cyclonedx/bom-1.5.schema.json"),
        ("cyclonedx-json@1.6", "cyclonedx/bom-1.6.schema.json"),
        ("spdx-json@2.3", "spdx/spdx-schema-v2.3.json"),
    ] {
        let schemas = folder("CLEANBILL_SCHEMAS");
        let missing = schemas.is_none();
        let test = move || valid(id, &schemas.unwrap_or_default().join(schema));
        trials.push(Trial::test(format!("{id} is valid"), test).with_ignored_flag(missing));
    }
    let samples = folder("CLEANBILL_SBOM_SAMPLES");
    let missing = samples.is_none();
    let test = move || samples_read(&samples.unwrap_or_default());
    trials.push(Trial::test("samples are read", test).with_ignored_flag(missing));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// SBOMs with everything, with nothing, and with texts that are hard to write.
fn sboms() -> Vec<Sbom> {
    let digest = |text: &str| Digest::sha256(text);
    let package = |purl: Purl, name: &str, licenses: &[&str]| Package {
        version: purl.version.clone().unwrap_or_default(),
        purl,
        name: name.to_owned(),
        source: Some(SourcePackage { name: "glibc".to_owned(), version: "2.36-9".to_owned() }),
        licenses: licenses.iter().map(|t| (*t).to_owned()).collect(),
        locations: vec![
            Location { path: "var/lib/dpkg/status".to_owned(), layer: Some(digest("layer")) },
            Location { path: "a b\u{1b}\"é".to_owned(), layer: None },
        ],
        owner: Some(Purl::new("deb", "debian", "libc6", "2.36-9+deb12u4")),
        cataloger: Some(CatalogerId { id: "dpkg".to_owned(), version: 3 }),
    };
    let full = Sbom {
        subject: Subject {
            name: "ghcr.io/o/shop:1".to_owned(),
            identity: Some(ImageIdentity {
                index: Some(digest("index")),
                manifest: digest("manifest"),
                config: digest("config"),
                platform: Platform::parse("linux/arm64/v8"),
            }),
        },
        distro: Distro {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            codename: "bookworm".to_owned(),
            pretty_name: "Debian GNU/Linux 12".to_owned(),
            state: DistroState::Unknown("no package database".to_owned()),
        },
        packages: vec![
            package(
                Purl::new("deb", "debian", "libc6", "2.36-9+deb12u4"),
                "libc6",
                &["GPL-2.0-only", "LGPL-2.1-or-later"],
            ),
            package(Purl::new("deb", "debian", "libc6", "2.36-9+deb12u4"), "libc6", &["MIT OR Apache-2.0"]),
            package(Purl::new("npm", "@a", "b", ""), "@a/b", &["MIT OR Apache-2.0", "Public domain", "GPL-2+", ""]),
            package(Purl::new("maven", "g", "é %", "1"), "", &["GPL-2.0", "AFL-3.0", "LicenseRef-x", "NOASSERTION"]),
            package(Purl::new("golang", "x", "y", "v1"), "x/y", &[]),
        ],
        problems: vec![Problem::new("zip-malformed", "a.jar", "read", "it is cut short").in_layer(digest("layer"))],
        catalogers: vec![CatalogerId { id: "dpkg".to_owned(), version: 3 }],
        layers: vec![LayerInfo { digest: digest("layer"), diff_id: Some(digest("diff")), size: u64::MAX }],
    };
    let empty = Sbom {
        subject: Subject::default(),
        distro: Distro::default(),
        packages: vec![],
        problems: vec![],
        catalogers: vec![],
        layers: vec![],
    };
    // Every licence of the list, one at a time: an id that a schema does not know would be told.
    let licences = ::spdx::identifiers::LICENSES.iter().map(|l| l.name);
    let listed = licences.map(|id| package(Purl::new("npm", "", id, "1"), id, &[id])).collect();
    vec![full, empty.clone(), Sbom { packages: listed, ..empty }]
}

fn valid(id: &str, schema: &Path) -> Result<(), Failed> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    for name in ["spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json"] {
        let path = schema.with_file_name(name);
        if let Ok(bytes) = std::fs::read(&path) {
            let value: Value = serde_json::from_slice(&bytes)?;
            compiler.add_resource(&format!("http://cyclonedx.org/schema/{name}"), value).map_err(|e| e.to_string())?;
        }
    }
    let value: Value = serde_json::from_slice(&std::fs::read(schema)?)?;
    let location = value["$id"].as_str().unwrap_or("http://localhost/schema.json").to_owned();
    compiler.add_resource(&location, value).map_err(|e| e.to_string())?;
    let index = compiler.compile(&location, &mut schemas).map_err(|e| format!("{e:#}"))?;
    let format = cleanbill_sbom::ALL.iter().find(|f| f.id == id).ok_or("no such format")?;
    for sbom in sboms() {
        for timestamp in [None, Some(Timestamp::from_second(1_700_000_000)?)] {
            let document: Value = serde_json::from_slice(&(format.write)(&sbom, timestamp))?;
            schemas.validate(&document, index).map_err(|e| format!("{e:#}"))?;
            // The check itself notices what is wrong.
            let mut broken = document.clone();
            broken.as_object_mut().ok_or("no object")?.insert("specVersion".to_owned(), Value::from(7));
            broken.as_object_mut().ok_or("no object")?.remove("SPDXID");
            if schemas.validate(&broken, index).is_ok() {
                return Err("a broken document passes".into());
            }
        }
    }
    Ok(())
}

/// Every valid document of a format that is read is read; no other one ends the process.
fn samples_read(folder: &Path) -> Result<(), Failed> {
    let index = std::fs::read_to_string(folder.join("index.jsonl"))?;
    let mut counts: BTreeMap<String, [usize; 5]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in index.lines() {
        let entry: Value = serde_json::from_str(line)?;
        let text = |name: &str| entry[name].as_str().unwrap_or("?").to_owned();
        let bytes = std::fs::read(folder.join(text("path")))?;
        let read = cleanbill_sbom::read(&bytes);
        let key = format!("{} {} {}", text("format"), text("version"), text("upstream_says"));
        let count = counts.entry(key).or_default();
        count[0] += 1;
        match &read {
            Ok(sbom) => {
                count[1] += 1;
                count[2] += sbom.packages.len();
                count[3] += sbom.problems.len();
            }
            Err(e) => {
                count[4] += 1;
                let ours = matches!(text("format").as_str(), "cyclonedx-json" | "spdx-json" | "syft-json");
                let whole = serde_json::from_slice::<Value>(&bytes).is_ok();
                if ours && text("upstream_says") != "invalid" && whole && !matches!(e, SbomError::Foreign(_)) {
                    wrong.push(format!("{}: {e}", text("path")));
                } else if ours {
                    eprintln!(
                        "not read: {} ({}): {}",
                        text("path"),
                        text("upstream_says"),
                        e.to_string().lines().next().unwrap_or_default()
                    );
                }
            }
        }
    }
    for (key, [all, read, packages, problems, errors]) in counts {
        eprintln!("{key}: {read} of {all} read, {packages} packages, {problems} problems, {errors} refused");
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
