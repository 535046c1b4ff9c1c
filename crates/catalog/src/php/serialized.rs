//! Values as PHP serialises them (PHP manual, `serialize`): texts, numbers and arrays; no objects, of
//! which only PHP code knows what they mean.

/// Arrays in arrays deeper than this are refused.
const DEPTH: u32 = 64;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A text; numbers, truth values and null stand as they are written.
    Text(String),
    /// Keys and values in order.
    Array(Vec<(String, Value)>),
}

impl Value {
    /// The value under these keys, one inside the other.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = keys.split_first() else { return Some(self) };
        match self {
            Self::Array(pairs) => pairs.iter().find(|(key, _)| key == first)?.1.at(rest),
            Self::Text(_) => None,
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()),
            Self::Array(_) => None,
        }
    }
}

/// Parses one value; what follows it is not looked at.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    value(&mut Input { bytes, at: 0 }, 0)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn wrong<T>(&self) -> Result<T, String> {
        Err(format!("it is no serialised value of PHP at byte {}", self.at))
    }

    /// Everything up to a byte, which is passed over.
    fn until(&mut self, end: u8) -> Result<&'a [u8], String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(len) = rest.iter().position(|b| *b == end) else { return self.wrong() };
        self.at += len + 1;
        Ok(&rest[..len])
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let Some(taken) = self.at.checked_add(len).and_then(|end| self.bytes.get(self.at..end)) else {
            return self.wrong();
        };
        self.at += len;
        Ok(taken)
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), String> {
        if self.take(text.len())? == text { Ok(()) } else { self.wrong() }
    }

    fn count(&mut self) -> Result<usize, String> {
        let digits = self.until(b':')?;
        let number = std::str::from_utf8(digits).ok().and_then(|n| n.parse().ok());
        number.map_or_else(|| self.wrong(), Ok)
    }
}

fn value(input: &mut Input<'_>, depth: u32) -> Result<Value, String> {
    if depth > DEPTH {
        return Err(format!("arrays nest deeper than {DEPTH}"));
    }
    let text = |bytes: &[u8]| Value::Text(String::from_utf8_lossy(bytes).into_owned());
    match input.take(2)? {
        b"s:" => {
            let len = input.count()?;
            input.expect(b"\"")?;
            let bytes = input.take(len)?;
            input.expect(b"\";")?;
            Ok(text(bytes))
        }
        b"i:" | b"d:" | b"b:" => Ok(text(input.until(b';')?)),
        b"N;" => Ok(text(b"")),
        b"a:" => {
            let count = input.count()?;
            input.expect(b"{")?;
            // A count may lie; every pair takes bytes, so the loop ends with the input.
            let mut pairs = Vec::new();
            for _ in 0..count {
                let key = value(input, depth + 1)?.text().map(str::to_owned);
                let Some(key) = key else { return input.wrong() };
                pairs.push((key, value(input, depth + 1)?));
            }
            input.expect(b"}")?;
            Ok(Value::Array(pairs))
        }
        _ => input.wrong(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, keys: &[&str], expect: Option<&str>) {
        let value = parse(text.as_bytes());
        assert_eq!(value.ok().as_ref().and_then(|v| v.at(keys)).and_then(Value::text), expect, "{text}");
    }

    #[test]
    fn values_are_found_under_their_keys() {
        check("s:1:\"a\";", &[], Some("a"));
        check("a:2:{s:1:\"a\";i:5;i:0;a:1:{s:1:\"b\";s:3:\"\"\";\";}}", &["a"], Some("5"));
        check("a:2:{s:1:\"a\";i:5;i:0;a:1:{s:1:\"b\";s:3:\"\"\";\";}}", &["0", "b"], Some("\"\";"));
        check("a:1:{s:1:\"a\";N;}", &["a"], Some(""));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for bad in ["", "s:9:\"a\";", "a:1:{", "O:1:\"A\":0:{}", "a:99999999999:{}", "s:18446744073709551615:\"a\";"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse("a:1:{i:0;".repeat(100).as_bytes()).is_err_and(|e| e.contains("deeper")));
    }
}
