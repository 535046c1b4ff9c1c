//! Which tests stand for which attack: `a72_…` is a test of attack A72, `a26_a27_…` of two. The page
//! `docs/attacks.md` is made from their names, so that a number without a test cannot hide.

use crate::sources::SourceFile;
use std::collections::BTreeMap;

/// How far above its function a test's attribute may stand.
const ABOVE: usize = 6;

/// Tests by number: file and name of each.
type Tests<'a> = BTreeMap<u32, Vec<(&'a str, &'a str)>>;

/// The table, a row for each number that has tests.
pub(crate) fn table(files: &[SourceFile]) -> String {
    let mut text = "| attack | tests |\n|---|---|\n".to_owned();
    for (number, tests) in tests(files) {
        let cells: Vec<String> = tests.iter().map(|(file, name)| format!("[`{name}`](../{file})")).collect();
        text.push_str(&format!("| A{number:02} | {} |\n", cells.join("<br>")));
    }
    text
}

/// The whole page.
pub(crate) fn page(made_from: &str, files: &[SourceFile]) -> String {
    format!(
        "{made_from}# Attacks and their tests\n\nEvery published way past signatures, policies and admission that we know of has a \
         number; a test that carries it in its name fails when the check against it is taken out.\n\n{}",
        table(files)
    )
}

fn tests(files: &[SourceFile]) -> Tests<'_> {
    let mut found: Tests<'_> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs")) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = function(line) else { continue };
            let above = lines[at.saturating_sub(ABOVE)..at].iter().rev();
            let mut attributes = above.map(|l| l.trim()).take_while(|l| l.starts_with("#[") || l.starts_with("//"));
            if attributes.any(|l| l == "#[test]" || l.starts_with("#[tokio::test")) {
                for number in numbers(name) {
                    found.entry(number).or_default().push((&file.path, name));
                }
            }
        }
    }
    found
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// `a26_a27_every_list` is of 26 and 27.
fn numbers(name: &str) -> impl Iterator<Item = u32> {
    name.split('_').map_while(|word| {
        let digits = word.strip_prefix('a').filter(|d| d.len() == 2 && d.bytes().all(|b| b.is_ascii_digit()))?;
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<String> {
        let file = SourceFile { path: "crates/x/tests/y.rs".to_owned(), text: text.to_owned() };
        table(&[file]).lines().skip(2).map(str::to_owned).collect()
    }

    #[test]
    fn tests_are_found_by_their_names() {
        let text = "#[test]\nfn a02_one() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\n#[ignore]\nasync fn a02_a15_two() {}\n";
        assert_eq!(
            rows(text),
            [
                "| A02 | [`a02_one`](../crates/x/tests/y.rs)<br>[`a02_a15_two`](../crates/x/tests/y.rs) |",
                "| A15 | [`a02_a15_two`](../crates/x/tests/y.rs) |"
            ]
        );
    }

    #[test]
    fn what_is_no_test_or_has_no_number_is_none() {
        for text in
            ["fn a02_helper() {}", "#[test]\nfn b() {}", "#[test]\nfn a2_x() {}", "#[test]\n\nlet x;\nfn a02_x() {}"]
        {
            assert_eq!(rows(text), [] as [&str; 0], "{text}");
        }
    }
}
