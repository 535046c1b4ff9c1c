//! PEM text (RFC 7468), strict: one block, no headers, standard base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const LINE: usize = 64;

/// One block of a PEM text.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// Reads a text that holds exactly one block; blanks may stand around it.
pub(crate) fn read_one(text: &str) -> Result<Block, String> {
    let text = text.trim();
    let rest = text.strip_prefix("-----BEGIN ").ok_or("it does not begin with `-----BEGIN …-----`")?;
    let (label, rest) = rest.split_once("-----").ok_or("its first line does not end with `-----`")?;
    if label.is_empty() || !label.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ') {
        return Err("its first line names no kind of content".to_owned());
    }
    let end = format!("-----END {label}-----");
    let (body, after) = rest.split_once(end.as_str()).ok_or_else(|| format!("it has no line `{end}`"))?;
    if !after.trim().is_empty() {
        return Err("there is more after its end; one key a text".to_owned());
    }
    let compact: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let bytes = STANDARD.decode(compact.as_bytes()).map_err(|e| format!("its content is not base64: {e}"))?;
    Ok(Block { label: label.to_owned(), bytes: Zeroizing::new(bytes) })
}

/// Writes one block, lines of 64 characters.
pub(crate) fn write(label: &str, bytes: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(bytes));
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let err = read_one(text).err().unwrap();
        assert!(err.contains(part), "{text:?}: {err}");
    }

    #[test]
    fn what_is_not_one_block_is_refused() {
        refused("", "does not begin");
        refused("-----BEGIN X", "does not end");
        refused("-----BEGIN -----\n-----END -----", "names no kind");
        refused("-----BEGIN X-----\nAAAA\n-----END Y-----", "no line `-----END X-----`");
        refused("-----BEGIN X-----\n...\n-----END X-----", "not base64");
        refused("-----BEGIN X-----\nQUI\n-----END X-----", "not base64");
        refused("-----BEGIN X-----\nQUJ=\n-----END X-----", "not base64");
        refused("-----BEGIN X-----\nProc-Type: 4\n\nAAAA\n-----END X-----", "not base64");
        refused("-----BEGIN X-----\nAAAA\n-----END X-----\n-----BEGIN X-----\nAAAA\n-----END X-----", "one key a text");
    }

    proptest::proptest! {
        #[test]
        fn a_written_block_reads_back(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let text = write("SOME KEY", &bytes);
            proptest::prop_assert!(text.lines().all(|l| l.len() <= LINE));
            let block = read_one(&text).unwrap();
            proptest::prop_assert_eq!(block.label, "SOME KEY");
            proptest::prop_assert_eq!(&*block.bytes, &bytes);
        }
    }
}
