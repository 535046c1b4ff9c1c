//! # cargo-auditable
//!
//! Reads which crates a Rust program was built from, where cargo-auditable put them into it
//! (`PARSING.md` of that project): the section `.dep-v0` of ELF, PE and Mach-O files holds a JSON text,
//! packed by zlib. Programs are found by their first bytes and the name of the section, whatever their
//! own name and mode.
//!
//! Listed are crates that run: those of `kind` `build`, which only helped the compiler, are left out.
//! Crates from git and from folders of the project are listed like those of crates.io, since they are
//! mostly the same code, published there too. The program's own crate is among them.
//!
//! A package is `pkg:cargo/NAME@VERSION`. Problems: `cargo-auditable` for a section that cannot be read.

use std::collections::BTreeSet;
use std::io::Read;

use cleanbill_image::Content;
use cleanbill_model::{Kind, Package, Purl};
use serde::Deserialize;

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::executable::{AUDITABLE, HEADS, auditable, holds_auditable};

/// The cataloger.
pub(crate) static CARGO_AUDITABLE: Cataloger = Cataloger {
    id: "cargo-auditable",
    version: 1,
    kind: Kind::Installed,
    wants: &[Want::Content(Content { heads: HEADS, marker: AUDITABLE.as_bytes(), probe: Some(holds_auditable) })],
    read,
};

const WHAT: &str = "read the crates of the program";
/// The text unpacked; that of a program of a thousand crates has a hundred kilobytes.
const LIMIT: u64 = 16 << 20;

#[derive(Deserialize)]
struct Document {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: String,
}

fn read(evidence: &Evidence, found: &mut Found) {
    let path = evidence.path.as_str();
    let mut crates = BTreeSet::new();
    for section in auditable(&evidence.bytes) {
        match section.and_then(|packed| list(&packed, found)) {
            Ok(list) => crates.extend(list),
            Err(why) => found.problem("cargo-auditable", path, WHAT, why),
        }
    }
    for (name, version) in crates {
        found.package(Package::found(Purl::new("cargo", "", &name, &version), &name, &version, path));
    }
}

/// Names and versions of the crates in a packed list.
fn list(packed: &[u8], found: &mut Found) -> Result<Vec<(String, String)>, String> {
    let mut text = Vec::new();
    let mut unpacked = flate2::read::ZlibDecoder::new(packed).take(LIMIT + 1);
    unpacked.read_to_end(&mut text).map_err(|error| format!("it cannot be unpacked: {error}"))?;
    if text.len() as u64 > LIMIT {
        return Err(format!("more than {LIMIT} bytes when unpacked"));
    }
    found.budget.take_bytes(text.len() as u64).map_err(|bound| bound.to_string())?;
    let document: Document = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let runs = document.packages.into_iter().filter(|c| c.kind != "build" && !c.name.is_empty());
    Ok(runs.map(|c| (c.name, c.version)).collect())
}
