//! `cleanbill db`: making, fetching, looking into and passing on the advisory database.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cleanbill_advisory::{Database, DatabaseInfo};
use serde_json::json;

use crate::args::{Common, Db, Format};
use crate::feeds::Sources;
use crate::{Outcome, clock, database, feeds, output, paths};

pub(crate) async fn run(args: &Db, common: &Common) -> anyhow::Result<Outcome> {
    match args {
        Db::Build { from, to } => build(from, to.as_ref()),
        Db::Update { ecosystems, feeds_mirror, force } => {
            let sources = Sources { mirror: feeds_mirror.as_deref(), force: *force };
            let wanted = if ecosystems.is_empty() { feeds::known()? } else { ecosystems.iter().cloned().collect() };
            if wanted.is_empty() {
                anyhow::bail!(
                    "nothing was fetched before\nhint: name ecosystems, as in `cleanbill db update Debian:12 npm`; `scan` fetches what an image needs by itself"
                );
            }
            let unknown = cleanbill_feeds::without_source(&wanted);
            if let Some(unknown) = unknown.first() {
                anyhow::bail!(
                    "no publisher of advisories for `{unknown}` is known\nhint: ecosystems are written as OSV does: Debian:12, Alpine:v3.20, npm, PyPI, Go, Maven, crates.io"
                );
            }
            feeds::update(&wanted, &sources, common).await?;
            Ok(Outcome::Done)
        }
        Db::Status { db, output } => status(db.as_ref(), *output),
        Db::Search { query, db, limit, output } => search(query, db.as_ref(), *limit, *output),
        Db::Export { db, to } => export(db.as_ref(), to.as_ref()),
        Db::Import { file, expect, to } => import(file, expect, to.as_ref()),
    }
}

fn search(query: &str, db: Option<&PathBuf>, limit: usize, format: Format) -> anyhow::Result<Outcome> {
    let found = database::open(db)?.search(query, limit)?;
    let text = match format {
        Format::Json => {
            let advisories: Vec<_> = found
                .advisories
                .iter()
                .map(|a| {
                    let packages: Vec<_> =
                        a.affected.iter().map(|p| json!({"ecosystem": p.ecosystem, "name": p.name})).collect();
                    json!({"id": a.id, "aliases": a.aliases, "feed": a.feed, "severity": a.severity.name(),
                        "summary": a.summary, "withdrawn": a.withdrawn.map(|t| t.to_string()), "packages": packages})
                })
                .collect();
            let packages: Vec<_> = found
                .packages
                .iter()
                .map(|p| json!({"ecosystem": p.ecosystem, "name": p.name, "advisories": p.advisories}))
                .collect();
            let document = json!({"schema": "cleanbill/db-search/v1", "query": query, "advisories": advisories,
                "packages": packages, "more": found.more});
            serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n"
        }
        Format::Table => {
            let mut text = String::new();
            for a in &found.advisories {
                let withdrawn = if a.withdrawn.is_some() { ", withdrawn" } else { "" };
                text.push_str(&format!("{}  {} ({}{withdrawn})\n", a.id, a.severity, a.feed));
                if !a.aliases.is_empty() {
                    text.push_str(&format!("  also {}\n", a.aliases.join(", ")));
                }
                if !a.summary.is_empty() {
                    text.push_str(&format!("  {}\n", a.summary));
                }
                let mut names: Vec<String> = a.affected.iter().map(|p| format!("{} {}", p.ecosystem, p.name)).collect();
                names.dedup();
                let more = names.len().saturating_sub(6);
                names.truncate(6);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                text.push_str(&format!("  in {}{more}\n", names.join(", ")));
            }
            for p in &found.packages {
                text.push_str(&format!("{} {}: {} advisories\n", p.ecosystem, p.name, p.advisories));
            }
            if found.more {
                text.push_str("there is more; --limit shows it\n");
            }
            if text.is_empty() {
                text = format!("nothing in the database goes by `{query}`\n");
            }
            cleanbill_report::terminal::clean_lines(&text).into_owned()
        }
    };
    output::data(text)?;
    Ok(Outcome::Done)
}

