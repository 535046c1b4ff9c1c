//! Catalogers: one file each ⇔ one line in the table `ALL` ⇔ one case file `crates/catalog/cases/ID.md`
//! ⇔ one row in `docs/catalogers.md`.

use crate::finding::Complaint;
use crate::manual;
use crate::sources::SourceFile;

const SOURCES: &str = "crates/catalog/src/";
const CASES: &str = "crates/catalog/cases/";

/// A definition `static NAME: Cataloger = Cataloger { id: "…", … }`.
pub(crate) struct Definition<'a> {
    /// The file it stands in.
    pub(crate) file: &'a str,
    name: &'a str,
    /// What is written between its braces.
    pub(crate) body: &'a str,
    /// Its id.
    pub(crate) id: &'a str,
    /// `Installed` or `Declared`.
    pub(crate) kind: &'a str,
}

/// The case file of a cataloger.
pub(crate) fn case(id: &str) -> String {
    format!("{CASES}{id}.md")
}

/// All that the table lists, in its order.
pub(crate) fn in_order(files: &[SourceFile]) -> Vec<Definition<'_>> {
    let sources = || files.iter().filter(|file| file.path.starts_with(SOURCES));
    let defined: Vec<Definition<'_>> = sources().flat_map(definitions).collect();
    let listed = sources().find_map(|file| table(&file.text)).unwrap_or_default();
    let place = |one: &Definition<'_>| listed.iter().position(|name| *name == one.name);
    let mut found: Vec<(usize, Definition<'_>)> =
        defined.into_iter().filter_map(|one| Some((place(&one)?, one))).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, one)| one).collect()
}

/// Compares files, table and cases.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let sources: Vec<&SourceFile> = files.iter().filter(|file| file.path.starts_with(SOURCES)).collect();
    let defined: Vec<Definition<'_>> = sources.iter().flat_map(|file| definitions(file)).collect();
    let mut found = Vec::new();
    let Some((table_file, listed)) = sources.iter().find_map(|file| Some((&file.path, table(&file.text)?))) else {
        return vec![Complaint::new(SOURCES, "no table `ALL` of catalogers", "list every cataloger in `static ALL`")];
    };
    if defined.is_empty() {
        found.push(Complaint::new(SOURCES, "no cataloger", "define each as `static NAME: Cataloger = Cataloger {…}`"));
    }
    for one in &defined {
        if defined.iter().any(|other| other.file == one.file && other.name != one.name) {
            found.push(Complaint::new(one.file, "holds more than one cataloger", "one file each"));
        }
        if !listed.contains(&one.name) {
            found.push(Complaint::new(
                one.file,
                format!("{} is not in `ALL`", one.name),
                format!("add it in {table_file}"),
            ));
        }
        let case = case(one.id);
        if !files.iter().any(|file| file.path == case) {
            found.push(Complaint::new(one.file, format!("{} has no case", one.id), format!("write {case}")));
        }
    }
    for name in &listed {
        if !defined.iter().any(|one| one.name == *name) {
            found.push(Complaint::new(table_file, format!("`ALL` names {name}, which no file defines"), "remove it"));
        }
    }
    for case in files.iter().filter_map(|file| file.path.strip_prefix(CASES)?.strip_suffix(".md")) {
        // What stands beside the catalogers, such as the distribution, may have cases too.
        let beside = format!("crates/catalog/src/{case}.rs");
        if !defined.iter().any(|one| one.id == case) && !files.iter().any(|file| file.path == beside) {
            found.push(Complaint::new(
                format!("{CASES}{case}.md"),
                "no cataloger and no file of this name",
                "name it after its id",
            ));
        }
    }
    found.dedup();
    found
}

fn definitions(file: &SourceFile) -> Vec<Definition<'_>> {
    const HEAD: &str = ": Cataloger = Cataloger {";
    let mut found = Vec::new();
    for (at, _) in file.text.match_indices(HEAD) {
        let name = file.text[..at].rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let body = manual::body(&file.text[at..], HEAD).unwrap_or_default();
        let id = manual::field(body, "id", &file.text).unwrap_or_default();
        let kind = body.split_once("kind: Kind::").and_then(|(_, rest)| rest.split_once(','));
        let kind = kind.map_or("", |(kind, _)| kind);
        found.push(Definition { file: &file.path, name, body, id, kind });
    }
    found
}

/// The names in `ALL: … = [&dpkg::DPKG, …]`, without their paths.
fn table(text: &str) -> Option<Vec<&str>> {
    let (_, rest) = text.split_once(" ALL: ")?;
    let (_, rest) = rest.split_once('=')?;
    let (list, _) = rest.split_once(';')?;
    let list = list.trim().trim_start_matches('&').trim_start_matches('[').trim_end_matches(']');
    let names = list.lines().map(|line| line.split("//").next().unwrap_or_default()).flat_map(|line| line.split(','));
    Some(
        names
            .map(|name| name.trim().trim_start_matches(['&', '[']).trim_end_matches(']'))
            .filter(|name| !name.is_empty())
            .map(|name| name.rsplit("::").next().unwrap_or(name))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    const DPKG: &str = "pub static DPKG: Cataloger = Cataloger {\n    id: \"dpkg\",\n};\n";
    const GO: &str = "pub static GO: Cataloger = Cataloger {\n    id: \"go-binary\",\n};\n";
    const ALL: &str = "/// All.\npub static ALL: &[&Cataloger] = &[\n    &dpkg::DPKG, // Debian\n    &go::GO,\n];\n";

    /// The complaints about this tree, `crates/catalog/` left out of the paths.
    fn found(tree: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<SourceFile> = tree
            .iter()
            .map(|(path, text)| SourceFile { path: format!("crates/catalog/{path}"), text: (*text).into() })
            .collect();
        summary(&check(&files)).iter().map(|line| line.replace("crates/catalog/", "")).collect()
    }

    #[test]
    fn files_table_and_cases_agree() {
        let tree = [
            ("src/lib.rs", ALL),
            ("src/dpkg.rs", DPKG),
            ("src/go.rs", GO),
            ("cases/dpkg.md", ""),
            ("cases/go-binary.md", ""),
        ];
        assert_eq!(found(&tree), [] as [&str; 0]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let tree = [
            ("src/lib.rs", "static ALL: &[&Cataloger] = &[&dpkg::DPKG, &rpm::RPM];"),
            ("src/dpkg.rs", DPKG),
            ("src/go.rs", GO),
            ("cases/dpkg.md", ""),
            ("cases/apk.md", ""),
        ];
        assert_eq!(
            found(&tree),
            [
                "src/go.rs: GO is not in `ALL`",
                "src/go.rs: go-binary has no case",
                "src/lib.rs: `ALL` names RPM, which no file defines",
                "cases/apk.md: no cataloger and no file of this name",
            ]
        );
    }

    #[test]
    fn one_file_each() {
        let both = format!("{DPKG}{GO}");
        let tree = [("src/lib.rs", ALL), ("src/dpkg.rs", &*both), ("cases/dpkg.md", ""), ("cases/go-binary.md", "")];
        assert_eq!(found(&tree), ["src/dpkg.rs: holds more than one cataloger"]);
    }

    #[test]
    fn no_table_and_no_cataloger_are_found() {
        assert_eq!(found(&[("src/dpkg.rs", DPKG)]), ["src/: no table `ALL` of catalogers"]);
        assert_eq!(found(&[("src/lib.rs", "static ALL: [&Cataloger; 0] = [];")]), ["src/: no cataloger"]);
    }
}
