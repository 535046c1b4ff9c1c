//! What people and programs are told: every help text fits 80 columns and has an example, lists of words
//! are whole, and JSON output is what its published schema says.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use cleanbill_version::Scheme;
use serde_json::Value;
use support::{expect, run};

/// The help of a command.
fn help(home: &Path, command: &[String]) -> String {
    let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
    args.push("--help");
    expect(home, 0, &args).0
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command with its help text, the program itself first.
fn all(home: &Path) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut pending = vec![Vec::new()];
    while let Some(command) = pending.pop() {
        let text = help(home, &command);
        for name in commands(&text) {
            pending.push(command.iter().cloned().chain([name]).collect());
        }
        found.push((command, text));
    }
    found
}

#[test]
fn help_fits_a_terminal_and_shows_examples() {
    let home = tempfile::tempdir().unwrap();
    let all = all(home.path());
    let names: BTreeSet<String> = all.iter().map(|(command, _)| command.join(" ")).collect();
    for name in ["scan", "sbom convert", "db build", "db import", "vercmp", "policy check", "admission manifest"] {
        assert!(names.contains(name), "{names:?}");
    }
    for (command, text) in &all {
        let name = command.join(" ");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "cleanbill {name} --help: {line}");
        }
        // What has commands of its own, and they alone, needs no example.
        let only_groups = commands(text).len() > 1 && !command.is_empty();
        let group = only_groups || ["policy", "admission"].contains(&name.as_str());
        assert!(group || text.contains("\nExample"), "cleanbill {name} --help has no example");
        let examples = text.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
        for line in examples.take_while(|line| line.starts_with("  ")) {
            assert!(line.contains("cleanbill"), "cleanbill {name} --help: {line}");
        }
    }
}

/// The words of a help text, without commas.
fn words(text: &str) -> BTreeSet<&str> {
    text.split_whitespace().map(|word| word.trim_end_matches([',', ';', '.'])).collect()
}

#[test]
fn help_lists_every_format_and_scheme() {
    let home = tempfile::tempdir().unwrap();
    let scan = help(home.path(), &["scan".to_owned()]);
    for format in cleanbill_report::ALL {
        assert!(words(&scan).contains(format.name), "scan --help does not name {}", format.name);
    }
    let sbom = help(home.path(), &["sbom".to_owned()]);
    for format in &cleanbill_sbom::ALL {
        // `NAME[@1.4|@1.5]` names the versions.
        let (name, version) = format.id.split_once('@').unwrap_or((format.id, ""));
        let named = words(&sbom).into_iter().any(|word| {
            let (word, versions) = word.split_once('[').unwrap_or((word, ""));
            let mut versions = versions.trim_end_matches(']').split('|').filter_map(|v| v.strip_prefix('@'));
            word == name && (version.is_empty() || versions.any(|v| v == version))
        });
        assert!(named, "sbom --help does not name {}", format.id);
    }
    let vercmp = help(home.path(), &["vercmp".to_owned()]);
    for scheme in Scheme::ALL {
        assert!(words(&vercmp).contains(scheme.name()), "vercmp --help does not name {}", scheme.name());
    }
}

const RECORDS: &str = r#"[{"id": "GHSA-jfh8-c2jp-5v3q", "aliases": ["CVE-2021-44228"], "modified": "2025-05-09T13:13:16Z",
 "summary": "remote code", "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
  "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.13.0"}, {"fixed": "2.15.0"}]}]}]},
 {"id": "GHSA-0000-0000-0001", "modified": "2025-05-09T13:13:16Z", "withdrawn": "2025-05-10T00:00:00Z",
  "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-api"}, "versions": ["1"]}]}]"#;

/// Whether a document is what a schema says, by the part of JSON Schema that ours use. Members that the
/// schema does not name are refused: whoever adds one adds it there.
fn fits(schema: &Value, document: &Value, at: &str) -> Result<(), String> {
    let is = match document {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    if !types.is_empty() && !types.iter().any(|t| t == is) {
        return Err(format!("{at}: {is} is none of {types:?}"));
    }
    if !schema["const"].is_null() && schema["const"] != *document {
        return Err(format!("{at}: {document} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(document)) {
        return Err(format!("{at}: {document} is none of the words"));
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        document.get(key.as_str().unwrap()).ok_or_else(|| format!("{at}: no {key}"))?;
    }
    for (name, member) in document.as_object().into_iter().flatten() {
        let known = schema["properties"].get(name).ok_or_else(|| format!("{at}: {name} is not in the schema"))?;
        fits(known, member, &format!("{at}.{name}"))?;
    }
    for (n, item) in document.as_array().into_iter().flatten().enumerate() {
        fits(&schema["items"], item, &format!("{at}[{n}]"))?;
    }
    Ok(())
}

/// Runs a command that prints JSON and compares it with its schema; the comparison itself notices faults.
#[track_caller]
fn check(home: &Path, args: &[&str], schema: &str) -> Value {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let document: Value = serde_json::from_str(&expect(home, 0, args).0).unwrap();
    fits(&schema, &document, "document").unwrap();
    for (name, wrong) in [("schema", "cleanbill/other/v1".into()), ("more_of_it", 1.into())] {
        let mut broken = document.clone();
        broken[name] = wrong;
        fits(&schema, &broken, "document").unwrap_err();
    }
    let mut broken = document.clone();
    broken.as_object_mut().unwrap().remove("advisories");
    fits(&schema, &broken, "document").unwrap_err();
    document
}

#[test]
fn json_of_databases_fits_its_published_schemas() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("osv.json"), RECORDS).unwrap();
    expect(home.path(), 0, &["db", "build", "--from", "osv.json", "--to", "a.db"]);
    let status = include_str!("../../../docs/schemas/db-status-v1.json");
    let document = check(home.path(), &["db", "status", "--db", "a.db", "-o", "json"], status);
    assert_eq!((&document["advisories"], &document["feeds"][0]["name"]), (&2.into(), &"osv".into()));
    // The digest that it tells is the one that an import takes.
    let digest = format!("sha256:{}", document["digest"].as_str().unwrap());
    expect(home.path(), 0, &["db", "import", "a.db", "--to", "b.db", "--expect", &digest]);
    let search = include_str!("../../../docs/schemas/db-search-v1.json");
    let found = |query, args: &[&str]| {
        let args: Vec<&str> =
            ["db", "search", query, "--db", "a.db", "-o", "json"].iter().chain(args).copied().collect();
        check(home.path(), &args, search)
    };
    assert_eq!(found("CVE-2021-44228", &[])["advisories"][0]["id"], "GHSA-jfh8-c2jp-5v3q");
    assert!(found("GHSA-0000-0000-0001", &[])["advisories"][0]["withdrawn"].is_string());
    let packages = found("log4j", &["--limit", "1"]);
    assert_eq!((packages["packages"].as_array().unwrap().len(), &packages["more"]), (1, &true.into()));
}

#[test]
fn an_unknown_format_names_those_that_are_known() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["sbom", "x.tar", "-o", "cyclonedx-xml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(support::text(&output.stderr).contains("hint: use one of table, cyclonedx-json"));
}
