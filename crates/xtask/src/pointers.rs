//! Paths that the documents name exist: a page that says where something is must be right.

use crate::docs;
use crate::finding::Complaint;
use crate::sources::SourceFile;

/// Where a path that a document names may begin.
const ROOTS: [&str; 3] = ["crates/", "docs/", ".ci/"];

/// Checks every path in backticks, and every relative link, of the pages at the root and under `docs/`.
pub(crate) fn check(files: &[SourceFile], exists: &dyn Fn(&str) -> bool) -> Vec<Complaint> {
    let mut found = Vec::new();
    for page in files.iter().filter(|file| is_page(&file.path)) {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        // A page made from the sources says in code what they say, which names files of other projects too.
        let is_made = page.text.contains(docs::MARK);
        let named = page.text.split('`').skip(1).step_by(2).filter(|word| !is_made && is_path(word)).map(str::to_owned);
        let prose: String = page.text.split('`').step_by(2).collect();
        let linked = links(&prose).map(|link| join(folder, link)).collect::<Vec<_>>();
        for path in named.chain(linked) {
            if !exists(path.trim_end_matches('/')) {
                found.push(Complaint::new(
                    &page.path,
                    format!("{path} does not exist"),
                    "name the file as it is today",
                ));
            }
        }
    }
    found
}

fn is_page(path: &str) -> bool {
    path.ends_with(".md") && (!path.contains('/') || path.starts_with("docs/"))
}

/// A plain path: not a pattern, not a command with a path in it.
fn is_path(word: &str) -> bool {
    ROOTS.iter().any(|root| word.starts_with(root))
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "/._-".contains(c))
}

/// The targets of `[text](target)` that are files of the tree.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains(':') && !target.contains(char::is_whitespace))
}

fn join(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    fn found(path: &str, text: &str) -> Vec<String> {
        let exists = |path: &str| matches!(path, "crates/a/src" | "README.md" | "docs/x.md");
        summary(&check(&[SourceFile { path: path.into(), text: text.into() }], &exists))
    }

    #[test]
    fn a_path_that_is_not_there_is_found() {
        assert_eq!(found("A.md", "see `crates/a/src/` and `crates/b/src`"), ["A.md: crates/b/src does not exist"]);
        let made = format!("{} `docs/of_others.md` [b](b.md)", docs::MARK);
        assert_eq!(found("docs/x.md", &made), ["docs/x.md: docs/b.md does not exist"]);
        assert_eq!(found("A.md", "`crates/NAME` and `cargo run`"), [] as [&str; 0]);
    }

    #[test]
    fn links_are_followed_from_their_page() {
        assert_eq!(found("docs/y.md", "[x](x.md#part) [r](../README.md)"), [] as [&str; 0]);
        assert_eq!(found("docs/y.md", "`number[letter](_suffix)` is code"), [] as [&str; 0]);
        assert_eq!(found("docs/y.md", "[z](z.md) [w](https://example.com)"), ["docs/y.md: docs/z.md does not exist"]);
    }
}
