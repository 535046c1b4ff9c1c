//! # wolfi
//!
//! Wolfi's security database, in the form of Alpine's: fixes by package, one file for the rolling
//! distribution. Chainguard's images need it too.
//!
//! `https://packages.wolfi.dev/os/security.json`

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source = Source { name: "wolfi", title: "Wolfi security database", files: For::Ecosystem(files) };

fn files(ecosystem: &str) -> Vec<File> {
    if ecosystem != "Wolfi" {
        return Vec::new();
    }
    vec![File {
        part: String::new(),
        url: "https://packages.wolfi.dev/os/security.json".to_owned(),
        form: Form::Json,
        limit: 256 * MIB,
    }]
}