fn export(db: Option<&PathBuf>, to: Option<&PathBuf>) -> anyhow::Result<Outcome> {
    let database = database::open(db)?;
    let mut text = Vec::new();
    cleanbill_advisory::export(&database, &mut text)?;
    match to {
        Some(file) => std::fs::write(file, text).with_context(|| format!("could not write {}", file.display()))?,
        None => output::data(text)?,
    }
    Ok(Outcome::Done)
}

/// The file is read whole, with every checksum, before anything of ours is replaced.
fn import(file: &Path, expect: &str, to: Option<&PathBuf>) -> anyhow::Result<Outcome> {
    let to = paths::database(to)?;
    let info = Database::verify(file, Some(expect))?;
    if let Ok(there) = Database::open(&to)
        && there.info().built > info.built
    {
        anyhow::bail!(
            "{} was built {}, before the database that is there ({}); an older one does not replace a newer\nhint: remove {} first if that is what you want",
            file.display(),
            said(info.built),
            said(there.info().built),
            to.display()
        );
    }
    let bytes = std::fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    database::make_parent(&to)?;
    Database::write(&bytes, &to)?;
    // What was written is what was verified.
    Database::verify(&to, Some(expect))?;
    output::say(format!("{}: {} advisories, built {}", to.display(), info.advisories, said(info.built)));
    Ok(Outcome::Done)
}

fn said(time: Option<cleanbill_model::Timestamp>) -> String {
    time.map_or_else(|| "at an unknown time".to_owned(), |t| t.to_string())
}

fn build(from: &[std::path::PathBuf], to: Option<&std::path::PathBuf>) -> anyhow::Result<Outcome> {
    let to = paths::database(to)?;
    let import = cleanbill_advisory::import(from)?;
    for problem in import.problems.iter().filter(|p| p.code != "advisory-documentation") {
        output::say(format!(
            "problem[{}]: {}: could not {}: {}",
            problem.code, problem.path, problem.what, problem.why
        ));
    }
    if import.advisories.is_empty() && import.known_exploited.is_empty() && import.exploit_prediction.is_empty() {
        anyhow::bail!(
            "no advisory could be read ({} problems); {} stays as it was\nhint: `cleanbill db build --help` names the formats that are read",
            import.problems.len(),
            to.display()
        );
    }
    let bytes = Database::compile(&import, Some(clock::stated_now()));
    database::make_parent(&to)?;
    Database::write(&bytes, &to)?;
    output::say(format!(
        "{}: {} advisories from {} files, {} problems",
        to.display(),
        import.advisories.len(),
        import.files,
        import.problems.len()
    ));
    Ok(Outcome::Done)
}

fn status(db: Option<&std::path::PathBuf>, format: Format) -> anyhow::Result<Outcome> {
    let path = paths::database(db)?;
    let info = database::open(db)?.info();
    let text = match format {
        Format::Table => table(&path.display().to_string(), &info),
        Format::Json => {
            let feeds: Vec<_> = info
                .feeds
                .iter()
                .map(|f| {
                    json!({"name": f.name, "ecosystems": f.ecosystems, "advisories": f.advisories,
                           "as_of": f.as_of.map(|t| t.to_string())})
                })
                .collect();
            let document = json!({"schema": "cleanbill/db-status/v1", "path": path.display().to_string(),
                "built": info.built.map(|t| t.to_string()), "digest": info.digest, "advisories": info.advisories, "feeds": feeds});
            serde_json::to_string_pretty(&document).context("could not write JSON")? + "\n"
        }
    };
    output::data(text)?;
    Ok(Outcome::Done)
}

fn table(path: &str, info: &DatabaseInfo) -> String {
    let built = info.built.map_or_else(|| "at an unknown time".to_owned(), |t| t.to_string());
    let mut text = format!("{path} holds {} advisories, built {built}\n\n", info.advisories);
    text.push_str(&format!("{:<16} {:>10}  {:<22} {}\n", "feed", "advisories", "newest record", "ecosystems"));
    for feed in &info.feeds {
        let as_of = feed.as_of.map_or_else(|| "unknown".to_owned(), |t| t.to_string());
        let mut ecosystems = feed.ecosystems.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
        if feed.ecosystems.len() > 6 {
            ecosystems.push_str(&format!(" and {} more", feed.ecosystems.len() - 6));
        }
        text.push_str(&format!("{:<16} {:>10}  {:<22} {ecosystems}\n", feed.name, feed.advisories, as_of));
    }
    text
}
