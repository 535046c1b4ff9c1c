//! The files of an image as a container sees them: all layers squashed into one tree.

use std::collections::BTreeMap;
use std::ops::Bound;

use cleanbill_model::{LayerInfo, Problem};

use crate::evidence::Bytes;
use crate::wants::{Content, Wants, split};

/// Symbolic links that one look-up follows, and path components it walks in all.
const LINK_LIMIT: u32 = 255;
const STEP_LIMIT: u32 = 4096;

/// What is at a path.
#[derive(Debug, Clone)]
pub enum Node {
    /// A regular file.
    File(File),
    /// A folder.
    Directory {
        /// Index of the layer that brought it last.
        layer: usize,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points to, as written.
        target: Box<[u8]>,
        /// Index of the layer that brought it.
        layer: usize,
    },
    /// A device or FIFO.
    Special {
        /// Index of the layer that brought it.
        layer: usize,
    },
}

impl Node {
    /// Index of the layer that brought it.
    pub fn layer(&self) -> usize {
        match self {
            Node::File(file) => file.layer,
            Node::Directory { layer } | Node::Symlink { layer, .. } | Node::Special { layer } => *layer,
        }
    }
}

/// A regular file, or one more name of one.
#[derive(Debug, Clone)]
pub struct File {
    /// Bytes of data.
    pub size: u64,
    /// Index of the layer that brought this name.
    pub layer: usize,
    /// Layer and place in its archive of the entry that holds the data: for a hard link another
    /// than its own.
    pub(crate) origin: (usize, u64),
    pub(crate) evidence: Evidence,
    /// The wishes by content that it fulfils.
    pub(crate) contents: Box<[Content]>,
}

impl File {
    /// Its bytes, where they were wanted and could be kept.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.evidence {
            Evidence::Kept(bytes) => Some(bytes),
            Evidence::NotWanted | Evidence::Refused => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Evidence {
    NotWanted,
    Kept(Bytes),
    /// Wanted, but not to be had; a problem says why.
    Refused,
}

/// All layers squashed, with the bytes of the files that were wanted.
#[derive(Debug, Default)]
pub struct Tree {
    pub(crate) nodes: BTreeMap<Box<[u8]>, Node>,
    /// The layers, lowest first.
    pub layers: Vec<LayerInfo>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Tree {
    /// What is at `path` itself; a symbolic link is not followed.
    pub fn get(&self, path: &[u8]) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Every path with what is there, in order of bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }

    /// Whether there is a file or folder at `path`, symbolic links followed.
    pub fn exists(&self, path: &str) -> bool {
        self.resolve(path.as_bytes())
            .is_some_and(|real| self.nodes.contains_key(real.as_slice()) || self.below(&real).next().is_some())
    }

    /// The path without symbolic links that `path` leads to, never outside the root. What it ends in
    /// need not exist; `None` where links go in a circle or through a file.
    pub fn resolve(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.walk(path, false)
    }

    /// The file that `path` leads to, with its real path.
    pub fn file(&self, path: &[u8]) -> Option<(Vec<u8>, &File)> {
        let real = self.resolve(path)?;
        match self.nodes.get(real.as_slice()) {
            Some(Node::File(file)) => Some((real, file)),
            _ => None,
        }
    }

    /// As [`Tree::resolve`]; where a file stands in the way, `through_files` goes on as if it were a
    /// folder: an archive that puts something below it replaces it by one.
    pub(crate) fn walk(&self, path: &[u8], through_files: bool) -> Option<Vec<u8>> {
        let mut pending: Vec<&[u8]> = path.rsplit(|b| *b == b'/').collect();
        let mut at: Vec<u8> = Vec::with_capacity(path.len());
        let (mut links, mut steps) = (0, 0);
        while let Some(part) = pending.pop() {
            steps += 1;
            if steps > STEP_LIMIT {
                return None;
            }
            match part {
                b"" | b"." => continue,
                b".." => {
                    at.truncate(split(&at).0.len());
                    continue;
                }
                _ => {}
            }
            let parent = at.len();
            if parent > 0 {
                at.push(b'/');
            }
            at.extend_from_slice(part);
            match self.nodes.get(at.as_slice()) {
                Some(Node::Symlink { target, .. }) => {
                    links += 1;
                    if links > LINK_LIMIT {
                        return None;
                    }
                    at.truncate(if target.starts_with(b"/") { 0 } else { parent });
                    pending.extend(target.rsplit(|b| *b == b'/'));
                }
                Some(Node::File(_) | Node::Special { .. })
                    if !through_files && pending.iter().any(|p| !matches!(*p, b"" | b".")) =>
                {
                    return None;
                }
                _ => {}
            }
        }
        Some(at)
    }

    /// Everything below a folder.
    pub(crate) fn below(&self, folder: &[u8]) -> impl Iterator<Item = (&[u8], &Node)> {
        let mut prefix = folder.to_vec();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        let start = prefix.clone().into_boxed_slice();
        self.nodes
            .range((Bound::Excluded(start), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, node)| (&**path, node))
    }

    /// The files that `wants` names, as pairs of the path they are wanted by and their real path,
    /// sorted and each real path once. A link to a file that is wanted for itself adds none.
    pub fn wanted(&self, wants: &Wants) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut add = |path: &[u8]| {
            if let Some((real, _)) = self.file(path) {
                let by = found
                    .entry(real)
                    .or_insert_with_key(|real| if wants.path(real) { real.clone() } else { path.to_vec() });
                if by.as_slice() > path && !wants.path(by) {
                    *by = path.to_vec();
                }
            }
        };
        for path in wants.paths() {
            add(path);
        }
        for folder in wants.folders() {
            let Some(real) = self.resolve(folder) else { continue };
            for (path, _) in self.below(&real) {
                let name = &path[real.len() + usize::from(!real.is_empty())..];
                if !name.contains(&b'/') {
                    add(&[folder, b"/", name].concat());
                }
            }
        }
        for (path, node) in self.iter() {
            let wanted = match node {
                Node::File(file) => {
                    wants.by_name(path, split(path).1) || file.contents.iter().any(|c| wants.contents().contains(c))
                }
                // A link of a wanted name is one more name of what it leads to.
                Node::Symlink { .. } => wants.extension(split(path).1),
                Node::Directory { .. } | Node::Special { .. } => false,
            };
            if wanted {
                add(path);
            }
        }
        let mut pairs: Vec<_> = found.into_iter().map(|(real, by)| (by, real)).collect();
        pairs.sort();
        pairs
    }
}
