//! # alpine-secdb
//!
//! Alpine's security database: the fixes of each source package (`origin`), by release and repository, as
//! JSON. A fix in version `0` says that the package was never affected. What is not fixed is not in it.
//!
//! `https://secdb.alpinelinux.org/RELEASE/REPOSITORY.json`, RELEASE `v3.20` or `edge`, REPOSITORY `main` or
//! `community`. There was no `community` before 3.3.

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source =
    Source { name: "alpine-secdb", title: "Alpine security database", files: For::Ecosystem(files) };

fn files(ecosystem: &str) -> Vec<File> {
    let Some(release) = ecosystem.strip_prefix("Alpine:") else { return Vec::new() };
    let Some(repositories) = repositories(release) else { return Vec::new() };
    let file = |repository: &&str| File {
        part: format!("{release} {repository}"),
        url: format!("https://secdb.alpinelinux.org/{release}/{repository}.json"),
        form: Form::Json,
        limit: 64 * MIB,
    };
    repositories.iter().map(file).collect()
}

/// The repositories of a release; `None` where it is not one. What an image says of itself becomes part of
/// a URL here, so nothing but numbers may pass.
fn repositories(release: &str) -> Option<&'static [&'static str]> {
    const BOTH: &[&str] = &["main", "community"];
    if release == "edge" {
        return Some(BOTH);
    }
    let (major, minor) = release.strip_prefix('v')?.split_once('.')?;
    let number = |text: &str| {
        let plain = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if plain && (text == "0" || !text.starts_with('0')) { text.parse::<u32>().ok() } else { None }
    };
    Some(if (number(major)?, number(minor)?) < (3, 3) { &["main"] } else { BOTH })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ecosystem: &str, expect: &[&str]) {
        let urls: Vec<String> = files(ecosystem).into_iter().map(|file| file.url).collect();
        let expect: Vec<String> =
            expect.iter().map(|path| format!("https://secdb.alpinelinux.org/{path}.json")).collect();
        assert_eq!(urls, expect, "{ecosystem}");
    }

    #[test]
    fn a_release_has_two_repositories() {
        check("Alpine:v3.20", &["v3.20/main", "v3.20/community"]);
        check("Alpine:edge", &["edge/main", "edge/community"]);
        check("Alpine:v3.3", &["v3.3/main", "v3.3/community"]);
        check("Alpine:v3.2", &["v3.2/main"]);
    }

    #[test]
    fn what_is_no_release_is_not_asked_for() {
        for release in ["", "3.20", "v3", "v3.20.1", "v3.", "v../x", "v3.20/../../x", "v03.1", "v3.99999", "Edge"] {
            check(&format!("Alpine:{release}"), &[]);
        }
        check("Alpine", &[]);
        check("Debian:12", &[]);
    }
}
