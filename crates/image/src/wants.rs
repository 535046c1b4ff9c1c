//! Which files of an image somebody wants to read: all wishes compiled into one matcher, so that a
//! layer is walked once however many readers there are.

use std::collections::HashSet;

/// A wish for files by path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// One file by its path from the root, without leading slash.
    Path(&'static str),
    /// Every file directly in a folder.
    Folder(&'static str),
    /// Every file whose name has this extension, in lower case and without dot, in any case.
    Extension(&'static str),
}

/// A wish for files by content, whatever their name and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// How such a file may start; each at most [`Wants::HEAD`] bytes.
    pub heads: &'static [&'static [u8]],
    /// What it must hold anywhere, or its bytes are not kept.
    pub marker: &'static [u8],
}

/// Several wishes.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    paths: HashSet<&'static [u8]>,
    folders: HashSet<&'static [u8]>,
    extensions: HashSet<&'static str>,
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
            };
        }
        wants
    }

    /// Whether a file of this path is wanted for its path.
    pub fn path(&self, path: &[u8]) -> bool {
        if self.paths.contains(path) {
            return true;
        }
        let (folder, name) = split(path);
        self.folders.contains(folder) || self.extension(name)
    }

    /// Whether a file of this name is wanted for its extension.
    pub(crate) fn extension(&self, name: &[u8]) -> bool {
        let Some(dot) = name.iter().rposition(|b| *b == b'.') else { return false };
        let extension = &name[dot + 1..];
        extension.len() <= 16
            && !self.extensions.is_empty()
            && std::str::from_utf8(extension).is_ok_and(|e| self.extensions.contains(e.to_ascii_lowercase().as_str()))
    }

    /// The wish by content that a file starting with `head` may fulfil.
    pub(crate) fn content(&self, head: &[u8]) -> Option<Content> {
        self.contents.iter().copied().find(|c| c.heads.iter().any(|h| head.starts_with(h)))
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
