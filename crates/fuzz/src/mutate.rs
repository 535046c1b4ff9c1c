//! Changes to inputs, one after another by a seed and so the same in every run.

/// Numbers at which readers of lengths and offsets go wrong.
const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    7,
    8,
    16,
    127,
    128,
    255,
    256,
    511,
    512,
    1024,
    4095,
    4096,
    32767,
    32768,
    65535,
    65536,
    1 << 24,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX,
    i64::MIN,
];
/// The same where numbers are written out, and other texts that few expect.
const TEXTS: &[&str] = &[
    "0",
    "-1",
    "1e999",
    "0.1",
    "255",
    "4294967295",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "",
    "é",
    "\u{0130}",
    "\u{202e}",
    "\u{feff}",
    "\u{10ffff}",
    "ﬀ",
    "../",
    "//",
    "%00",
    "%2f",
    "\\",
    "${",
    "*",
];
/// An input never grows beyond this.
const LONGEST: usize = 1 << 20;

/// Changes inputs.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
    words: &'static [&'static str],
}

impl Mutator {
    /// A sequence of its own for each name, with the words of a format.
    pub fn new(name: &str, words: &'static [&'static str]) -> Self {
        // FNV-1a, so that the sequence of a target does not depend on which others there are.
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self { state: name.bytes().fold(0xcbf2_9ce4_8422_2325, fold), words }
    }

    fn below(&mut self, bound: usize) -> usize {
        // splitmix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    /// One of the seeds, changed in one to eight places.
    pub fn next(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let at = self.below(seeds.len());
        let mut bytes = seeds.get(at).cloned().unwrap_or_default();
        // Mostly few changes, so that what lies behind the first check is reached.
        let most = [1, 1, 1, 2, 2, 4, 8][self.below(7)];
        for _ in 0..=self.below(most) {
            self.change(&mut bytes, seeds);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let short = [4, 16, 64, 1024][self.below(4)];
        let end = (at + self.below(short)).min(bytes.len());
        match self.below(12) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                // A piece again, at once or many times.
                let piece = bytes[at..end].to_vec().repeat([1, 1, 2, 50][self.below(4)]);
                bytes.splice(at..at, piece);
            }
            5 => {
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            6 => {
                // The front of this and the end of another.
                let of = self.below(seeds.len());
                let Some(other) = seeds.get(of) else { return };
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => self.number(bytes, at),
            8 => {
                // A number that is written out becomes another.
                let Some(from) = (at..bytes.len()).find(|i| bytes[*i].is_ascii_digit()) else { return };
                let to = (from..bytes.len()).find(|i| !bytes[*i].is_ascii_digit()).unwrap_or(bytes.len());
                let text = TEXTS[self.below(10)];
                bytes.splice(from..to, text.bytes());
            }
            9 => {
                let text = TEXTS[self.below(TEXTS.len())];
                bytes.splice(at..at, text.bytes());
            }
            _ if self.words.is_empty() => bytes.insert(at, self.below(256) as u8),
            10 => {
                let word = self.words[self.below(self.words.len())];
                bytes.splice(at..end, word.bytes());
            }
            _ => {
                let word = self.words[self.below(self.words.len())];
                // Sometimes deep.
                let word = word.repeat([1, 1, 1, 1, 1, 1, 3, 300][self.below(8)]);
                bytes.splice(at..at, word.bytes());
            }
        }
    }

    /// Writes a number over what is there, in some width and order of bytes.
    fn number(&mut self, bytes: &mut [u8], at: usize) {
        let number = NUMBERS[self.below(NUMBERS.len())];
        let width = [1, 2, 4, 8][self.below(4)];
        let (little, big) = (number.to_le_bytes(), number.to_be_bytes());
        let new = if self.below(2) == 0 { &little[..width] } else { &big[8 - width..] };
        if let Some(old) = bytes.get_mut(at..at + width) {
            old.copy_from_slice(new);
        }
    }
}

/// What JSON is made of.
pub(crate) const JSON: &[&str] = &[
    "{", "}", "[", "]", "\"", ":", ",", "null", "true", "{}", "[]", "\"\"", "-0", "{\"a\":", "[[", "\\u0000",
    "\\ud800", "\"a\":1,",
];
/// What YAML is made of.
pub(crate) const YAML: &[&str] = &[
    "- ",
    ": ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary ",
    "? ",
    "---\n",
    "...\n",
    "~",
    "\"",
    "'",
    "#",
    "\t",
    "a: 1\n",
    "- - ",
];
/// What XML is made of.
pub(crate) const XML: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<a>",
    "</a>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&b;",
    "&#0;",
    "&lt;",
    "<?xml ?>",
    " xmlns=\"x\"",
    "=\"\"",
];
/// What TOML is made of.
pub(crate) const TOML: &[&str] = &[
    "[",
    "]",
    "[[",
    "]]",
    "=",
    "\"",
    "'''",
    "\"\"\"",
    ".",
    ",",
    "{",
    "}",
    "\n",
    "#",
    "1979-05-27",
    "inf",
    "a = 1\n",
    "[[package]]\n",
];
/// What lines of text are made of.
pub(crate) const LINES: &[&str] = &[
    "\n", "\n\n", "\n ", ": ", "=", ",", ";", "@", "/", "(", ")", "<", ">", "[", "]", "|", "#", "\"", "'", "~", "^",
    "$(", "npm:",
];
