//! `cleanbill db build` and `db status`.

use anyhow::Context as _;
use cleanbill_advisory::{Database, DatabaseInfo};
use serde_json::json;

use crate::args::{Db, Format};
use crate::{Outcome, clock, database, output, paths};

pub(crate) fn run(args: &Db) -> anyhow::Result<Outcome> {
    match args {
        Db::Build { from, to } => build(from, to.as_ref()),
        Db::Status { db, output } => status(db.as_ref(), *output),
    }
}

fn build(from: &[std::path::PathBuf], to: Option<&std::path::PathBuf>) -> anyhow::Result<Outcome> {
    let to = paths::database(to)?;
    let import = cleanbill_advisory::import(from)?;
    for problem in &import.problems {
        output::say(format!(
            "problem[{}]: {}: could not {}: {}",
            problem.code, problem.path, problem.what, problem.why
        ));
    }
    if import.advisories.is_empty() {
        anyhow::bail!(
            "no advisory could be read ({} problems); {} stays as it was\nhint: OSV records (JSON) and the Debian tracker's JSON export are read, plain, under gzip or zstd, or in a tar of either",
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
