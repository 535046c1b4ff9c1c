//! Advisories from their publishers, for commands that have none: fetched into the cache folder,
//! compiled into its database, with progress on a terminal and the age of what is kept.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context as _;
use cleanbill_advisory::Database;
use cleanbill_feeds::{Feeds, FeedsOptions, Fetch, Outcome, Progress, State, Url};
use cleanbill_model::{Sbom, Timestamp};
use jiff::SignedDuration;

use crate::args::Common;
use crate::{clock, database, output, paths};

/// A compiled database that is younger than this is not built again from the publishers.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// How feeds are fetched.
pub(crate) struct Sources<'a> {
    /// A base under which the publishers' files lie.
    pub(crate) mirror: Option<&'a str>,
    /// Ask also for what was confirmed a moment ago.
    pub(crate) force: bool,
}

/// The ecosystems whose advisories speak of what is in some SBOMs.
pub(crate) fn ecosystems(sboms: &[Sbom]) -> BTreeSet<String> {
    let of = |sbom: &Sbom| {
        let keys = sbom.packages.iter().flat_map(|package| cleanbill_match::keys(package, &sbom.distro));
        keys.map(|(ecosystem, _)| ecosystem).collect::<Vec<_>>()
    };
    sboms.iter().flat_map(of).collect()
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(paths::cache_dir()?.join("feeds"))
}

/// The database in the cache, with what these ecosystems need: fetched and compiled where it lacks some,
/// or is a day old.
pub(crate) async fn database(
    needed: &BTreeSet<String>,
    sources: &Sources<'_>,
    common: &Common,
) -> anyhow::Result<Database> {
    let place = paths::database(None)?;
    let there = if place.exists() { Some(Database::open(&place)?) } else { None };
    if let Some(there) = &there {
        let publishers_lack = cleanbill_feeds::without_source(needed);
        let lacking = needed.iter().any(|e| !publishers_lack.contains(e) && there.feeds_for(e).is_empty());
        let fresh = there.info().built.is_some_and(|built| Timestamp::now().duration_since(built) < FRESH);
        if !lacking && fresh {
            return Ok(there.clone());
        }
    }
    let mut wanted = needed.clone();
    // What was fetched for others stays.
    if there.is_some() {
        wanted.extend(known()?);
    }
    match update(&wanted, sources, common).await {
        Ok(()) => Ok(Database::open(&place)?),
        Err(error) => match there {
            // The last good one is better than none; gates mind its age.
            Some(there) => {
                output::say(format!("could not renew the advisory database: {error:#}"));
                Ok(there)
            }
            None => Err(error),
        },
    }
}

/// Whether the files of an ecosystem were fetched before.
fn has_files(ecosystem: &str) -> bool {
    let Ok(folder) = folder() else { return false };
    let plan = cleanbill_feeds::plan(&BTreeSet::from([ecosystem.to_owned()]));
    let own = plan.iter().filter(|fetch| !fetch.ecosystems.is_empty()).cloned().collect::<Vec<_>>();
    cleanbill_feeds::stored(&folder, &own)
        .iter()
        .any(|stored| matches!(stored.state, cleanbill_feeds::StoredState::Held(_)))
}

/// The ecosystems in the cache's database whose files were fetched before.
pub(crate) fn known() -> anyhow::Result<BTreeSet<String>> {
    let place = paths::database(None)?;
    if !place.exists() {
        return Ok(BTreeSet::new());
    }
    let feeds = Database::open(&place)?.info().feeds;
    Ok(feeds.into_iter().flat_map(|feed| feed.ecosystems).filter(|e| has_files(e)).collect())
}

