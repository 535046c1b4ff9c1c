//! # cabal-freeze
//!
//! Reads `cabal.project.freeze` of Cabal: the constraints that allow one version, `any.NAME ==VERSION`.
//! Flags (`NAME +flag`), what came with the compiler (`installed`), comments and other fields are skipped.
//!
//! A package is `pkg:hackage/NAME@VERSION`. Problems: `declared-version` for constraints that allow
//! several versions, `declared-malformed` for a file without `constraints`.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, text};

/// The cataloger.
pub(crate) static CABAL_FREEZE: Cataloger = Cataloger {
    id: "cabal-freeze",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/cabal.project.freeze"))],
    read,
};

const WHAT: &str = "read the frozen versions of Cabal";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    let (mut open, mut known) = (false, false);
    for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
        // A field starts at the left and goes on in lines that are moved to the right.
        let field =
            line.split_once(':').filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        let list = match field {
            Some((name, rest)) if !line.starts_with([' ', '\t']) => {
                open = name == "constraints";
                known |= open;
                rest
            }
            _ => line,
        };
        if open {
            list.split(',').map(str::trim).filter(|c| !c.is_empty()).for_each(|c| constraint(c, &mut declared));
        }
    }
    if !known {
        declared.malformed("it has no `constraints`");
    }
    declared.finish();
}

fn constraint(text: &str, declared: &mut Declared<'_>) {
    let (name, condition) = text.split_once([' ', '=', '<', '>', '^']).unwrap_or((text, ""));
    let condition = text.get(name.len()..).unwrap_or(condition).trim();
    let name = name.strip_prefix("any.").or_else(|| name.strip_prefix("setup.")).unwrap_or(name);
    match condition.strip_prefix("==").map(str::trim) {
        Some(version) if !version.contains(['*', '|', '&', '{']) => {
            declared.add(Purl::new("hackage", "", name, version), name, version);
        }
        _ if condition.starts_with(['+', '-']) || condition == "installed" => {}
        _ if condition.is_empty() => declared.broken(format!("`{}` is no constraint", short(text))),
        _ => declared.without_version(name),
    }
}
