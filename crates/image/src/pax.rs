//! The records of a PAX extended header (POSIX.1-2001 `pax`, "pax Extended Header").

use std::collections::BTreeMap;

/// Records by key; an empty value is none, as in Go's reader.
#[derive(Debug, Default)]
pub(crate) struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

impl Records {
    /// Parses `LENGTH KEY=VALUE\n` records.
    pub(crate) fn parse(mut data: &[u8]) -> Result<Self, &'static str> {
        const BAD: &str = "a PAX record that is none";
        let mut records = BTreeMap::new();
        while !data.is_empty() {
            let space = data.iter().take(20).position(|b| *b == b' ').ok_or(BAD)?;
            let length = decimal(&data[..space]).and_then(|n| usize::try_from(n).ok()).ok_or(BAD)?;
            if length < space + 3 || length > data.len() || data[length - 1] != b'\n' {
                return Err(BAD);
            }
            let record = &data[space + 1..length - 1];
            let equals = record.iter().position(|b| *b == b'=').filter(|at| *at > 0).ok_or(BAD)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let is_text = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
            if is_text && value.contains(&0) || !is_text && key.contains(&0) {
                return Err("a PAX record with a zero byte in a name");
            }
            records.insert(key.to_vec(), value.to_vec());
            data = &data[length..];
        }
        Ok(Self(records))
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key.as_bytes()).map(Vec::as_slice).filter(|v| !v.is_empty())
    }

    /// For a sparse file the name it has (empty: that of its header); `None` for any other file.
    pub(crate) fn sparse_name(&self) -> Option<&[u8]> {
        let version = (self.get("GNU.sparse.major"), self.get("GNU.sparse.minor"));
        let sparse = matches!(version, (Some(b"0"), Some(b"0" | b"1")) | (Some(b"1"), Some(b"0")))
            || self.get("GNU.sparse.map").is_some()
            || self.get("GNU.sparse.numblocks").is_some();
        sparse.then(|| self.get("GNU.sparse.name").unwrap_or_default())
    }

    /// Whether a reader that applies these records to an entry would see another entry.
    pub(crate) fn changes_entries(&self) -> bool {
        ["path", "linkpath", "size"].iter().any(|key| self.get(key).is_some()) || self.sparse_name().is_some()
    }
}

/// A decimal number below 2^63.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number >> 63 == 0).then_some(number)
}
