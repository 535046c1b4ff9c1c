//! `cleanbill policy test`: the cases in a folder, without a registry.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_policy::{Case, PolicySet, Statement, Subject, Suite, key_ids};
use serde_json::json;

use crate::args::Format;
use crate::{Outcome, output};

/// How many folders deep cases are looked for, and how many files of cases there may be.
const DEPTH: usize = 8;
const MOST: usize = 10_000;

/// One case and what is wrong with it.
struct Done {
    file: String,
    name: String,
    wrong: Option<String>,
}

/// Whether a file is one of cases.
pub(super) fn is_test(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(".test.yaml") || name.ends_with(".test.yml"))
}

pub(super) fn run(folder: &Path, format: &Format) -> anyhow::Result<Outcome> {
    let mut files = Vec::new();
    find(folder, DEPTH, &mut files)?;
    files.sort();
    if files.is_empty() {
        anyhow::bail!("{} holds no cases\nhint: cases are in files that end in .test.yaml", folder.display());
    }
    let mut done = Vec::new();
    for file in &files {
        suite(file, &mut done).with_context(|| format!("could not run the cases in {}", file.display()))?;
    }
    let failed = done.iter().filter(|d| d.wrong.is_some()).count();
    let text = match format {
        Format::Table => table(&done, failed),
        Format::Json => as_json(&done)?,
    };
    output::data(text)?;
    Ok(if failed > 0 { Outcome::Refused(1) } else { Outcome::Done })
}

fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("could not read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let (kind, path) = (entry.file_type().with_context(unreadable)?, entry.path());
        if kind.is_dir() {
            if depth == 0 {
                anyhow::bail!("{} lies more than {DEPTH} folders deep", path.display());
            }
            find(&path, depth - 1, files)?;
        } else if is_test(&path) {
            files.push(path);
        }
        if files.len() > MOST {
            anyhow::bail!("there are more than {MOST} files of cases");
        }
    }
    Ok(())
}

fn suite(file: &Path, done: &mut Vec<Done>) -> anyhow::Result<()> {
    let shown = file.display().to_string();
    let suite = Suite::read(&shown, &super::read(&file.to_path_buf())?)
        .map_err(|said| anyhow::anyhow!(said.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    let beside = |name: &String| file.parent().unwrap_or(Path::new(".")).join(name);
    let files = super::files(&suite.policies.iter().map(beside).collect::<Vec<_>>())?;
    let mut policies = super::readable(PolicySet::load(&files))?;
    if let Some(today) = suite.today {
        policies = policies.on(today);
    }
    for case in &suite.cases {
        let wrong = judge(case, &policies, &beside).with_context(|| format!("case `{}`", case.name))?;
        done.push(Done { file: shown.clone(), name: case.name.clone(), wrong });
    }
    Ok(())
}

fn judge(case: &Case, policies: &PolicySet, beside: &dyn Fn(&String) -> PathBuf) -> anyhow::Result<Option<String>> {
    let requests = match &case.subject {
        Subject::Image(image) => vec![super::pod_of(image, &case.namespace)],
        Subject::Resource(name) => super::resources(&beside(name), &case.namespace)?,
    };
    let ids = |names: &[String]| -> anyhow::Result<Vec<_>> {
        let mut keys = Vec::new();
        for name in names {
            let path = beside(name);
            let ids = key_ids(&super::read(&path)?);
            keys.extend(ids.map_err(|why| anyhow::anyhow!("{} holds no public key: {why}", path.display()))?);
        }
        Ok(keys)
    };
    let mut statements = Vec::new();
    for attested in &case.attested {
        let path = beside(&attested.predicate);
        let predicate =
            serde_json::from_str(&super::read(&path)?).with_context(|| format!("{} is not JSON", path.display()))?;
        let predicate_type = attested.predicate_type.clone();
        statements.push(Statement { predicate_type, verified_by: ids(&attested.by)?, predicate });
    }
    Ok(case.run(policies, &requests, &ids(&case.signed_by)?, &statements).err())
}

fn table(done: &[Done], failed: usize) -> String {
    let mut text = String::new();
    for case in done {
        match &case.wrong {
            None => text.push_str(&format!("ok      {}: {}\n", case.file, case.name)),
            Some(wrong) => text.push_str(&format!("FAILED  {}: {}\n        {wrong}\n", case.file, case.name)),
        }
    }
    text.push_str(&format!("{} cases, {failed} failed\n", done.len()));
    cleanbill_report::terminal::clean_lines(&text).into_owned()
}

fn as_json(done: &[Done]) -> anyhow::Result<String> {
    let cases: Vec<_> = done
        .iter()
        .map(|d| json!({"file": d.file, "name": d.name, "passed": d.wrong.is_none(), "wrong": d.wrong}))
        .collect();
    let document = json!({"schema": "cleanbill/policy-test/v1", "cases": cases});
    Ok(serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n")
}
