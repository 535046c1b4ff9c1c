//! # epss
//!
//! FIRST's exploit predictions, as CSV: since 2022 a comment with the model and the day comes first, since
//! September 2021 there are percentiles.
//!
//! ```text
//! #model_version:v2023.03.01,score_date:2023-03-07T00:00:00+0000
//! cve,epss,percentile
//! CVE-2020-5902,0.97567,0.99995
//! ```
//!
//! Columns are found by their names. Without percentiles they are computed: the share of all lines at or
//! below the score. Numbers are kept to nine digits behind the point; the feed has five to nine. The
//! values stand beside the records, by CVE. A line that cannot be read is a problem, the others are kept.

use crate::documents::Form;
use crate::sink::Sink;
use crate::{Format, cve};
use cleanbill_model::{Epss, Timestamp};
use std::io::{BufRead, Read as _};

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format = Format { feed: "epss", title: "FIRST's exploit predictions, CSV", distribution: false };

/// Bytes of one line.
const LINE: u64 = 4096;
/// Parts of one that scores are kept in.
pub(crate) const PARTS: f64 = 1e9;

pub(crate) fn is_first_line(line: &[u8]) -> bool {
    line.starts_with(b"#model_version:") || line.trim_ascii().starts_with(b"cve,epss")
}

/// To the precision that is kept.
fn rounded(value: f64) -> f64 {
    (value * PARTS).round() / PARTS
}

pub(crate) fn read(first: &[u8], reader: &mut impl BufRead, sink: &mut Sink) -> Form {
    let mut line = first.to_vec();
    let mut number = 1u64;
    let mut columns: Option<(usize, usize, Option<usize>)> = None;
    let mut unranked = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        if let Some(comment) = text.strip_prefix('#') {
            as_of(comment, sink);
        } else if columns.is_none() && !text.is_empty() {
            let at = |name: &str| fields.iter().position(|f| *f == name);
            let (Some(id), Some(score)) = (at("cve"), at("epss")) else {
                return Form::Unknown("it is CSV without the columns `cve` and `epss`".to_owned());
            };
            columns = Some((id, score, at("percentile")));
        } else if let Some((id, score, percentile)) = columns.filter(|_| !text.is_empty()) {
            let share =
                |at: usize| fields.get(at)?.parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v)).map(rounded);
            let id = fields.get(id).filter(|id| cve::key(id).is_some());
            match (id, share(score), percentile.map(share)) {
                (Some(id), Some(score), Some(Some(percentile))) => {
                    sink.predicted((*id).to_owned(), Epss { score, percentile });
                }
                (Some(id), Some(score), None) => unranked.push(((*id).to_owned(), score)),
                (None, ..) => sink.record_problem(format!("read line {number}"), "it does not begin with a CVE id"),
                _ => sink.record_problem(format!("read line {number}"), "its numbers are not between 0 and 1"),
            }
        }
        line.clear();
        number += 1;
        match reader.take(LINE).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(n) if n as u64 == LINE => {
                sink.record_problem(format!("read line {number}"), format!("it is longer than {LINE} bytes"));
                break;
            }
            Ok(_) => {}
            Err(e) => {
                sink.problem("advisory-unreadable", format!("read line {number}"), e.to_string());
                break;
            }
        }
    }
    rank(unranked, sink);
    if columns.is_some() { Form::Known } else { Form::Unknown("it is CSV without any line".to_owned()) }
}

/// Percentiles for those that have none.
fn rank(mut unranked: Vec<(String, f64)>, sink: &mut Sink) {
    unranked.sort_by(|a, b| a.1.total_cmp(&b.1));
    let all = unranked.len() as f64;
    let scores: Vec<f64> = unranked.iter().map(|(_, score)| *score).collect();
    for (id, score) in unranked {
        let below = scores.partition_point(|s| *s <= score);
        sink.predicted(id, Epss { score, percentile: rounded(below as f64 / all) });
    }
}

fn as_of(comment: &str, sink: &mut Sink) {
    let Some(text) = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:")) else { return };
    // The offset is written without colon, which not every reader of times takes.
    let text = text.strip_suffix("+0000").map_or_else(|| text.to_owned(), |t| format!("{t}Z"));
    let day = || format!("{}T00:00:00Z", text.get(..10).unwrap_or_default());
    match text.parse::<Timestamp>().or_else(|_| day().parse()) {
        Ok(time) => sink.as_of(FORMAT.feed, time),
        Err(e) => sink.record_problem("read `score_date`", e.to_string()),
    }
}
