//! # debian-tracker
//!
//! Debian's security tracker: for each source package and CVE what holds in each release, also where there
//! is no fix (no DSA, postponed, ignored, end of life). One JSON file for all releases, about 70 MB plain,
//! asked for under gzip.
//!
//! `https://security-tracker.debian.org/tracker/data/json`

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source =
    Source { name: "debian-tracker", title: "Debian security tracker", files: For::Ecosystem(files) };

fn files(ecosystem: &str) -> Vec<File> {
    if ecosystem.split(':').next() != Some("Debian") {
        return Vec::new();
    }
    vec![File {
        part: String::new(),
        url: "https://security-tracker.debian.org/tracker/data/json".to_owned(),
        form: Form::Json,
        limit: 512 * MIB,
    }]
}
