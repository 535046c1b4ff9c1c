//! Public keys in policies: enough of PEM to split, name and identify them. Whether a key is one of
//! a supported kind is checked by the room that verifies with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cleanbill_model::{Digest, KeyId};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Splits a text into its PEM public keys: id and PEM of each. Never empty.
pub(crate) fn keys(text: &str) -> Result<Vec<(KeyId, String)>, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("it is empty".to_owned());
    }
    let mut out = Vec::new();
    while !rest.is_empty() {
        let n = out.len() + 1;
        let body = rest.strip_prefix(BEGIN).ok_or_else(|| format!("key {n} does not begin with `{BEGIN}`"))?;
        let (body, after) = body.split_once(END).ok_or_else(|| format!("key {n} has no line `{END}`"))?;
        let body = body.trim();
        let shown: String = body.chars().take(40).flat_map(char::escape_debug).collect();
        let compact: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der =
            STANDARD.decode(&compact).map_err(|e| format!("key {n} is no PEM key: `{shown}` is not base64 ({e})"))?;
        if der.len() < 40 || der[0] != 0x30 {
            return Err(format!("key {n} is no public key: its content is not a SubjectPublicKeyInfo"));
        }
        out.push((KeyId(Digest::sha256(&der).hex().to_owned()), format!("{BEGIN}\n{}\n{END}\n", lines(&compact))));
        rest = after.trim_start();
    }
    Ok(out)
}

fn lines(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n > 0 && n % 64 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out
}
