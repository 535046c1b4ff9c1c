//! Names of Python packages.

use cleanbill_model::Purl;

use crate::document::Declared;

/// Notes a package of PyPI. Its package URL has the name as PEP 503 normalises it.
pub(super) fn add(declared: &mut Declared<'_>, name: &str, version: &str) {
    declared.add(Purl::new("pypi", "", &normalised(name), version), name, version);
}

/// A name in lower case, every run of `-`, `_` and `.` being one `-`.
pub(super) fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if out.ends_with('-') => {}
            '-' | '_' | '.' => out.push('-'),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// The name at the start of a requirement (PEP 508), and what follows it.
pub(super) fn name_of(requirement: &str) -> Option<(&str, &str)> {
    let text = requirement.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    (good && name.ends_with(|c: char| c.is_ascii_alphanumeric())).then_some((name, rest))
}

/// The one version that a list of conditions allows: `==1.0`, `===1.0`, `==1.0,>=0.9`; not `==1.*`.
pub(super) fn exact(conditions: &str) -> Option<&str> {
    conditions.split(',').find_map(|condition| {
        let version = condition.trim().strip_prefix("==")?;
        let version = version.strip_prefix('=').unwrap_or(version).trim();
        (!version.is_empty() && !version.contains('*')).then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_equal_version_is_exact() {
        for (conditions, expect) in [
            ("==1.0", Some("1.0")),
            (" === 1.0+local ", Some("1.0+local")),
            (">=0.9,==1.0", Some("1.0")),
            ("==1.*", None),
            (">=1.0", None),
            ("~=1.0", None),
            ("==", None),
            ("!=1.0", None),
        ] {
            assert_eq!(exact(conditions), expect, "{conditions}");
        }
    }

    #[test]
    fn names_are_normalised() {
        assert_eq!(normalised("Foo._-Bar"), "foo-bar");
        assert_eq!(name_of("Flask[async] == 1"), Some(("Flask", "[async] == 1")));
        assert_eq!(name_of("==1.0"), None);
        assert_eq!(name_of("-foo==1.0"), None);
    }
}
