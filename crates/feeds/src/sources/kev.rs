//! # kev
//!
//! CISA's catalogue of vulnerabilities that are known to be exploited, as JSON. For every image.
//!
//! `https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json`

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source =
    Source { name: "kev", title: "CISA known exploited vulnerabilities", files: For::Everything(files) };

fn files() -> Vec<File> {
    vec![File {
        part: String::new(),
        url: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json".to_owned(),
        form: Form::Json,
        limit: 64 * MIB,
    }]
}
