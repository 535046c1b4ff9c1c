//! The files of the tree: module docs at the head of every Rust file, none too long, and no word in
//! any of them that belongs to one machine alone.

use crate::finding::Complaint;
use std::fs;
use std::path::Path;

/// A text file of the tree.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// Lines of a file under `src/`; above it holds two subjects.
const MOST_LINES: usize = 700;
/// A file larger than this is data.
const MOST_BYTES: u64 = 2 << 20;
/// Folders that are not ours or are made.
const NOT_OURS: [&str; 4] = [".git", "target", "node_modules", "proptest-regressions"];

/// All text files under `root`, in the order of their paths.
pub(crate) fn files(root: &Path) -> Result<Vec<SourceFile>, String> {
    let mut found = Vec::new();
    walk(root, "", &mut found).map_err(|error| format!("{}: {error}", root.display()))?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<SourceFile>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), found)?;
        } else if kind.is_file() && entry.metadata()?.len() <= MOST_BYTES {
            // What is not UTF-8 is not text.
            if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                found.push(SourceFile { path, text });
            }
        }
    }
    Ok(())
}

/// All checks of this module.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    files.iter().flat_map(|file| [docs(file), length(file), words(file)].into_iter().flatten()).collect()
}

/// A Rust file starts with what it is for.
fn docs(file: &SourceFile) -> Option<Complaint> {
    if !has_extension(&file.path, "rs") {
        return None;
    }
    let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let said = first.strip_prefix("//!").map(|said| said.split_whitespace().count());
    if said.is_some_and(|words| words >= 2) {
        return None;
    }
    let what = if said.is_none() { "does not start with //!" } else { "starts with //! that says next to nothing" };
    Some(Complaint::new(&file.path, what, "say in its first lines what the file is for"))
}

fn length(file: &SourceFile) -> Option<Complaint> {
    let lines = file.text.lines().count();
    let ours = file.path.starts_with("crates/") && file.path.contains("/src/") && has_extension(&file.path, "rs");
    (ours && lines > MOST_LINES).then(|| {
        Complaint::new(&file.path, format!("has {lines} lines, more than {MOST_LINES}"), "split it by subject")
    })
}

/// Paths of the machines the project is made on. Written in parts, or this file would hold them.
const MACHINE_FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

fn words(file: &SourceFile) -> Option<Complaint> {
    for (index, line) in file.text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            if starts_a_path(line, folder) {
                return Some(Complaint::new(
                    format!("{}:{}", file.path, index + 1),
                    format!("names {folder}, a folder of one machine"),
                    "use a path from the root of the tree, or a made-up one",
                ));
            }
        }
    }
    None
}

/// Whether `folder` occurs at the beginning of a path, not inside one.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        line[..at].chars().next_back().is_none_or(|before| !(before.is_alphanumeric() || "._-}*/".contains(before)))
    })
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    fn found(path: &str, text: &str) -> Vec<String> {
        summary(&check(&[SourceFile { path: path.into(), text: text.into() }]))
    }

    #[test]
    fn module_docs_come_first() {
        assert_eq!(found("crates/a/build.rs", "\n//! Builds it.\nfn main() {}\n"), [] as [&str; 0]);
        assert_eq!(found("crates/a/tests/x.rs", "fn main() {}\n"), ["crates/a/tests/x.rs: does not start with //!"]);
        assert_eq!(found("crates/a/src/x.rs", ""), ["crates/a/src/x.rs: does not start with //!"]);
        assert_eq!(
            found("crates/a/src/x.rs", "//! x\n"),
            ["crates/a/src/x.rs: starts with //! that says next to nothing"]
        );
        assert_eq!(found("README.md", "text\n"), [] as [&str; 0]);
    }

    #[test]
    fn long_files_are_found() {
        let long = format!("//! A long one.\n{}", "\n".repeat(MOST_LINES));
        assert_eq!(found("crates/a/src/x.rs", &long), ["crates/a/src/x.rs: has 701 lines, more than 700"]);
        assert_eq!(found("crates/a/tests/x.rs", &long), [] as [&str; 0]);
    }

    #[test]
    fn folders_of_one_machine_are_found() {
        let line = format!("first\nsee {}x\n", MACHINE_FOLDERS[0]);
        assert_eq!(found("a.md", &line), [format!("a.md:2: names {}, a folder of one machine", MACHINE_FOLDERS[0])]);
        let home = format!("`{}.cache`", MACHINE_FOLDERS[1]);
        assert_eq!(found("a.md", &home).len(), 1);
        let inside = format!("a path such as usr{0}x or $HOME{0}x is another: {{dir}}{0}x", MACHINE_FOLDERS[1]);
        assert_eq!(found("a.md", &inside), [] as [&str; 0]);
    }
}
