//! The files of the catalogers' cases (`crates/catalog/cases`), as seeds.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fixture::{self, programs};

/// Files of one case: path and bytes.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The files of each case of `ID.md`. A layer's end does not count: all files of a case are one set.
pub(crate) fn of(id: &str) -> Vec<Files> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalog/cases").join(format!("{id}.md"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut cases: Vec<Files> = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some((info, body)), Some(_)) => {
                if let (Some((kind, path)), Some(case)) = (info.split_once(' '), cases.last_mut())
                    && let Some(bytes) = bytes(kind, body)
                {
                    case.insert(path.to_owned(), bytes);
                }
                open = None;
            }
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, Some(info)) => open = Some((info.trim(), String::new())),
            (None, None) if line.starts_with("## ") => cases.push(Files::new()),
            (None, None) => {}
        }
    }
    cases.into_iter().map(archives).filter(|files| !files.is_empty()).collect()
}

/// The bytes of a block, if it is a file.
fn bytes(kind: &str, body: &str) -> Option<Vec<u8>> {
    match kind {
        "file" => Some(body.as_bytes().to_vec()),
        "base64" => {
            let text: String = body.split_whitespace().collect();
            Some(STANDARD.decode(text).expect("base64"))
        }
        "elf" => {
            let (go, modules) = body.split_once('\n')?;
            Some(fixture::elf(&fixture::inline_block(go, modules), true))
        }
        "auditable" => Some(programs::elf(&programs::auditable(body), ".dep-v0")),
        _ => None,
    }
}

/// Files whose paths have `!/` in them become archives, from the inside out.
fn archives(mut files: Files) -> Files {
    while let Some(outer) = files.keys().filter_map(|p| p.rsplit_once("!/")).max_by_key(|(o, _)| o.len()) {
        let outer = outer.0.to_owned();
        let prefix = format!("{outer}!/");
        let inside: Vec<_> = files.extract_if(prefix.clone().., |path, _| path.starts_with(&prefix)).collect();
        let entries: Vec<_> = inside.iter().map(|(p, b)| (&p[prefix.len()..], b.clone())).collect();
        files.insert(outer, fixture::zip(&entries, true));
    }
    files
}
