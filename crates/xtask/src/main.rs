//! Development only: `cargo run -p cleanbill-xtask -- tidy` holds what no compiler holds. The direction
//! of dependencies, rooms without network, module docs, plug-in ⇔ table ⇔ case ⇔ page, words that do
//! not belong, and figures that may only fall. `docs` writes the pages that are made from the sources.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod attacks;
mod cargo;
mod catalogers;
mod dependencies;
mod docs;
mod features;
mod finding;
mod manual;
mod pointers;
mod purity;
mod rooms;
mod sources;

use finding::Complaint;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy(root),
        ["docs"] => sources::files(root).and_then(|files| docs::write(root, &files)),
        ["attacks"] => sources::files(root).map(|files| {
            print!("{}", attacks::table(&files));
            Vec::new()
        }),
        ["lower"] => features::lower(root).map(|()| Vec::new()),
        _ => {
            eprintln!(
                "usage: cargo run -p cleanbill-xtask -- tidy|docs|attacks|lower\n\n\
                 tidy   check the tree; exit 1 if something is found\n\
                 docs   write the pages that are made from the sources\n\
                 attacks  print which tests stand for which attack
                 lower  write today's figures where they are lower than the ones kept"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            for complaint in &complaints {
                println!("{complaint}");
            }
            println!("tidy: {} found", complaints.len());
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("tidy: {error}");
            ExitCode::from(2)
        }
    }
}

/// All checks; every one runs, whatever the others found.
fn tidy(root: &Path) -> Result<Vec<Complaint>, String> {
    let house = read(root, "ARCHITECTURE.md")?;
    let manifest = read(root, "Cargo.toml")?;
    let files = sources::files(root)?;
    let workspace = cargo::workspace(root)?;
    let rooms = rooms::table(&house)?;
    let mut found = Vec::new();

    found.extend(rooms::direction(&rooms, &workspace));
    let pure = rooms.iter().filter(|room| room.pure).map(|room| room.name.clone());
    for name in pure {
        let tree = cargo::tree(root, &["-p", &format!("cleanbill-{name}"), "-e", "normal"])?;
        found.extend(purity::check(&name, &tree));
    }
    found.extend(sources::check(&files));
    found.extend(catalogers::check(&files));
    found.extend(docs::check(&files));
    let users: Vec<_> = files.iter().filter(|file| dependencies::is_member_manifest(&file.path)).collect();
    found.extend(dependencies::check(&manifest, &users));
    found.extend(pointers::check(&files, &|path| root.join(path).exists()));
    found.extend(features::check(root, &workspace)?);
    Ok(found)
}

fn read(root: &Path, file: &str) -> Result<String, String> {
    std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))
}
