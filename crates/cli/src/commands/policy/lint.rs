//! `cleanbill policy lint`: everything that can be said about policy files.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context as _;
use cleanbill_diag::{Diagnostic, Level};
use cleanbill_policy::Day;
use serde_json::{Value, json};

use crate::args::Format;
use crate::{Outcome, output};

pub(super) fn run(paths: &[PathBuf], strict: bool, format: &Format) -> anyhow::Result<Outcome> {
    let files = super::files(paths)?;
    let mut said = cleanbill_policy::lint(&files, Day::of(SystemTime::now()));
    // Whether the keys can verify is known to another room, once the policies can be read.
    if !said.iter().any(|d| d.level == Level::Error)
        && let Err(keys) = cleanbill_admission::load(&files)
    {
        said.extend(keys);
    }
    let text = match format {
        Format::Table => table(&said, files.len()),
        Format::Json => as_json(&said)?,
    };
    output::data(text)?;
    let failed = said.iter().any(|d| d.level == Level::Error || strict);
    Ok(if failed { Outcome::Refused(1) } else { Outcome::Done })
}

fn table(said: &[Diagnostic], files: usize) -> String {
    let mut text: String = said.iter().map(|d| format!("{d}\n")).collect();
    let count = |level: Level| said.iter().filter(|d| d.level == level).count();
    text.push_str(&format!("{files} files: {} errors, {} warnings\n", count(Level::Error), count(Level::Warning)));
    cleanbill_report::terminal::clean_lines(&text).into_owned()
}

fn as_json(said: &[Diagnostic]) -> anyhow::Result<String> {
    let one = |d: &Diagnostic| -> Value {
        let level = if d.level == Level::Error { "error" } else { "warning" };
        json!({"code": d.code, "level": level, "message": d.message, "hint": d.hint,
               "file": d.span.file, "line": d.span.line, "column": d.span.column})
    };
    let document =
        json!({"schema": "cleanbill/policy-lint/v1", "diagnostics": said.iter().map(one).collect::<Vec<_>>()});
    Ok(serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n")
}
