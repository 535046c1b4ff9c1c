//! Which files of an image somebody wants to read: all wishes compiled into one matcher, so that a
//! layer is walked once however many readers there are.

use std::collections::{HashMap, HashSet};

use crate::evidence::Bytes;

/// A wish for files by path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// One file by its path from the root, without leading slash.
    Path(&'static str),
    /// Every file directly in a folder.
    Folder(&'static str),
    /// Every file whose name has this extension, in lower case and without dot, in any case.
    Extension(&'static str),
    /// Every file whose real path matches: `*` stands for any characters of one part, a part `**` for
    /// any number of parts, none included: `**/node_modules/*/package.json`. The last part is a name
    /// or has a fixed end: `*.gemspec`, `requirements*.txt`.
    Glob(&'static str),
}

/// A wish for files by content, whatever their name and mode.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// How such a file may start; each at most [`Wants::HEAD`] bytes.
    pub heads: &'static [&'static [u8]],
    /// What it must hold anywhere, or its bytes are not kept.
    pub marker: &'static [u8],
    /// Where a file can be read by position, tells from a few bytes whether it holds the marker; `None`
    /// if it must be looked through.
    pub probe: Option<fn(&Bytes) -> Option<bool>>,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.heads == other.heads && self.marker == other.marker
    }
}

impl Eq for Content {}

/// Globs by how the last part of a path must end, so that most files are told by one look-up.
#[derive(Debug, Clone, Default)]
struct Globs {
    /// Last part without `*`.
    names: HashMap<&'static [u8], Vec<&'static [u8]>>,
    /// What follows the last `*` of the last part, by its last byte.
    ends: HashMap<u8, Vec<(&'static [u8], &'static [u8])>>,
    /// Last part ends in `*`: every path must be tried.
    any: Vec<&'static [u8]>,
}

impl Globs {
    fn add(&mut self, glob: &'static str) {
        let glob = glob.as_bytes();
        let (_, name) = split(glob);
        match name.iter().rposition(|b| *b == b'*') {
            None => self.names.entry(name).or_default().push(glob),
            Some(at) => match name[at + 1..].last() {
                Some(last) => self.ends.entry(*last).or_default().push((&name[at + 1..], glob)),
                None => self.any.push(glob),
            },
        }
    }

    fn matches(&self, path: &[u8], name: &[u8]) -> bool {
        let Some(last) = name.last() else { return false };
        self.names.get(name).is_some_and(|globs| globs.iter().any(|g| glob_matches(g, path)))
            || self
                .ends
                .get(last)
                .is_some_and(|globs| globs.iter().any(|(end, g)| name.ends_with(end) && glob_matches(g, path)))
            || self.any.iter().any(|g| glob_matches(g, path))
    }
}

/// Whether a path matches a glob, part by part.
pub(crate) fn glob_matches(glob: &[u8], path: &[u8]) -> bool {
    let (part, more) = cut(glob);
    if part == b"**" {
        let Some(more) = more else { return true };
        let mut path = path;
        loop {
            if glob_matches(more, path) {
                return true;
            }
            match cut(path).1 {
                Some(rest) => path = rest,
                None => return false,
            }
        }
    }
    let (name, rest) = cut(path);
    part_matches(part, name)
        && match (more, rest) {
            (None, None) => true,
            (Some(more), Some(rest)) => glob_matches(more, rest),
            _ => false,
        }
}

/// First part of a path and what follows its slash.
fn cut(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match path.iter().position(|b| *b == b'/') {
        Some(at) => (&path[..at], Some(&path[at + 1..])),
        None => (path, None),
    }
}

