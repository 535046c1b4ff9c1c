//! Times of the database: building from feeds, opening, 10,000 look-ups.
//!
//! ```text
//! cargo bench -p cleanbill-advisory --bench database -- FEED…
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use cleanbill_advisory::{Database, import};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

/// Components of a large SBOM.
const COMPONENTS: usize = 10_000;

fn main() {
    let paths: Vec<PathBuf> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).map(PathBuf::from).collect();
    if paths.is_empty() {
        println!("give the feeds to build from: cargo bench -p cleanbill-advisory --bench database -- FEED...");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("advisories.db");

    let start = Instant::now();
    let brought = import(&paths).unwrap();
    let imported = start.elapsed();
    let bytes = Database::compile(&brought, None);
    Database::write(&bytes, &file).unwrap();
    println!(
        "build: {:?} (import {imported:?}), {} records from {} files, {} problems, {} bytes, at most {} of memory",
        start.elapsed(),
        brought.advisories.len(),
        brought.files,
        brought.problems.len(),
        bytes.len(),
        peak()
    );
    drop((brought, bytes));

    let components = components(&Database::open(&file).unwrap());
    let opened: Vec<_> = (0..20)
        .map(|_| {
            let start = Instant::now();
            drop(Database::open(&file).unwrap());
            start.elapsed()
        })
        .collect();
    println!("open: {:?} at best, {:?} at worst", opened.iter().min().unwrap(), opened.iter().max().unwrap());

    let start = Instant::now();
    let database = Database::open(&file).unwrap();
    for pass in ["first", "second"] {
        let start = if pass == "first" { start } else { Instant::now() };
        let found: usize = components.iter().map(|(e, n)| database.candidates(e, n).unwrap().len()).sum();
        println!("{pass} {COMPONENTS} components: {:?}, {found} candidates", start.elapsed());
    }
    let database = Database::open(&file).unwrap();
    for pass in ["first", "second"] {
        let start = Instant::now();
        let found: usize = components.iter().map(|(e, n)| database.lookup(e, n).unwrap().len()).sum();
        println!("{pass} {COMPONENTS} components with whole records: {:?}, {found} records", start.elapsed());
    }
    let start = Instant::now();
    let info = Database::verify(&file, None).unwrap();
    println!("verify: {:?}, {} records", start.elapsed(), info.advisories);
    let start = Instant::now();
    let found = database.search("openssl", 20).unwrap();
    println!("search: {:?}, {} records, {} packages", start.elapsed(), found.advisories.len(), found.packages.len());
}

/// As many known packages as there are, evenly chosen, and as many unknown ones beside them.
fn components(database: &Database) -> Vec<(String, String)> {
    let mut known = BTreeSet::new();
    for advisory in database.all().unwrap() {
        known.extend(advisory.affected.iter().map(|a| (a.ecosystem.clone(), a.name.clone())));
    }
    let step = (known.len() / (COMPONENTS / 2)).max(1);
    let known: Vec<_> = known.into_iter().step_by(step).take(COMPONENTS / 2).collect();
    let unknown = (known.len()..COMPONENTS).map(|i| ("npm".to_owned(), format!("unknown-{i}")));
    known.iter().cloned().chain(unknown).collect()
}

/// The most memory that was in use.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.map_or_else(|| "an unknown amount".to_owned(), |l| l.trim().to_owned())
}
