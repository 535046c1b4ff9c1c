//! Checkpoints of logs: signed notes (C2SP `signed-note.md`, `tlog-checkpoint.md`), read as strictly as
//! they are written, so that every reader sees the same tree and the same signatures (A05, A06).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const MAX_LINES: usize = 100;
const LIMIT: usize = 64 << 10;

/// A checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    /// What is signed.
    pub(super) text: &'a str,
    /// The log's name.
    pub(super) origin: &'a str,
    /// How many entries the tree has.
    pub(super) size: u64,
    /// Its root hash.
    pub(super) root: Vec<u8>,
    /// Who signed.
    pub(super) signatures: Vec<Signature<'a>>,
}

/// A line of a note that says who signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signature<'a> {
    /// The signer's name.
    pub(super) name: &'a str,
    /// The first bytes of the key's hash.
    pub(super) hint: [u8; 4],
    /// The signature.
    pub(super) bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Parses a checkpoint.
    pub(super) fn parse(note: &'a str) -> Result<Self, &'static str> {
        if note.len() > LIMIT || note.chars().any(|c| c < ' ' && c != '\n') {
            return Err("it is too long or holds control characters");
        }
        let (text, lines) = note.split_once("\n\n").ok_or("it has no signatures")?;
        let text = &note[..=text.len()];
        let lines = lines.strip_suffix('\n').ok_or("its last line has no end")?;
        let signatures = lines.split('\n').map(Signature::parse).collect::<Option<Vec<_>>>();
        let signatures = signatures.ok_or("one of its signatures is malformed")?;
        if signatures.len() > MAX_LINES {
            return Err("it has too many signatures");
        }
        let mut body = text.lines();
        let (Some(origin), Some(size), Some(root)) = (body.next(), body.next(), body.next()) else {
            return Err("it lacks the log's name, the size or the root hash");
        };
        let number = size.parse::<u64>().ok().filter(|n| n.to_string() == size).ok_or("its size is no number")?;
        let root = STANDARD.decode(root).ok().filter(|hash| hash.len() == 32).ok_or("its root is no SHA-256 hash")?;
        if origin.trim().is_empty() {
            return Err("it names no log");
        }
        Ok(Self { text, origin, size: number, root, signatures })
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+') {
            return None;
        }
        let decoded = STANDARD.decode(signature).ok()?;
        let (hint, bytes) = decoded.split_first_chunk::<4>()?;
        (!bytes.is_empty()).then(|| Self { name, hint: *hint, bytes: bytes.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        format!("log.example\n7\n{}\n\n\u{2014} log.example {}\n", STANDARD.encode([1; 32]), STANDARD.encode([2; 8]))
    }

    #[track_caller]
    fn refused(from: &str, to: &str) {
        let note = good().replacen(from, to, 1);
        assert_ne!(note, good(), "{from}");
        assert!(Note::parse(&note).is_err(), "{note}");
    }

    #[test]
    fn a_checkpoint_is_read_as_it_is_signed() {
        let (good, root) = (good(), STANDARD.encode([1; 32]));
        let note = Note::parse(&good).unwrap();
        assert_eq!(note.text, format!("log.example\n7\n{root}\n"));
        assert_eq!((note.origin, note.size, note.root.as_slice()), ("log.example", 7, &[1; 32][..]));
        assert_eq!(note.signatures, [Signature { name: "log.example", hint: [2; 4], bytes: vec![2; 4] }]);
        let more = good.replace("\n\n", "\nTimestamp: 1\n\n");
        assert!(Note::parse(&more).unwrap().text.ends_with("Timestamp: 1\n"));
    }

    #[test]
    fn a05_a06_what_two_readers_might_read_otherwise_is_refused() {
        refused("log.example\n", "\n");
        refused("log.example\n", "");
        refused("\n7\n", "\n07\n");
        refused("\n7\n", "\n 7\n");
        refused("\n7\n", "\r\n7\r\n");
        refused("AQEB", "AQE");
        refused("\n\n", "\n");
        refused("\n\n", "\n\n\n");
        refused("\u{2014} ", "\u{2014}  ");
        refused("\u{2014} ", "- ");
        refused("\u{2014} log.example", "\u{2014} log+example");
        refused("AgICAgICAgI=", "AgICAg==");
        refused("AgICAgICAgI=", "AgICAgICAgI=  ");
        refused("AgICAgICAgI=\n", "AgICAgICAgI=");
        refused("AgICAgICAgI=\n", "AgICAgICAgI=\n\n\u{2014} other AgICAgICAgI=\n");
    }
}
