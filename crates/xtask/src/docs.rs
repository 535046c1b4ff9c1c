//! Pages made from the sources: `docs/catalogers.md` and `docs/formats.md`, a row for each plug-in, out of
//! its own manual page; `docs/attacks.md`, out of the names of tests. `docs` writes them; `tidy` finds one that is out of date.

use crate::attacks;
use crate::catalogers::{self, Definition};
use crate::finding::Complaint;
use crate::manual;
use crate::sources::SourceFile;
use std::fmt::Write as _;
use std::path::Path;

const HOW: &str = "cargo run -p cleanbill-xtask -- docs";

/// How a page begins to say that it is made.
pub(crate) const MARK: &str = "<!-- Made from the sources";

/// A page and what it should hold.
type Page = (&'static str, String);

/// Writes the pages.
pub(crate) fn write(root: &Path, files: &[SourceFile]) -> Result<Vec<Complaint>, String> {
    let (pages, found) = pages(files);
    for (path, text) in pages {
        std::fs::write(root.join(path), text).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(found)
}

/// Compares the pages with what the sources say.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Complaint> {
    let (pages, mut found) = pages(files);
    for (path, text) in pages {
        if files.iter().find(|file| file.path == path).is_none_or(|file| file.text != text) {
            found.push(Complaint::new(path, "is not what the sources say", format!("{HOW} writes it")));
        }
    }
    found
}

fn pages(files: &[SourceFile]) -> (Vec<Page>, Vec<Complaint>) {
    let mut found = Vec::new();
    let pages = vec![
        ("docs/catalogers.md", catalogers(files, &mut found)),
        ("docs/formats.md", formats(files, &mut found)),
        ("docs/attacks.md", attacks::page(&made_from("the names of tests"), files)),
    ];
    (pages, found)
}

/// A table in the making.
struct Table(String);

impl Table {
    fn new(heads: &[&str]) -> Self {
        let mut table = Self(String::new());
        table.row(heads);
        table.0.push_str(&format!("|{}\n", "---|".repeat(heads.len())));
        table
    }

    fn row(&mut self, cells: &[impl AsRef<str>]) {
        for cell in cells {
            let _ = write!(self.0, "| {} ", cell.as_ref().replace('|', "\\|"));
        }
        self.0.push_str("|\n");
    }
}

fn made_from(what: &str) -> String {
    format!("{MARK} of {what} by `{HOW}`; change it there. -->\n\n")
}

/// `a`, `b`
fn coded<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A link from `docs/` to a file of the tree.
fn link(text: &str, path: &str) -> String {
    format!("[{text}](../{path})")
}

/// The file, its first sentence, and a complaint where one of both is not there or its title is another.
fn page<'a>(files: &'a [SourceFile], path: &str, title: &str, found: &mut Vec<Complaint>) -> Option<(&'a str, String)> {
    let Some(file) = files.iter().find(|file| file.path == path) else {
        found.push(Complaint::new(path, "is not there", "each line of a family's table has a file of its own"));
        return None;
    };
    if manual::title(&file.text).is_none_or(|stated| stated.split(" (").next() != Some(title)) {
        found.push(Complaint::new(path, format!("its manual page is not titled {title}"), format!("//! # {title}")));
    }
    let Some(sentence) = manual::first_sentence(&file.text) else {
        found.push(Complaint::new(path, "has no manual page", "say in its first lines what it reads or writes"));
        return None;
    };
    Some((&file.text, sentence))
}

// --- catalogers ----------------------------------------------------------------------------------

fn catalogers(files: &[SourceFile], found: &mut Vec<Complaint>) -> String {
    let mut text = format!(
        "# Catalogers\n\n{}A cataloger finds packages in one kind of files. *Installed*: the files prove that a package is aboard; they are\n\
         read everywhere. *Declared*: the files say what a build would install; they are read in source trees (`dir:`) alone.\n\
         `**/` stands for any folder. The name leads to the manual page, the case to an example: files, and the packages that\n\
         are found in them.\n",
        made_from("the catalogers")
    );
    let all = catalogers::in_order(files);
    for (kind, head) in [("Installed", "Installed"), ("Declared", "Declared")] {
        let mut table = Table::new(&["cataloger", "reads", "package URL", "what it does", "case"]);
        let mut rows = 0;
        for one in all.iter().filter(|one| one.kind == kind) {
            let Some((source, sentence)) = page(files, one.file, one.id, found) else { continue };
            rows += 1;
            table.row(&[
                link(one.id, one.file),
                reads(one, source),
                types(source).unwrap_or_else(|| "as stated there".to_owned()),
                sentence,
                link("case", &catalogers::case(one.id)),
            ]);
        }
        let _ = write!(text, "\n## {head}: {rows}\n\n{}", table.0);
    }
    for one in all.iter().filter(|one| !matches!(one.kind, "Installed" | "Declared")) {
        found.push(Complaint::new(
            one.file,
            format!("{} is of no known kind", one.id),
            "kind: Kind::Installed or Declared",
        ));
    }
    text
}

