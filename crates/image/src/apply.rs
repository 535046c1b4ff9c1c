//! Putting the entries of one layer into the tree, as a runtime does when it unpacks them: OCI image
//! spec, `layer.md` ("Whiteouts", "Hardlinks"), and containerd's `archive` package.
//!
//! Names are cleaned, `..` ends at the root, folders on the way are followed through symbolic links
//! inside the root, whiteouts hide what lower layers brought and never what their own layer did.

use std::ops::Bound;

use crate::tree::{File, Node, Tree};
use crate::wants::split;

/// Longest path the kernel takes.
const PATH_LIMIT: usize = 4096;

/// Where an entry goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The root itself, or something that no runtime unpacks.
    Nowhere,
    /// A path without links on the way.
    At(Vec<u8>),
    /// It hides a path of lower layers.
    Whiteout(Vec<u8>),
    /// It hides what lower layers have below a path.
    Opaque(Vec<u8>),
}

/// One layer that is being applied.
pub(crate) struct Applier {
    pub(crate) layer: usize,
    /// The folder of the last entry as written, and where it led: entries come folder by folder.
    last: Option<(Vec<u8>, Vec<u8>)>,
}

/// A name as runtimes clean it: no empty or `.` parts, `..` taken lexically, never above the root.
pub(crate) fn clean(name: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join(&b'/')
}

impl Applier {
    pub(crate) fn new(layer: usize) -> Self {
        Self { layer, last: None }
    }

    /// Where an entry of this name goes; an error says why it cannot go anywhere.
    pub(crate) fn place(&mut self, tree: &mut Tree, name: &[u8]) -> Result<Place, &'static str> {
        if name.len() > PATH_LIMIT {
            return Err("its name is longer than any system takes");
        }
        let cleaned = clean(name);
        if cleaned.is_empty() {
            return Ok(Place::Nowhere);
        }
        let (folder, base) = split(&cleaned);
        if base == b".wh..wh..opq" {
            return Ok(Place::Opaque(self.folder(tree, folder, false)?));
        }
        if base.starts_with(b".wh..wh.") {
            return Ok(Place::Nowhere); // bookkeeping of AUFS
        }
        if let Some(hidden) = base.strip_prefix(b".wh.") {
            if matches!(hidden, b"" | b"." | b"..") {
                return Err("a whiteout that names no file");
            }
            let folder = self.folder(tree, folder, false)?;
            return Ok(Place::Whiteout(join(&folder, hidden)));
        }
        let folder = self.folder(tree, folder, true)?;
        Ok(Place::At(join(&folder, base)))
    }

    /// The folder an entry goes into. With `make`, what stands in its way is replaced by a folder.
    fn folder(&mut self, tree: &mut Tree, folder: &[u8], make: bool) -> Result<Vec<u8>, &'static str> {
        if let Some((written, real)) = &self.last
            && written == folder
        {
            return Ok(real.clone());
        }
        let real = tree.walk(folder, true).ok_or("its folder is a circle of symbolic links")?;
        if make {
            let mut up = real.as_slice();
            while !up.is_empty() {
                if matches!(tree.nodes.get(up), Some(Node::File(_) | Node::Special { .. })) {
                    tree.nodes.remove(up);
                }
                up = split(up).0;
            }
            self.last = Some((folder.to_vec(), real.clone()));
        }
        Ok(real)
    }

    /// Puts a node at a path; a folder joins a folder, all else replaces what is there.
    pub(crate) fn insert(&mut self, tree: &mut Tree, path: Vec<u8>, node: Node) {
        let was_link = matches!(tree.nodes.get(path.as_slice()), Some(Node::Symlink { .. }));
        let is_folder = matches!(node, Node::Directory { .. });
        if !is_folder {
            remove_below(tree, &path, usize::MAX);
        }
        let stale = |real: &[u8]| real.strip_prefix(path.as_slice()).is_some_and(|r| r.is_empty() || r[0] == b'/');
        if was_link
            || matches!(node, Node::Symlink { .. })
            || !is_folder && self.last.as_ref().is_some_and(|(_, real)| stale(real))
        {
            self.last = None;
        }
        tree.nodes.insert(path.into(), node);
    }

    /// Hides what lower layers have at a path.
    pub(crate) fn hide(&mut self, tree: &mut Tree, path: &[u8]) {
        self.last = None;
        if tree.nodes.get(path).is_some_and(|node| node.layer() < self.layer) {
            tree.nodes.remove(path);
        }
        remove_below(tree, path, self.layer);
    }

    /// Hides what lower layers have below a path.
    pub(crate) fn hide_below(&mut self, tree: &mut Tree, path: &[u8]) {
        self.last = None;
        remove_below(tree, path, self.layer);
    }

    /// What a hard link of this target becomes: one more name of what is there.
    pub(crate) fn linked(&self, tree: &Tree, target: &[u8]) -> Option<Node> {
        let target = clean(target);
        let (folder, base) = split(&target);
        let path = join(&tree.walk(folder, false)?, base);
        let layer = self.layer;
        Some(match tree.nodes.get(path.as_slice())? {
            Node::File(file) => Node::File(File { layer, ..file.clone() }),
            Node::Symlink { target, .. } => Node::Symlink { target: target.clone(), layer },
            Node::Special { .. } => Node::Special { layer },
            Node::Directory { .. } => return None,
        })
    }
}

fn join(folder: &[u8], base: &[u8]) -> Vec<u8> {
    if folder.is_empty() { base.to_vec() } else { [folder, b"/", base].concat() }
}

/// Removes what layers under `layer` have below a path.
fn remove_below(tree: &mut Tree, path: &[u8], layer: usize) {
    let mut prefix = path.to_vec();
    if !prefix.is_empty() {
        prefix.push(b'/');
    }
    let start = prefix.clone().into_boxed_slice();
    let gone: Vec<Box<[u8]>> = tree
        .nodes
        .range((Bound::Excluded(start), Bound::Unbounded))
        .take_while(|(below, _)| below.starts_with(&prefix))
        .filter(|(_, node)| node.layer() < layer)
        .map(|(below, _)| below.clone())
        .collect();
    for path in gone {
        tree.nodes.remove(&path);
    }
}
