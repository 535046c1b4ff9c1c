//! # go
//!
//! Module versions are semantic versions with a leading `v` (pseudo-versions and `+incompatible`
//! included); advisories write them without it. Toolchains and the standard library use
//! `go1.22rc1`, `go1.21`, `go1.22.3 X:boringcrypto` (golang/go `src/internal/gover`): they are brought
//! to `1.22.0-rc.1`, the form of the Go vulnerability database. `(devel)` is no version.

use crate::{Rules, digits, semver};
use std::borrow::Cow;
use std::cmp::Ordering;

pub(crate) const RULES: Rules =
    Rules { name: "go", also: &["golang"], purl_types: &["golang"], ecosystems: &["Go"], compare, is_valid };

fn compare(a: &str, b: &str) -> Ordering {
    semver::compare(&semantic(a), &semantic(b))
}

fn is_valid(version: &str) -> bool {
    semver::is_valid(&semantic(version))
}

/// The semantic version of a module version or of a toolchain's own form.
fn semantic(version: &str) -> Cow<'_, str> {
    // What follows a space or a hyphenated suffix names experiments and vendors' builds.
    let text = version.split_whitespace().next().unwrap_or("");
    let bare = text.strip_prefix("go").unwrap_or(text);
    toolchain(bare).map_or(Cow::Borrowed(bare), Cow::Owned)
}

/// `1.22rc1` → `1.22.0-rc.1`, `1.21` → `1.21.0`; `None` for what is not such a form.
fn toolchain(text: &str) -> Option<String> {
    let core_end = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (core, pre) = text.split_at(core_end);
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() > 3 || !numbers.iter().all(|n| digits::is_number(n)) {
        return None;
    }
    let suffix = match pre.bytes().position(|b| b.is_ascii_digit()) {
        None if pre.is_empty() => String::new(),
        Some(at) if matches!(&pre[..at], "rc" | "beta" | "alpha") && digits::is_number(&pre[at..]) => {
            format!("-{}.{}", &pre[..at], &pre[at..])
        }
        _ => return None,
    };
    let at = |i: usize| numbers.get(i).copied().unwrap_or("0");
    Some(format!("{}.{}.{}{suffix}", at(0), at(1), at(2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Less};

    fn check(a: &str, order: Ordering, b: &str) {
        assert_eq!(compare(a, b), order, "{a} {order:?} {b}");
        assert_eq!(compare(b, a), order.reverse(), "{b} against {a}");
    }

    #[test]
    fn modules() {
        check("v1.2.3", Equal, "1.2.3");
        check("v2.0.0+incompatible", Equal, "2.0.0");
        check("v0.0.0-20200101000000-abcdefabcdef", Less, "v0.0.0-20210101000000-000000000000");
        check("v0.0.0-20210101000000-abcdefabcdef", Less, "0.1.0");
        check("v1.2.4-0.20210101000000-abcdefabcdef", Less, "1.2.4");
        check("v1.2.3", Less, "v1.2.4-0.20210101000000-abcdefabcdef");
        check("0", Less, "v0.0.1");
    }

    #[test]
    fn the_standard_library() {
        check("go1.22rc1", Equal, "1.22.0-rc.1");
        check("1.22rc2", Less, "1.22.0");
        check("go1.21", Equal, "1.21.0");
        check("go1.9.7", Less, "go1.22.3 X:boringcrypto");
        check("go1.22beta1", Less, "go1.22rc1");
        check("1.21.0-0", Less, "go1.21rc2");
    }

    #[test]
    fn what_is_a_version() {
        for good in
            ["v1.2.3", "1.2.3", "go1.22rc1", "go1.21", "v0.0.0-20200101000000-abcdefabcdef", "v3.0.0+incompatible"]
        {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "(devel)", "go", "unknown", "v1.x", "1.2.3.4"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
