//! The file `etc/apk/repositories` (`apk-repositories(5)`): the releases of Alpine that packages come
//! from. os-release is a file of a package, this one is what `apk` really asks.

use std::collections::BTreeSet;

/// Releases (`v3.20`, `edge`) that untagged lines name. A line tagged `@NAME` brings only packages
/// that somebody asked for by that tag, so it does not say what release the whole is.
pub(crate) fn releases(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '@']));
    lines.filter_map(release).collect()
}

/// The release in a path like `https://HOST/alpine/v3.20/main`.
fn release(line: &str) -> Option<&str> {
    let location = line.split_whitespace().find(|word| word.contains('/'))?;
    let parts: Vec<&str> = location.split('/').collect();
    let pairs = parts.windows(2).filter(|pair| matches!(pair[1], "main" | "community" | "testing"));
    pairs.map(|pair| pair[0]).find(|part| *part == "edge" || is_stable(part))
}

fn is_stable(part: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    part.strip_prefix('v').and_then(|p| p.split_once('.')).is_some_and(|(a, b)| number(a) && number(b))
}

/// Whether `VERSION_ID` of Alpine means one of these releases. `3.21.0_alpha20240923` is edge before
/// 3.21, a candidate may ask either.
pub(crate) fn is_among(version: &str, releases: &BTreeSet<&str>) -> bool {
    let mut parts = version.split('.');
    let stable = match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("v{major}.{}", minor.split('_').next().unwrap_or(minor)),
        _ => return false,
    };
    releases.contains(stable.as_str()) || (version.contains('_') && releases.contains("edge"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(releases(text).into_iter().collect::<Vec<_>>(), expect, "{text}");
    }

    #[test]
    fn untagged_lines_name_releases() {
        check("https://mirror.example/alpine/v3.20/main\nhttps://mirror.example/alpine/v3.20/community\n", &["v3.20"]);
        check("http://m/alpine/v3.18/main\n@edge http://m/alpine/edge/testing\n", &["v3.18"]);
        check("http://m/alpine/v3.18/main\nhttp://m/alpine/edge/testing\n", &["edge", "v3.18"]);
        check("#http://m/alpine/edge/main\n/media/cdrom/apks\nhttps://m/os\n\n", &[]);
        check("http://m/alpine/latest-stable/main\nhttp://m/v3.x/main\nhttp://m/v3/main\n", &[]);
    }

    #[test]
    fn a_version_belongs_to_its_release() {
        for (version, release, expect) in [
            ("3.20.3", "v3.20", true),
            ("3.20", "v3.20", true),
            ("3.20.3", "v3.2", false),
            ("3.20.3", "edge", false),
            ("3.21.0_alpha20240923", "edge", true),
            ("3.21.0_rc1", "v3.21", true),
            ("", "edge", false),
        ] {
            assert_eq!(is_among(version, &BTreeSet::from([release])), expect, "{version} {release}");
        }
    }
}