/// What a cataloger asks for: the patterns of its `wants`.
fn reads(one: &Definition<'_>, source: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    let mut add = |what: String| {
        if !found.contains(&what) {
            found.push(what);
        }
    };
    for want in one.body.split("Want::").skip(1) {
        let pattern = want.split_once("Pattern::").and_then(|(_, rest)| rest.split_once('('));
        let shown = pattern.and_then(|(kind, rest)| {
            let value = *manual::strings(rest.split(')').next()?, source).first()?;
            Some(match kind {
                "Folder" => format!("`{value}/*`"),
                "Extension" => format!("`*.{value}`"),
                _ => format!("`{value}`"),
            })
        });
        match shown {
            Some(shown) => {
                let beside = want.split_once("&[").and_then(|(_, rest)| rest.split_once(']'));
                let beside = beside.map(|(names, _)| manual::strings(names, source)).filter(|names| !names.is_empty());
                add(beside.map_or_else(|| shown.clone(), |names| format!("{shown} with {}", coded(names))));
            }
            None => add("programs, by their content".to_owned()),
        }
    }
    found.join(", ")
}

/// The types of package URLs in the paragraph that says what a package is.
fn types(source: &str) -> Option<String> {
    let paragraphs = manual::paragraphs(source);
    let paragraph = paragraphs.iter().find_map(|p| Some(&p[p.find("A package is `pkg:")?..]))?;
    let mut types: Vec<&str> = manual::code(paragraph, "pkg:").filter_map(|purl| purl.split('/').next()).collect();
    types.dedup();
    Some(coded(types))
}

// --- formats -------------------------------------------------------------------------------------

fn formats(files: &[SourceFile], found: &mut Vec<Complaint>) -> String {
    let mut text = format!(
        "# Formats\n\n{}Everything that is read and written, out of the manual pages of the files that do it. A name leads to its page.\n",
        made_from("the formats")
    );
    let source = |path: &str| files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
    for (head, table) in [
        ("Bills of materials", sboms(files, source("crates/sbom/src/lib.rs"), found)),
        ("Reports of `scan`", reports(files, source("crates/report/src/lib.rs"), found)),
        ("Version orders", schemes(files, source("crates/version/src/lib.rs"), found)),
        ("Advisories: what `db build` reads", importers(files, source("crates/advisory/src/lib.rs"), found)),
        (
            "Publishers: what `scan` and `db update` fetch",
            publishers(files, source("crates/feeds/src/sources.rs"), found),
        ),
    ] {
        match table {
            Some(table) => drop(write!(text, "\n## {head}\n\n{table}")),
            None => found.push(Complaint::new(
                "docs/formats.md",
                format!("nothing for {head}"),
                "crates/xtask/src/docs.rs reads it",
            )),
        }
    }
    text
}

/// The entries of a list `ALL: … = &[osv::FORMAT, …];` as module and constant.
fn entries(source: &str) -> Vec<(&str, &str)> {
    let Some((_, rest)) = source.split_once(" ALL: ") else { return Vec::new() };
    let list = rest.split_once('=').and_then(|(_, rest)| rest.split_once("];")).map_or("", |(list, _)| list);
    list.split(',')
        .filter_map(|item| item.trim().trim_start_matches(['&', '[']).trim_start().rsplit_once("::"))
        .collect()
}

fn sboms(files: &[SourceFile], lib: &str, found: &mut Vec<Complaint>) -> Option<String> {
    let versions = manual::table(lib);
    let mut table = Table::new(&["format", "after `-o`", "what it is"]);
    let pages = files.iter().filter(|file| {
        let name = file.path.strip_prefix("crates/sbom/src/");
        name.is_some_and(|name| !name.contains('/')) && manual::title(&file.text).is_some()
    });
    for file in pages {
        let title = manual::title(&file.text).unwrap_or_default();
        let Some((source, sentence)) = page(files, &file.path, title, found) else { continue };
        let words: Vec<&str> = source
            .match_indices("    id: \"")
            .chain(source.match_indices("{ id: \""))
            .filter_map(|(at, _)| manual::field(&source[at..], "id", source))
            .collect();
        let words = if words.is_empty() { "read only".to_owned() } else { coded(words) };
        table.row(&[link(title, &file.path), words, sentence]);
    }
    table.row(&[
        link("table", "crates/report/src/sbom_table.rs"),
        coded(["table"]),
        page(files, "crates/report/src/sbom_table.rs", "table", found)?.1,
    ]);
    (!versions.is_empty()).then(|| format!("{}\n\n{}", versions.join("\n"), table.0))
}

