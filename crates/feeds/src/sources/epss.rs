//! # epss
//!
//! FIRST's exploit predictions: for each CVE the probability that it is exploited within 30 days, new every
//! day, as CSV under gzip. For every image. The older host of the file redirects to this one.
//!
//! `https://epss.empiricalsecurity.com/epss_scores-current.csv.gz`

use super::MIB;
use crate::plan::{File, For, Form, Source};

/// The publisher.
pub const SOURCE: Source =
    Source { name: "epss", title: "FIRST exploit prediction scores", files: For::Everything(files) };

fn files() -> Vec<File> {
    vec![File {
        part: String::new(),
        url: "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz".to_owned(),
        form: Form::Gzip,
        limit: 64 * MIB,
    }]
}
