//! # mix-lock
//!
//! Reads `mix.lock` of Elixir, a map of one entry a line: `"APP": {:hex, :NAME, "VERSION", …}`. The lock
//! does not tell what only development needs: all is listed.
//!
//! A package is `pkg:hex/NAME@VERSION`. Problems: `declared-entry` for lines that cannot be read,
//! `declared-version` for packages of git, of which the lock knows the commit only.

use cleanbill_image::Pattern;
use cleanbill_model::{Kind, Purl};

use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, text};

/// The cataloger.
pub(crate) static MIX_LOCK: Cataloger = Cataloger {
    id: "mix-lock",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/mix.lock"))],
    read,
};

const WHAT: &str = "read the lock file of Mix";

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Hex(&'a str, &'a str),
    Git(&'a str),
    Unknown,
}

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for line in text.lines().map(str::trim).filter(|l| !["", "%{", "}", "%{}"].contains(l) && !l.starts_with('#')) {
        match parse(line) {
            Line::Hex(name, version) => declared.add(Purl::new("hex", "", name, version), name, version),
            Line::Git(name) => declared.without_version(name),
            Line::Unknown => declared.broken(format!("`{}` is no entry of a lock file", short(line))),
        }
    }
    declared.finish();
}

fn parse(line: &str) -> Line<'_> {
    let entry = line.strip_prefix("%{").unwrap_or(line).trim_start();
    let Some((app, rest)) = entry.split_once(": {") else { return Line::Unknown };
    let app = app.trim_matches('"');
    let mut fields = rest.split(',').map(str::trim);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(":hex"), Some(name), Some(version)) => {
            let name = name.trim_start_matches(':').trim_matches('"');
            let version = version.trim_end_matches('}').strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            version.map_or(Line::Unknown, |version| Line::Hex(name, version))
        }
        (Some(":git" | ":path"), ..) => Line::Git(app),
        _ => Line::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        assert_eq!(parse(r#""a": {:hex, :b, "1.0.0", "sum", [:mix], []},"#), Line::Hex("b", "1.0.0"));
        assert_eq!(parse(r#"%{"a": {:hex, :a, "1"},"#), Line::Hex("a", "1"));
        assert_eq!(parse(r#""a": {:git, "https://x", "sha", []},"#), Line::Git("a"));
        assert_eq!(parse(r#""a": {:hex, :b},"#), Line::Unknown);
        assert_eq!(parse("a"), Line::Unknown);
    }
}
