//! # gem
//!
//! `Gem::Version`: runs of digits and runs of letters, wherever they meet. Letters make a pre-release
//! and come before numbers; zeros at the end, and before the first letters, do not count; what is
//! missing is zero. A hyphen stands for `.pre.`, unless the platform of a built gem follows it
//! (`1.15.0-x86_64-linux`), which does not count.

use crate::{Rules, digits};
use std::cmp::Ordering;

pub(crate) const RULES: Rules = Rules {
    name: "gem",
    also: &["rubygems", "ruby"],
    purl_types: &["gem", "cocoapods"],
    ecosystems: &["RubyGems"],
    compare,
    is_valid,
};

/// What the platform of a built gem begins with (`Gem::Platform`): processor or system.
const PLATFORMS: &[&str] = &[
    "ruby",
    "java",
    "jruby",
    "truffleruby",
    "dalvik",
    "dotnet",
    "mswin",
    "mswin32",
    "mswin64",
    "mingw",
    "mingw32",
    "x86",
    "x64",
    "x86_64",
    "i386",
    "i486",
    "i586",
    "i686",
    "amd64",
    "arm",
    "armv6",
    "armv7",
    "armv7l",
    "arm64",
    "aarch64",
    "aarch64_be",
    "powerpc",
    "ppc",
    "ppc64",
    "ppc64le",
    "powerpc64",
    "powerpc64le",
    "riscv64",
    "s390x",
    "sparc",
    "sparc64",
    "universal",
    "darwin",
    "linux",
    "freebsd",
    "openbsd",
    "wasm32",
    "loongarch64",
];

/// A version without its platform.
fn strip_platform(version: &str) -> &str {
    let version = version.trim();
    for (at, _) in version.match_indices('-') {
        let word = version.get(at + 1..).unwrap_or("").split('-').next().unwrap_or("");
        if PLATFORMS.contains(&word) {
            return version.get(..at).unwrap_or(version);
        }
    }
    version
}

/// A part of a version; `PRE` for the hyphen.
type Part<'a> = &'a str;
const PRE: &str = "pre";

/// The parts of a version in turn.
struct Parts<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let start = self.rest.bytes().take_while(|b| !b.is_ascii_alphanumeric() && *b != b'-').count();
        let text = self.rest.get(start..).unwrap_or("");
        let bytes = text.as_bytes();
        if let Some(rest) = text.strip_prefix('-') {
            self.rest = rest;
            return Some(PRE);
        }
        let digit = bytes.first()?.is_ascii_digit();
        let length = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() && b.is_ascii_digit() == digit).count();
        let (part, rest) = text.split_at(length);
        self.rest = rest;
        Some(part)
    }
}

/// Whether a part is a number without value.
fn is_zero(part: Part<'_>) -> bool {
    part.bytes().all(|b| b == b'0')
}

/// The parts that count: a run of zeros is left out at the end, and before the first letters.
struct Canonical<'a> {
    parts: Parts<'a>,
    /// Zeros read and not yet given out, and the part after them.
    zeros: usize,
    after: Option<Part<'a>>,
    letters: bool,
}

impl<'a> Iterator for Canonical<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.zeros == 0 && self.after.is_none() {
            loop {
                let part = self.parts.next();
                match part {
                    None => {
                        self.zeros = 0;
                        return None;
                    }
                    Some(p) if is_zero(p) => self.zeros += 1,
                    Some(p) => {
                        if !self.letters && !digits::is_number(p) {
                            (self.letters, self.zeros) = (true, 0);
                        }
                        self.after = Some(p);
                        break;
                    }
                }
            }
        }
        if self.zeros > 0 {
            self.zeros -= 1;
            return Some("0");
        }
        self.after.take()
    }
}

fn canonical(version: &str) -> Canonical<'_> {
    Canonical { parts: Parts { rest: strip_platform(version) }, zeros: 0, after: None, letters: false }
}

fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (canonical(a), canonical(b));
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let (x, y) = (x.unwrap_or("0"), y.unwrap_or("0"));
        let order = match (digits::is_number(x), digits::is_number(y)) {
            (true, true) => digits::compare(x, y),
            (false, false) => x.cmp(y),
            (x, y) => x.cmp(&y),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_valid(version: &str) -> bool {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric());
    let (core, pre) =
        strip_platform(version).split_once('-').map_or((strip_platform(version), None), |(v, p)| (v, Some(p)));
    core.starts_with(|c: char| c.is_ascii_digit())
        && core.split('.').next().is_some_and(digits::is_number)
        && core.split('.').all(word)
        && pre.is_none_or(|p| p.split(['.', '-']).all(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    fn check(a: &str, order: Ordering, b: &str) {
        assert_eq!(compare(a, b), order, "{a} {order:?} {b}");
        assert_eq!(compare(b, a), order.reverse(), "{b} against {a}");
    }

    #[test]
    fn letters_make_a_pre_release() {
        check("1", Greater, "1beta");
        check("1.2.4.beta", Less, "1.2.4");
        check("1.0.a9", Less, "1.0.a.10");
        check("1.0.a2", Equal, "1.0.a.2");
        check("1.0.b1", Greater, "1.0.a.2");
    }

    #[test]
    fn zeros_that_do_not_count() {
        check("1.0", Equal, "1");
        check("1.0.a", Equal, "1.a");
        check("1.a.0", Equal, "1.a");
        check("1.0.1", Less, "1.1.a");
        check("1.a.0.b", Less, "1.a");
    }

    #[test]
    fn a_hyphen_is_a_pre_release_unless_a_platform_follows() {
        check("1.0-1", Equal, "1.0.pre.1");
        check("1.0-rc1", Less, "1.0");
        check("1.15.0-x86_64-linux", Equal, "1.15.0");
        check("1.15.0-java", Equal, "1.15.0");
        check("1.15.0.rc1-arm64-darwin", Less, "1.15.0");
    }

    #[test]
    fn what_is_a_version() {
        for good in ["1", "1.0.rc1", "1.0-1", "1.15.0-x86_64-linux-gnu", "0.0.0"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", "1..2", "1.0-", "junk", "1.2_3"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