fn reports(files: &[SourceFile], lib: &str, found: &mut Vec<Complaint>) -> Option<String> {
    let (_, list) = lib.split_once(" ALL: ")?;
    let mut table = Table::new(&["after `-o`", "what it is"]);
    for line in list.split("];").next()?.split("Format {").skip(1) {
        let name = manual::field(line, "name", lib)?;
        let module = line.split("::write").next()?.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
        let path = format!("crates/report/src/{module}.rs");
        let Some((_, sentence)) = page(files, &path, name, found) else { continue };
        table.row(&[link(name, &path), sentence]);
    }
    Some(table.0)
}

fn schemes(files: &[SourceFile], lib: &str, found: &mut Vec<Complaint>) -> Option<String> {
    let mut table = Table::new(&["`vercmp`", "also called", "package URLs", "ecosystems", "what it is"]);
    let mut rows = 0;
    for (at, _) in lib.match_indices("::RULES,") {
        let module = lib[..at].rsplit('&').next()?;
        let path = format!("crates/version/src/{module}.rs");
        let source = files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
        let rules = manual::body(source, "const RULES: Rules")?;
        let name = manual::field(rules, "name", source)?;
        let Some((_, sentence)) = page(files, &path, name, found) else { continue };
        rows += 1;
        table.row(&[
            link(name, &path),
            coded(manual::list(rules, "also", source)),
            coded(manual::list(rules, "purl_types", source)),
            manual::list(rules, "ecosystems", source).join(", "),
            sentence,
        ]);
    }
    (rows > 0).then_some(table.0)
}

fn importers(files: &[SourceFile], lib: &str, found: &mut Vec<Complaint>) -> Option<String> {
    let mut table = Table::new(&["feed", "what it is", "a distribution's own word", "form"]);
    for (module, constant) in entries(lib) {
        let path = format!("crates/advisory/src/{module}.rs");
        let source = files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
        let Some(sentence) = manual::first_sentence(source) else {
            found.push(Complaint::new(&path, "has no manual page", "say in its first lines what it reads"));
            continue;
        };
        let format = manual::body(source, &format!("const {constant}: Format"))?;
        let own = if format.contains("distribution: true") { "yes" } else { "" };
        table.row(&[
            link(manual::field(format, "feed", source)?, &path).as_str(),
            manual::field(format, "title", source)?,
            own,
            &sentence,
        ]);
    }
    (!entries(lib).is_empty()).then_some(table.0)
}

