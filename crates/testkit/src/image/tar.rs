//! A small deterministic tar writer: POSIX ustar headers (IEEE 1003.1, `pax`), with an extended header
//! only where a name or target does not fit. Times, owners and devices are zero.

/// What an entry of a tar is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file with its content.
    File(Vec<u8>),
    /// A folder.
    Directory,
    /// A symbolic link to a path.
    Symlink(String),
    /// A hard link to an earlier path of the same tar.
    Hardlink(String),
}

/// One entry of a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path without leading slash.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub kind: EntryKind,
}

const BLOCK: usize = 512;
const NAME: usize = 100;

/// The bytes of a tar with `entries`, in their order.
pub fn write(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        let mut path = entry.path.clone();
        let (flag, target, content): (u8, &str, &[u8]) = match &entry.kind {
            EntryKind::File(bytes) => (b'0', "", bytes),
            EntryKind::Directory => {
                if !path.ends_with('/') {
                    path.push('/');
                }
                (b'5', "", &[])
            }
            EntryKind::Symlink(target) => (b'2', target, &[]),
            EntryKind::Hardlink(target) => (b'1', target, &[]),
        };
        let mut extended = Vec::new();
        if path.len() > NAME || !path.is_ascii() {
            extended.extend(record("path", &path));
        }
        if target.len() > NAME || !target.is_ascii() {
            extended.extend(record("linkpath", target));
        }
        if !extended.is_empty() {
            push(&mut out, "PaxHeaders/entry", "", 0o644, b'x', &extended);
        }
        push(&mut out, &path, target, entry.mode, flag, content);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// `LENGTH KEY=VALUE\n`, the length counting itself.
fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length.to_string().len() + rest.len() != length {
        length = length.to_string().len() + rest.len();
    }
    format!("{length}{rest}").into_bytes()
}

fn push(out: &mut Vec<u8>, path: &str, target: &str, mode: u32, flag: u8, content: &[u8]) {
    let mut header = [0u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8], room: usize| {
        let n = bytes.len().min(room);
        header[at..at + n].copy_from_slice(&bytes[..n]);
    };
    put(0, path.as_bytes(), NAME);
    put(100, format!("{mode:07o}").as_bytes(), 7);
    put(108, b"0000000", 7);
    put(116, b"0000000", 7);
    put(124, format!("{:011o}", content.len()).as_bytes(), 11);
    put(136, b"00000000000", 11);
    put(148, b"        ", 8);
    put(156, &[flag], 1);
    put(157, target.as_bytes(), NAME);
    put(257, b"ustar\x0000", 8);
    put(329, b"0000000", 7);
    put(337, b"0000000", 7);
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_extended_record_counts_itself() {
        for n in [1, 80, 90, 91, 92, 985, 990, 995] {
            let text = record("path", &"a".repeat(n));
            let stated: usize = std::str::from_utf8(&text).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(stated, text.len());
        }
    }

    #[test]
    fn the_same_entries_give_the_same_bytes_in_whole_blocks() {
        let entries = [
            Entry { path: "etc".into(), mode: 0o755, kind: EntryKind::Directory },
            Entry { path: "d/".repeat(80) + "file", mode: 0o644, kind: EntryKind::File(b"x".to_vec()) },
        ];
        let bytes = write(&entries);
        assert_eq!(bytes, write(&entries));
        assert_eq!(bytes.len() % BLOCK, 0);
        assert_eq!(&bytes[..5], b"etc/\0");
        assert!(bytes.windows(7).any(|w| w == b"path=d/"));
    }
}
