//! Bounds for the lists of files that packages own.
//!
//! Databases that write a folder once and the names in it after it can say in a few bytes that a long
//! folder holds a million names. What such lists unfold to is bounded here, per database.

/// All paths of one database together. A machine with three thousand packages has a fifth of this.
const LIMIT: usize = 128 << 20;
/// The longest path that Linux takes.
const LONGEST: usize = 4096;

/// Unfolds lists of files as long as there is room.
#[derive(Debug)]
pub(super) struct FileLists {
    left: usize,
    refused: bool,
}

impl FileLists {
    pub(super) fn new() -> Self {
        Self { left: LIMIT, refused: false }
    }

    /// Adds the file `name` in `folder` to `paths`, from the root and without leading slash.
    pub(super) fn push(&mut self, paths: &mut Vec<String>, folder: &str, name: &str) {
        let folder = folder.trim_matches('/');
        let size = folder.len() + 1 + name.len();
        if size > LONGEST || size > self.left {
            self.refused = true;
            return;
        }
        self.left -= size;
        paths.push(if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") });
    }

    /// Why some path was left out, if one was.
    pub(super) fn refused(&self) -> Option<String> {
        self.refused.then(|| {
            format!("file lists hold paths of more than {LONGEST} bytes, or of more than {} MiB in all", LIMIT >> 20)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_root() {
        let (mut lists, mut paths) = (FileLists::new(), Vec::new());
        lists.push(&mut paths, "/usr/bin/", "sh");
        lists.push(&mut paths, "", "init");
        lists.push(&mut paths, "/", "sbin");
        assert_eq!(paths, ["usr/bin/sh", "init", "sbin"]);
        assert_eq!(lists.refused(), None);
    }

    #[test]
    fn what_has_no_room_is_told() {
        let (mut lists, mut paths) = (FileLists { left: 20, refused: false }, Vec::new());
        lists.push(&mut paths, "usr/bin", "sh");
        lists.push(&mut paths, "usr/bin", "bash");
        assert_eq!(paths, ["usr/bin/sh"]);
        assert!(lists.refused().is_some());
        let mut lists = FileLists::new();
        lists.push(&mut paths, &"x".repeat(LONGEST), "a");
        assert!(paths.len() == 1 && lists.refused().is_some());
    }
}
