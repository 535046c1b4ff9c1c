//! # friendsofphp
//!
//! Advisories for Composer packages (FriendsOfPHP/security-advisories `README.md`), one YAML file each.
//!
//! ```yaml
//! title: Cross-site scripting
//! link: https://example.org/advisory
//! cve: CVE-2024-0001
//! branches:
//!   2.x:
//!     time: 2024-01-31 10:00:00
//!     versions: ['>=2.0.0', '<2.7.2']
//! reference: composer://vendor/package
//! ```
//!
//! Affected is what all the versions of a branch allow, over all branches. The id is the CVE, else
//! `vendor/package/FILE`, since these files have no other name. The earliest time of a branch is when it
//! was published.

use crate::osv::one_line;
use crate::ranges::{few, ranges};
use crate::ruby::stem;
use crate::sink::{Sink, blank};
use crate::{Format, times};
use cleanbill_model::{Affected, FixState, RangeKind};
use cleanbill_version::{Constraint, Scheme};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "friendsofphp", title: "advisories of FriendsOfPHP for Composer, YAML", distribution: false };

/// One file.
#[derive(Deserialize)]
pub(crate) struct Record {
    title: Option<String>,
    cve: Option<String>,
    reference: String,
    branches: BTreeMap<String, Branch>,
}

#[derive(Deserialize)]
struct Branch {
    time: Option<String>,
    versions: Option<Versions>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Versions {
    Several(Vec<String>),
    One(String),
}

pub(crate) fn read(record: Record, sink: &mut Sink) {
    let Some(name) = record.reference.trim().strip_prefix("composer://") else {
        let why = format!("its reference `{}` is no Composer package", one_line(&record.reference));
        return sink.record_problem("read the file", why);
    };
    let name = name.to_lowercase();
    let cve = record.cve.map(|cve| cve.trim().to_owned()).filter(|cve| !cve.is_empty() && cve != "~");
    let id = cve.unwrap_or_else(|| format!("{name}/{}", stem(&sink.path)));
    let mut advisory = blank(&FORMAT, id.clone());
    let mut affected = Constraint::none(Scheme::Composer);
    let several = |said: &Branch| match &said.versions {
        Some(Versions::Several(texts)) => texts.len(),
        _ => 1,
    };
    if let Err(why) = few(record.branches.values().map(several).sum()) {
        return sink.record_problem(format!("read the versions of {id}"), why);
    }
    for (branch, said) in &record.branches {
        let texts: &[String] = match &said.versions {
            Some(Versions::Several(texts)) => texts,
            Some(Versions::One(text)) => std::slice::from_ref(text),
            None => &[],
        };
        let problem = match Constraint::all_of(Scheme::Composer, texts) {
            Ok(_) if texts.is_empty() => Some("it names no versions".to_owned()),
            Ok(set) => {
                affected = affected.union(&set);
                None
            }
            Err(e) => Some(e.to_string()),
        };
        if let Some(why) = problem {
            sink.record_problem(format!("read branch {} of {id}", one_line(branch)), why);
        }
        match said.time.as_deref().map(times::day) {
            Some(Ok(time)) => advisory.published = Some(advisory.published.map_or(time, |t| t.min(time))),
            Some(Err(why)) => sink.record_problem(format!("read the time of branch {} of {id}", one_line(branch)), why),
            None => {}
        }
    }
    if affected.is_empty() {
        return;
    }
    advisory.summary = one_line(&record.title.unwrap_or_default());
    advisory.affected = vec![Affected {
        ecosystem: "Packagist".to_owned(),
        name,
        ranges: ranges(&affected, None, RangeKind::Ecosystem),
        versions: Vec::new(),
        fix_state: FixState::ByRange,
        severity: None,
    }];
    sink.record(advisory);
}