fn publishers(files: &[SourceFile], all: &str, found: &mut Vec<Complaint>) -> Option<String> {
    let mut table = Table::new(&["feed", "what it is", "for", "what it says", "fetched from"]);
    for (module, constant) in entries(all) {
        let path = format!("crates/feeds/src/sources/{module}.rs");
        let source = files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
        let definition = manual::body(source, &format!("const {constant}: Source"))?;
        let name = manual::field(definition, "name", source)?;
        let Some((_, sentence)) = page(files, &path, name, found) else { continue };
        let page = manual::lines(source).collect::<Vec<_>>().join("\n");
        let addresses: Vec<&str> =
            manual::code(&page, "https://").filter(|address| address.matches('/').count() > 2).collect();
        let whom = if definition.contains("For::Everything") { "every image" } else { "its ecosystems" };
        table.row(&[
            link(name, &path).as_str(),
            manual::field(definition, "title", source)?,
            whom,
            &sentence,
            &coded(addresses),
        ]);
    }
    (!entries(all).is_empty()).then_some(table.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::summary;

    const CATALOGER: &str = "//! # npm\n//!\n//! Reads `a`. More.\n//!\n//! A package is `pkg:npm/NAME@VERSION`.\n
const LOCK: &str = \"a.lock\";\nstatic NPM: Cataloger = Cataloger {\n    id: \"npm\",\n    kind: Kind::Declared,\n    wants: &[
        Want::With(Pattern::Glob(\"**/a.json\"), &[LOCK]),\n        Want::Path(Pattern::Extension(\"jar\")),
        Want::Content(Content { heads: HEADS, marker: MAGIC }),\n    ],\n};\n";

    /// A tree with one of each kind.
    fn tree() -> Vec<SourceFile> {
        [
            ("crates/catalog/src/lib.rs", "static ALL: &[&Cataloger] = &[&npm::NPM];"),
            ("crates/catalog/src/npm.rs", CATALOGER),
            ("crates/sbom/src/lib.rs", "//! Formats.\n//!\n//! | format | out |\n//! |---|---|\n"),
            (
                "crates/sbom/src/purls.rs",
                "//! # purls\n//!\n//! One a line.\n\nconst FORMAT: Format = Format { id: \"purls\", write };",
            ),
            ("crates/report/src/sbom_table.rs", "//! # table (of an SBOM)\n//!\n//! What is aboard.\n"),
            (
                "crates/report/src/lib.rs",
                "const ALL: &[Format] = &[\n    Format { name: \"json\", write: |r, _| json::write(r) },\n];",
            ),
            ("crates/report/src/json.rs", "//! # json\n//!\n//! For programs.\n"),
            ("crates/version/src/lib.rs", "match self { Scheme::Gem => &gem::RULES,\n }"),
            (
                "crates/version/src/gem.rs",
                "//! # gem\n//!\n//! Runs.\n\nconst RULES: Rules = Rules { name: \"gem\", also: &[\"ruby\"], purl_types: &[\"gem\"], ecosystems: &[\"RubyGems\"] };",
            ),
            ("crates/advisory/src/lib.rs", "const ALL: &[Format] = &[osv::FORMAT];"),
            (
                "crates/advisory/src/osv.rs",
                "//! # osv\n//!\n//! Records.\n\nconst FORMAT: Format = Format { feed: \"osv\", title: \"OSV\", distribution: true };",
            ),
            ("crates/feeds/src/sources.rs", "const ALL: &[Source] = &[kev::SOURCE];"),
            (
                "crates/feeds/src/sources/kev.rs",
                "//! # kev\n//!\n//! Known.\n//!\n//! `https://a.example/kev.json`\n\nconst SOURCE: Source = Source { name: \"kev\", title: \"KEV\", files: For::Everything(files) };",
            ),
        ]
        .into_iter()
        .map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() })
        .collect()
    }

    #[test]
    fn every_plug_in_has_its_row() {
        let (pages, found) = pages(&tree());
        assert_eq!(summary(&found), [] as [&str; 0]);
        let rows: Vec<&str> =
            pages.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.starts_with("| [")).collect();
        assert_eq!(
            rows,
            [
                "| [npm](../crates/catalog/src/npm.rs) | `**/a.json` with `a.lock`, `*.jar`, programs, by their content | `pkg:npm` | Reads `a`. | [case](../crates/catalog/cases/npm.md) |",
                "| [purls](../crates/sbom/src/purls.rs) | `purls` | One a line. |",
                "| [table](../crates/report/src/sbom_table.rs) | `table` | What is aboard. |",
                "| [json](../crates/report/src/json.rs) | For programs. |",
                "| [gem](../crates/version/src/gem.rs) | `ruby` | `gem` | RubyGems | Runs. |",
                "| [osv](../crates/advisory/src/osv.rs) | OSV | yes | Records. |",
                "| [kev](../crates/feeds/src/sources/kev.rs) | KEV | every image | Known. | `https://a.example/kev.json` |",
            ]
        );
    }

    #[test]
    fn a_page_that_is_out_of_date_is_found() {
        let mut files = tree();
        let stale = ["docs/catalogers.md", "docs/formats.md", "docs/attacks.md"]
            .map(|page| format!("{page}: is not what the sources say"));
        assert_eq!(summary(&check(&files)), stale);
        let (pages, _) = pages(&files);
        files.extend(pages.into_iter().map(|(path, text)| SourceFile { path: path.to_owned(), text }));
        assert_eq!(check(&files), []);
        files
            .iter_mut()
            .filter(|file| file.path.ends_with("npm.rs"))
            .for_each(|file| file.text = file.text.replace("Reads", "Sees"));
        assert_eq!(summary(&check(&files)), stale[..1]);
    }

    #[test]
    fn what_has_no_manual_page_is_found() {
        let mut files = tree();
        files
            .iter_mut()
            .filter(|file| file.path.ends_with("gem.rs"))
            .for_each(|file| file.text = file.text.replace("# gem", "# ruby"));
        files.retain(|file| !file.path.ends_with("json.rs"));
        let (_, found) = pages(&files);
        assert_eq!(
            summary(&found),
            ["crates/report/src/json.rs: is not there", "crates/version/src/gem.rs: its manual page is not titled gem"]
        );
    }
}
