//! A folder as a tree: the root file system of a container, or a source tree.
//!
//! Symbolic links are kept as links and followed inside the folder only, as in an image. Folders where
//! another file system begins (`proc`, `sys`, volumes) are not entered. Files are read when a
//! cataloger asks; only small ones are kept.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cleanbill_model::{Budget, Problem};

use crate::ImageError;
use crate::evidence::{Bytes, Memory};
use crate::listing::Search;
use crate::tree::{Evidence, File as RegularFile, Node, Tree};
use crate::wants::{Content, Wants};

/// Folders inside folders; the kernel takes no longer paths.
const DEPTH: usize = 2048;
const WHAT: &str = "read the folder";

/// Looks through the folder at `root`, or at the one file that it is. What could not be read becomes a problem (`file-unreadable`,
/// `file-too-large`, `budget`); an error only where the folder itself cannot be read.
pub fn read_folder(root: &Path, wants: &Wants, budget: &mut Budget) -> Result<Tree, ImageError> {
    let name = root.display().to_string();
    let meta = fs::metadata(root).map_err(|e| ImageError::io(&name, e))?;
    let device = meta.dev();
    if meta.is_file() {
        let mut walk =
            Walk { tree: Tree::default(), wants, memory: Memory::default(), device, limit: budget.file_bytes };
        let path = root.file_name().unwrap_or(root.as_os_str()).as_bytes();
        let node = walk.file(root, path, meta.len(), budget);
        walk.tree.nodes.insert(path.into(), node);
        return Ok(walk.tree);
    }
    let listed = fs::read_dir(root).map_err(|e| ImageError::io(&name, e))?;
    let mut walk = Walk { tree: Tree::default(), wants, memory: Memory::default(), device, limit: budget.file_bytes };
    let mut pending = vec![(Vec::new(), listed)];
    while let Some((folder, entries)) = pending.last_mut() {
        let Some(entry) = entries.next() else {
            pending.pop();
            continue;
        };
        let folder = folder.clone();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walk.problem("file-unreadable", &folder, WHAT, error.to_string());
                continue;
            }
        };
        if let Err(source) = budget.take_entry() {
            let cut = matches!(source, cleanbill_model::BudgetError::Entries(_));
            if cut {
                walk.problem("budget", &folder, WHAT, source.to_string());
                break;
            }
            return Err(ImageError::Budget { what: name, source });
        }
        let path = match folder.as_slice() {
            [] => entry.file_name().into_vec(),
            folder => [folder, b"/", entry.file_name().as_bytes()].concat(),
        };
        if let Some(entries) = walk.entry(&entry.path(), &path, budget) {
            if pending.len() < DEPTH {
                pending.push((path, entries));
            } else {
                walk.problem("budget", &path, WHAT, format!("more than {DEPTH} folders inside each other"));
            }
        }
    }
    walk.tree.problems.sort();
    Ok(walk.tree)
}

struct Walk<'w> {
    tree: Tree,
    wants: &'w Wants,
    memory: Memory,
    device: u64,
    limit: u64,
}

impl Walk<'_> {
    fn problem(&mut self, code: &str, path: &[u8], what: &str, why: impl Into<String>) {
        self.tree.problems.push(Problem::new(code, String::from_utf8_lossy(path), what, why));
    }

    /// Takes in one entry; gives the entries of a folder that is to be entered.
    fn entry(&mut self, at: &Path, path: &[u8], budget: &mut Budget) -> Option<fs::ReadDir> {
        let found = fs::symlink_metadata(at).and_then(|meta| {
            let link = meta.is_symlink().then(|| fs::read_link(at)).transpose()?;
            Ok((meta, link))
        });
        let (meta, link) = match found {
            Ok(found) => found,
            Err(error) => {
                self.problem("file-unreadable", path, "read the file", error.to_string());
                return None;
            }
        };
        let node = if let Some(target) = link {
            Node::Symlink { target: target.into_os_string().into_vec().into(), layer: 0 }
        } else if meta.is_dir() {
            Node::Directory { layer: 0 }
        } else if meta.is_file() {
            self.file(at, path, meta.len(), budget)
        } else {
            Node::Special { layer: 0 }
        };
        self.tree.nodes.insert(path.into(), node);
        if !meta.is_dir() || meta.dev() != self.device {
            return None;
        }
        match fs::read_dir(at) {
            Ok(entries) => Some(entries),
            Err(error) => {
                self.problem("file-unreadable", path, WHAT, error.to_string());
                None
            }
        }
    }

    fn file(&mut self, at: &Path, path: &[u8], size: u64, budget: &mut Budget) -> Node {
        let ordinal = self.tree.nodes.len() as u64;
        let (evidence, contents) = match self.look(at, path, size, budget) {
            Ok(seen) => seen,
            Err((code, why)) => {
                self.problem(code, path, "read the file", why);
                (Evidence::Refused, Vec::new())
            }
        };
        Node::File(RegularFile { size, layer: 0, origin: (0, ordinal), evidence, contents: contents.into() })
    }

    /// Whether somebody wants the file, and its bytes.
    fn look(
        &mut self,
        at: &Path,
        path: &[u8],
        size: u64,
        budget: &mut Budget,
    ) -> Result<(Evidence, Vec<Content>), (&'static str, String)> {
        let failed = |e: io::Error| ("file-unreadable", e.to_string());
        let by_name = self.wants.path(path);
        let mut contents = Vec::new();
        if size >= Wants::HEAD as u64 && self.wants.by_content() {
            let mut head = [0u8; Wants::HEAD];
            let mut file = File::open(at).map_err(failed)?;
            let mut filled = 0;
            while filled < head.len() {
                match file.read(&mut head[filled..]).map_err(failed)? {
                    0 => break,
                    n => filled += n,
                }
            }
            contents = self.wants.content(&head[..filled]);
        }
        if !by_name && contents.is_empty() {
            return Ok((Evidence::NotWanted, Vec::new()));
        }
        if size > self.limit {
            let why = format!("{size} bytes, more than the {} that are looked into", self.limit);
            return Err(("file-too-large", why));
        }
        budget.take_bytes(size).map_err(|e| ("budget", e.to_string()))?;
        let mut known = Vec::new();
        let mut searches: Vec<Search> = Vec::new();
        let opened = Bytes::on_disk(at, size).opened().map_err(failed)?;
        for content in contents {
            match content.probe.and_then(|probe| probe(&opened)) {
                Some(true) => known.push(content),
                Some(false) => {}
                None => searches.push(Search::new(content)),
            }
        }
        if !searches.is_empty() {
            let mut file = File::open(at).map_err(failed)?;
            let mut buffer = vec![0u8; 256 << 10];
            while !searches.iter().all(|s| s.found) {
                match file.read(&mut buffer).map_err(failed)? {
                    0 => break,
                    n => {
                        for search in &mut searches {
                            search.feed(&buffer[..n]);
                        }
                    }
                }
            }
        }
        known.extend(searches.into_iter().filter(|s| s.found).map(|s| s.content));
        let contents: Vec<Content> = known;
        if !by_name && contents.is_empty() {
            return Ok((Evidence::NotWanted, Vec::new()));
        }
        let read = || {
            let mut bytes = Vec::with_capacity(size as usize);
            File::open(at)?.take(size).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = match self.memory.small(size, read) {
            Some(bytes) => bytes.map_err(failed)?,
            None => Bytes::on_disk(at, size),
        };
        Ok((Evidence::Kept(bytes), contents))
    }
}