/// Whether a name matches a part: the pieces between the stars must follow each other.
fn part_matches(part: &[u8], name: &[u8]) -> bool {
    let mut pieces = part.split(|b| *b == b'*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&[u8]> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let found = (0..=rest.len()).find(|at| rest[*at..].starts_with(piece));
        match found {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Several wishes.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    paths: HashSet<&'static [u8]>,
    folders: HashSet<&'static [u8]>,
    extensions: HashSet<&'static str>,
    globs: Globs,
    names: HashSet<&'static [u8]>,
    contents: Vec<Content>,
}

impl Wants {
    /// Bytes of a file's start that are looked at.
    pub const HEAD: usize = 16;

    /// All of `patterns` and `contents`.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>, contents: impl IntoIterator<Item = Content>) -> Self {
        let mut wants = Self { contents: contents.into_iter().collect(), ..Self::default() };
        for pattern in patterns {
            match pattern {
                Pattern::Path(path) => wants.paths.insert(path.as_bytes()),
                Pattern::Folder(path) => wants.folders.insert(path.as_bytes()),
                Pattern::Extension(extension) => wants.extensions.insert(extension),
                Pattern::Glob(glob) => {
                    wants.globs.add(glob);
                    true
                }
            };
        }
        wants
    }

    /// Wants every file of this name, wherever it is.
    pub fn add_name(&mut self, name: &'static str) {
        self.names.insert(name.as_bytes());
    }

    /// Whether a file of this path is wanted for its path.
    pub fn path(&self, path: &[u8]) -> bool {
        if self.paths.contains(path) {
            return true;
        }
        let (folder, name) = split(path);
        self.folders.contains(folder) || self.by_name(path, name)
    }

    /// Whether a file is wanted for its name or the shape of its path.
    pub(crate) fn by_name(&self, path: &[u8], name: &[u8]) -> bool {
        self.names.contains(name) || self.extension(name) || self.globs.matches(path, name)
    }

    /// Whether a file of this name is wanted for its extension.
    pub(crate) fn extension(&self, name: &[u8]) -> bool {
        let Some(dot) = name.iter().rposition(|b| *b == b'.') else { return false };
        let extension = &name[dot + 1..];
        extension.len() <= 16
            && !self.extensions.is_empty()
            && std::str::from_utf8(extension).is_ok_and(|e| self.extensions.contains(e.to_ascii_lowercase().as_str()))
    }

    /// The wishes by content that a file starting with `head` may fulfil.
    pub(crate) fn content(&self, head: &[u8]) -> Vec<Content> {
        let starts = |c: &&Content| c.heads.iter().any(|h| head.starts_with(h));
        self.contents.iter().filter(starts).copied().collect()
    }

    /// Whether any file is wanted for its content.
    pub(crate) fn by_content(&self) -> bool {
        !self.contents.is_empty()
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static [u8]> {
        self.paths.iter().copied()
    }

    pub(crate) fn folders(&self) -> impl Iterator<Item = &'static [u8]> {
        self.folders.iter().copied()
    }

    pub(crate) fn contents(&self) -> &[Content] {
        &self.contents
    }
}

/// Folder and name of a path; the folder of a name at the root is empty.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(glob: &'static str, path: &str, expect: bool) {
        assert_eq!(glob_matches(glob.as_bytes(), path.as_bytes()), expect, "{glob} on {path}");
        let wants = Wants::new([Pattern::Glob(glob)], []);
        assert_eq!(wants.path(path.as_bytes()), expect, "{glob} among wants on {path}");
    }

    #[test]
    fn globs_match_whole_paths() {
        check("a/b", "a/b", true);
        check("a/b", "x/a/b", false);
        check("**/a/b", "a/b", true);
        check("**/a/b", "x/y/a/b", true);
        check("**/a/b", "xa/b", false);
        check("**/package.json", "package.json", true);
        check("**/*.dist-info/METADATA", "usr/lib/x-1.dist-info/METADATA", true);
        check("**/*.dist-info/METADATA", "usr/lib/x-1.dist-info/sub/METADATA", false);
        check("**/requirements*.txt", "app/requirements-dev.txt", true);
        check("**/requirements*.txt", "app/requirements.in", false);
        check("var/lib/pacman/local/*/desc", "var/lib/pacman/local/zlib-1/desc", true);
        check("var/lib/pacman/local/*/desc", "var/lib/pacman/local/desc", false);
        check("**/specifications/**/*.gemspec", "g/specifications/default/x.gemspec", true);
        check("**/specifications/**/*.gemspec", "g/specifications/x.gemspec", true);
        check("a*b*c", "a1b2c", true);
        check("a*b*c", "a1c2b", false);
        check("sboms/*", "sboms/x", true);
    }
}
