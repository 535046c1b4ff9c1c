//! # chainguard
//!
//! Chainguard's security database, in the form of Alpine's: fixes of the packages that Wolfi does not have.
//!
//! `https://packages.cgr.dev/chainguard/security.json`

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source =
    Source { name: "chainguard", title: "Chainguard security database", files: For::Ecosystem(files) };

fn files(ecosystem: &str) -> Vec<File> {
    if ecosystem != "Chainguard" {
        return Vec::new();
    }
    vec![File {
        part: String::new(),
        url: "https://packages.cgr.dev/chainguard/security.json".to_owned(),
        form: Form::Json,
        limit: 512 * MIB,
    }]
}