/// Fetches what these ecosystems need and compiles it into the cache's database.
pub(crate) async fn update(
    ecosystems: &BTreeSet<String>,
    sources: &Sources<'_>,
    common: &Common,
) -> anyhow::Result<()> {
    let plan = cleanbill_feeds::plan(ecosystems);
    let mut options = FeedsOptions::new(folder()?);
    options.timeout = std::time::Duration::from_secs(common.timeout.max(1));
    options.force = sources.force;
    if let Some(mirror) = sources.mirror {
        options.mirror = Some(Url::parse(mirror).with_context(|| format!("`{mirror}` is no URL of a mirror"))?);
    }
    let from = options.mirror.as_ref().map_or_else(String::new, |mirror| format!(" from the mirror {mirror}"));
    output::say(format!("fetching advisories for {}{from}", list(ecosystems)));
    let bars = Bars::default();
    let outcomes = Feeds::new(options)?.update(&plan, Timestamp::now(), &bars).await;
    drop(bars);
    let mut paths = Vec::new();
    for outcome in &outcomes {
        tell(outcome);
        if outcome.is_usable() {
            paths.push(outcome.path.clone());
        }
    }
    if paths.is_empty() {
        anyhow::bail!(
            "no feed could be fetched, and none is kept from before\nhint: cleanbill db build --from FOLDER builds a database from files that you have\nhint: a mirror is named by --feeds-mirror URL or CLEANBILL_FEEDS_MIRROR"
        );
    }
    let place = paths::database(None)?;
    tokio::task::spawn_blocking(move || compile(&paths, &place)).await.context("the compiler ended")?
}

fn compile(from: &[PathBuf], to: &Path) -> anyhow::Result<()> {
    let _busy = output::busy("compiling the advisory database");
    let import = cleanbill_advisory::import(from)?;
    let problems = import.problems.len();
    if problems > 0 {
        output::say(format!("{problems} things in the feeds could not be read (`cleanbill db build` lists them)"));
    }
    let bytes = Database::compile(&import, Some(clock::stated_now()));
    database::make_parent(to)?;
    Database::write(&bytes, to)?;
    output::say(format!("{} advisories are in {}", import.advisories.len(), to.display()));
    Ok(())
}

fn list(ecosystems: &BTreeSet<String>) -> String {
    let mut names: Vec<&str> = ecosystems.iter().map(String::as_str).collect();
    names.dedup();
    match names.as_slice() {
        [] => "no ecosystem".to_owned(),
        names if names.len() > 8 => format!("{} and {} more", names[..8].join(", "), names.len() - 8),
        names => names.join(", "),
    }
}

/// One line for what is not as it should be; what went well is told with `-v` alone.
fn tell(outcome: &Outcome) {
    let label = outcome.fetch.label();
    match &outcome.state {
        State::Fetched => tracing::info!("{label}: fetched"),
        State::Unchanged => tracing::info!("{label}: unchanged"),
        State::Kept { why, age } => {
            output::say(format!("{label}: kept as it was {} ago: {why}", ago(*age)));
        }
        State::Failed { why } => output::say(format!("{label}: {why}")),
    }
    if outcome.is_usable() && !outcome.authenticated {
        output::say(format!("{label}: came without TLS and is not authenticated"));
    }
}

fn ago(age: std::time::Duration) -> String {
    match age.as_secs() / 3600 {
        0 => format!("{} minutes", age.as_secs() / 60),
        hours if hours < 48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    }
}

/// A bar for each file that is being fetched.
#[derive(Default)]
struct Bars {
    all: indicatif::MultiProgress,
    by_file: Mutex<HashMap<String, indicatif::ProgressBar>>,
}

impl Progress for Bars {
    fn bytes(&self, fetch: &Fetch, so_far: u64, total: Option<u64>) {
        if !output::progress() {
            return;
        }
        let Ok(mut bars) = self.by_file.lock() else { return };
        let label = fetch.label();
        let bar = bars.entry(label.clone()).or_insert_with(|| {
            let bar = self.all.add(indicatif::ProgressBar::new(total.unwrap_or(0)));
            let style = indicatif::ProgressStyle::with_template("{msg:28!} {bar:20} {bytes}/{total_bytes}");
            bar.set_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
            bar.set_message(label);
            bar
        });
        bar.set_length(total.unwrap_or(so_far));
        bar.set_position(so_far);
    }

    fn done(&self, outcome: &Outcome) {
        if let Ok(mut bars) = self.by_file.lock()
            && let Some(bar) = bars.remove(&outcome.fetch.label())
        {
            bar.finish_and_clear();
        }
    }
}
