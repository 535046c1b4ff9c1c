//! # requirements
//!
//! Reads `requirements*.txt` of pip, also those in a folder `requirements`. Only a requirement with one
//! exact version is a package: `NAME==1.0`, `NAME===1.0`, with extras (`NAME[x]==1.0`), markers
//! (`; python_version < "3"`), hashes and other options behind it. A line may go on after a backslash.
//!
//! Skipped without a word: comments, options (`-r`, `-c`, `-e`, `--index-url`, …; a file that `-r` names
//! is read for itself if its name fits), and paths of folders and archives. A marker is not evaluated:
//! the requirement is listed.
//!
//! A package is `pkg:pypi/NAME@VERSION`, with the name as PEP 503 normalises it. Problems:
//! `declared-version` for requirements without one exact version (ranges, addresses), `declared-entry`
//! for lines that are no requirement.

use cleanbill_image::Pattern;
use cleanbill_model::Kind;

use super::names::{add, exact, name_of};
use crate::cataloger::{Cataloger, Evidence, Found, Want};
use crate::document::{Declared, short, text};

/// The cataloger.
pub(crate) static REQUIREMENTS: Cataloger = Cataloger {
    id: "requirements",
    version: 1,
    kind: Kind::Declared,
    wants: &[Want::Path(Pattern::Glob("**/*requirements*.txt")), Want::Path(Pattern::Glob("**/requirements/*.txt"))],
    read,
};

const WHAT: &str = "read the requirements of pip";

fn read(evidence: &Evidence, found: &mut Found) {
    let Some(text) = text(evidence, WHAT, found) else { return };
    let mut declared = Declared::new(evidence, WHAT, found);
    for line in logical(&text) {
        requirement(&line, &mut declared);
    }
    declared.finish();
}

/// The lines of a file, without comments, with those that go on put together.
fn logical(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        // A comment starts a line or follows white space; it ends what went on before it.
        let comment = line
            .char_indices()
            .find(|(at, c)| *c == '#' && line[..*at].chars().next_back().is_none_or(char::is_whitespace));
        let plain = comment.map_or(line, |(at, _)| &line[..at]);
        if comment.is_none()
            && let Some(part) = plain.trim_end().strip_suffix('\\')
        {
            open.push_str(part);
            open.push(' ');
            continue;
        }
        open.push_str(plain);
        lines.push(std::mem::take(&mut open));
    }
    lines.push(open);
    lines.retain(|line| !line.trim().is_empty());
    lines
}

fn requirement(line: &str, declared: &mut Declared<'_>) {
    let line = line.trim();
    let path = line.starts_with(['.', '/']) || line.split(['#', ' ']).next().is_some_and(is_archive);
    if line.starts_with('-') || path {
        return;
    }
    if is_address(line) {
        return declared.without_version(line);
    }
    let Some((name, rest)) = name_of(line) else {
        return declared.broken(format!("`{}` is no requirement", short(line)));
    };
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[').map(|extras| extras.split_once(']')) {
        Some(Some((_, rest))) => rest.trim_start(),
        Some(None) => return declared.broken(format!("`{}` is no requirement", short(line))),
        None => rest,
    };
    if rest.starts_with('@') {
        return declared.without_version(name);
    }
    // Options of one requirement stand behind it, after white space.
    let rest = [" --", " -"].iter().filter_map(|sign| rest.find(sign)).min().map_or(rest, |at| &rest[..at]);
    let rest = if rest.starts_with("--") { "" } else { rest };
    let conditions = rest.split(';').next().unwrap_or_default().trim();
    let conditions = conditions.strip_prefix('(').and_then(|c| c.strip_suffix(')')).unwrap_or(conditions);
    let plain = conditions.is_empty() || conditions.starts_with(['=', '<', '>', '!', '~']);
    match exact(conditions) {
        Some(version) if plain && !version.contains(char::is_whitespace) => add(declared, name, version),
        None if plain && !conditions.split(',').any(|c| matches!(c.trim(), "==" | "===")) => {
            declared.without_version(name);
        }
        _ => declared.broken(format!("`{}` is no requirement", short(line))),
    }
}

fn is_archive(word: &str) -> bool {
    [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2"].iter().any(|end| word.ends_with(end)) && !word.contains("://")
}

/// An address in front of everything: `git+https://…#egg=x`, `https://…/x.whl`.
fn is_address(line: &str) -> bool {
    line.split_once("://").is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+'))
}
