//! # rustsec
//!
//! Advisories of RustSec (rustsec/advisory-db `README.md`): Markdown that begins with TOML.
//!
//! ````text
//! ```toml
//! [advisory]
//! id = "RUSTSEC-2024-0001"
//! package = "mycrate"
//! date = "2024-01-31"
//! aliases = ["CVE-2024-0001"]
//! cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
//!
//! [versions]
//! patched = [">= 1.2.0", ">= 0.9.7, < 1"]
//! unaffected = ["< 0.9"]
//! ```
//!
//! # What is wrong
//! ````
//!
//! Affected is every version that is neither patched nor unaffected, in Cargo's grammar. Advisories for
//! information have no vulnerability behind them: `unmaintained` and `notice` are negligible, `unsound`
//! is low, unless there is a CVSS vector. Withdrawn ones stay and match nothing.
//!
//! Packages are crates of `crates.io`; those of the folder `rust` (`std`, `cargo`, `rustdoc`) are parts of
//! the toolchain, which is the ecosystem `Rust`. Functions, systems and processors that an advisory is
//! limited to are not looked at: which of them a binary uses is not known.

use crate::documents::Form;
use crate::osv::one_line;
use crate::ranges::{few, ranges};
use crate::sink::{Sink, blank};
use crate::{Format, base_score, times};
use cleanbill_model::{Affected, Cvss, FixState, RangeKind, Severity};
use cleanbill_version::{Constraint, Scheme};
use serde::Deserialize;

/// The format's line in [`crate::ALL`].
pub const FORMAT: Format =
    Format { feed: "rustsec", title: "advisories of RustSec, Markdown with TOML", distribution: false };

/// The ecosystem of Rust's own toolchain.
pub const TOOLCHAIN: &str = "Rust";

const FENCE: &str = "```";

#[derive(Deserialize)]
struct Front {
    advisory: Head,
    #[serde(default)]
    versions: Versions,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    package: String,
    date: Option<String>,
    withdrawn: Option<String>,
    informational: Option<String>,
    cvss: Option<String>,
    title: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// The TOML and the text after it, where a text begins so.
pub(crate) fn front_matter(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start().strip_prefix(FENCE)?.strip_prefix("toml")?;
    let rest = rest.split_once('\n')?.1;
    // The fence stands at the beginning of a line.
    let end = if rest.starts_with(FENCE) { 0 } else { rest.find("\n```")? + 1 };
    Some((rest.get(..end)?, rest.get(end + FENCE.len()..)?))
}

pub(crate) fn read((front, text): (&str, &str), sink: &mut Sink) -> Form {
    let front: Front = match toml::from_str(front) {
        Ok(front) => front,
        Err(e) => return Form::Unknown(format!("its TOML is not that of RustSec: {}", one_line(e.message()))),
    };
    let head = front.advisory;
    let id = head.id.trim().to_owned();
    let (affected, patched) = match affected(&front.versions) {
        Ok(sets) => sets,
        Err(e) => {
            sink.record_problem(format!("read the versions of {id}"), e);
            return Form::Known;
        }
    };
    let mut advisory = blank(&FORMAT, id.clone());
    let mut time = |key: &str, text: Option<&String>| {
        let time = times::day(text?);
        time.map_err(|why| sink.record_problem(format!("read `{key}` of {id}"), why)).ok()
    };
    advisory.published = time("date", head.date.as_ref());
    advisory.withdrawn = time("withdrawn", head.withdrawn.as_ref());
    advisory.aliases = head.aliases;
    let heading = text.lines().find_map(|line| line.trim_start().strip_prefix("# "));
    advisory.summary = one_line(head.title.as_deref().or(heading).unwrap_or_default());
    let vector = head.cvss.map(|vector| Cvss { score: base_score(&vector), vector });
    advisory.severity = match (vector.as_ref().and_then(|v| v.score), head.informational.as_deref().map(str::trim)) {
        (Some(score), _) => Severity::from_score(score),
        (None, Some("unsound")) => Severity::Low,
        (None, Some(_)) => Severity::Negligible,
        (None, None) => Severity::Unknown,
    };
    advisory.cvss = vector.into_iter().collect();
    let toolchain = !id.starts_with("RUSTSEC-") && sink.path.rsplit('/').nth(2) == Some("rust");
    advisory.affected = vec![Affected {
        ecosystem: if toolchain { TOOLCHAIN } else { "crates.io" }.to_owned(),
        name: head.package,
        ranges: ranges(&affected, Some(&patched), RangeKind::Semver),
        versions: Vec::new(),
        fix_state: FixState::ByRange,
        severity: None,
    }];
    sink.record(advisory);
    Form::Known
}

/// What is affected, and what need not be fixed.
fn affected(versions: &Versions) -> Result<(Constraint, Constraint), String> {
    few(versions.patched.len() + versions.unaffected.len())?;
    let set = |texts: &[String]| Constraint::any_of(Scheme::Semver, texts).map_err(|e| e.to_string());
    let good = set(&versions.patched)?.union(&set(&versions.unaffected)?);
    Ok((good.complement(), good))
}
