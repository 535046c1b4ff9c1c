//! What is wrong with images, for admission: from the SBOMs that the hub knows, else from a look of our
//! own at what is small. Each manifest is looked into once, however many ask; what is under way when an
//! answer is due goes on, so that the next one who asks finds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cleanbill_admission::{Child, Scans};
use cleanbill_advisory::{Database, DatabaseInfo};
use cleanbill_hub::Hub;
use cleanbill_match::MatchOptions;
use cleanbill_model::{Budget, Digest, Findings, Reference, Sbom, Timestamp};
use cleanbill_oci::Client;
use cleanbill_policy::Scan;
use futures::future::BoxFuture;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

/// Images larger than this are not looked into while somebody waits, in MiB as the registry has them.
pub(crate) const SMALL: u64 = 32;
/// MiB that are unpacked at once, all images together.
const AT_ONCE: u32 = 128;
/// How long a look may go on after its answer was due.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a look that failed is not tried again.
const FAILED_FOR: Duration = Duration::from_secs(5);
/// Images kept; when there are more, those that are done are let go.
const KEPT: usize = 128;

/// Looks into images. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Looks(Arc<Inner>);

struct Inner {
    hub: Option<Hub>,
    database: Option<Database>,
    client: Client,
    /// In bytes.
    small: u64,
    /// Nothing outlives the command: everything may be kept.
    one_shot: bool,
    room: Semaphore,
    made: Mutex<HashMap<Digest, Arc<Made>>>,
}

/// One manifest.
#[derive(Default)]
struct Made {
    sbom: OnceCell<Arc<Sbom>>,
    failed: Mutex<Option<(Instant, String)>>,
    matched: Mutex<Option<(String, Matched)>>,
}

/// Findings and the database that gave them.
type Matched = (Arc<Findings>, Arc<DatabaseInfo>);

impl Looks {
    /// For `up`: SBOMs and advisories are the hub's.
    pub(crate) fn of_hub(hub: Hub, client: Client, small_mib: u64) -> Self {
        Self::new(Some(hub), None, client, small_mib, false)
    }

    /// For one command, with a database of its own.
    pub(crate) fn of_database(database: Database, client: Client, small_mib: u64) -> Self {
        Self::new(None, Some(database), client, small_mib, true)
    }

    fn new(hub: Option<Hub>, database: Option<Database>, client: Client, small_mib: u64, one_shot: bool) -> Self {
        let small = small_mib.saturating_mul(1 << 20);
        let room = Semaphore::new(AT_ONCE as usize);
        Self(Arc::new(Inner { hub, database, client, small, one_shot, room, made: Mutex::default() }))
    }

    async fn look(&self, image: &Reference, child: &Child, until: Instant, keep: bool) -> Result<Scan, String> {
        let made = self.place(&child.digest, keep || self.0.one_shot);
        let (looks, place, name) = (self.clone(), made.clone(), image.clone());
        let digest = child.digest.clone();
        // On its own: who waits may give up, the look goes on.
        let making = tokio::spawn(async move { looks.made(&place, &name, &digest).await });
        let sbom = tokio::time::timeout_at(until, making)
            .await
            .map_err(|_| "it is being looked into".to_owned())?
            .map_err(|_| "the look into it broke down".to_owned())??;
        let (findings, database) = self.matched(&made, &sbom).await?;
        Ok(Scan { what: child.what(), findings, sbom, database, at: Timestamp::now() })
    }

    /// The place of a manifest; one that nobody else finds where nothing is to be kept.
    fn place(&self, digest: &Digest, keep: bool) -> Arc<Made> {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = made.get(digest) {
            return place.clone();
        }
        let place = Arc::<Made>::default();
        if keep {
            if made.len() >= KEPT {
                made.retain(|_, place| !place.sbom.initialized() && Arc::strong_count(place) > 1);
            }
            made.insert(digest.clone(), place.clone());
        }
        place
    }

    /// What is in a manifest: known to the hub, or looked into now.
    async fn made(&self, place: &Made, image: &Reference, digest: &Digest) -> Result<Arc<Sbom>, String> {
        place.sbom.get_or_try_init(|| self.make(place, image, digest)).await.cloned()
    }

    async fn make(&self, place: &Made, image: &Reference, digest: &Digest) -> Result<Arc<Sbom>, String> {
        let before = place.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, why)) = before.filter(|(at, _)| at.elapsed() < FAILED_FOR) {
            return Err(why);
        }
        let sbom = match self.known(digest).await? {
            Some(sbom) => Ok(sbom),
            None => self.unpacked(image).await.map(Arc::new),
        };
        if let Err(why) = &sbom {
            *place.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), why.clone()));
        }
        sbom
    }

    async fn known(&self, digest: &Digest) -> Result<Option<Arc<Sbom>>, String> {
        let Some(hub) = &self.0.hub else { return Ok(None) };
        let document = hub.sbom_of(digest).await.map_err(|e| e.to_string())?;
        let Some(document) = document else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || cleanbill_sbom::cyclonedx::read(&document)).await;
        match read {
            Ok(Ok(sbom)) => Ok(Some(Arc::new(sbom))),
            // What cannot be read any more is made again.
            Ok(Err(_)) => Ok(None),
            Err(_) => Err("the reader of SBOMs broke down".to_owned()),
        }
    }

    async fn unpacked(&self, image: &Reference) -> Result<Sbom, String> {
        let found = self.0.client.image(image, None).await.map_err(|e| e.to_string())?;
        let layers = found.manifest.layers.iter().map(|layer| layer.size);
        let size = layers.fold(0_u64, u64::saturating_add);
        if size > self.0.small {
            let (has, most) = (size.div_ceil(1 << 20), self.0.small >> 20);
            return Err(format!(
                "it has {has} MiB, more than the {most} MiB that are looked into at admission, and no agent has reported it"
            ));
        }
        let room = u32::try_from(size.div_ceil(1 << 20)).unwrap_or(AT_ONCE).clamp(1, AT_ONCE);
        let _room = self.0.room.acquire_many(room).await.map_err(|_| "it is stopping".to_owned())?;
        let blobs = self.0.client.blobs(image);
        let budget = Budget { deadline: Some(std::time::Instant::now() + LONGEST), ..Budget::default() };
        let making = tokio::task::spawn_blocking(move || cleanbill_catalog::inventory(&found, &blobs, &budget));
        let made = making.await.map_err(|_| "the image reader broke down".to_owned())?;
        made.map_err(|e| e.to_string())
    }

    /// The databases in use now: one, or what the hub watches beside it.
    fn databases(&self) -> Vec<Database> {
        match &self.0.hub {
            Some(hub) => hub.databases(),
            None => self.0.database.clone().into_iter().collect(),
        }
    }

    async fn matched(&self, place: &Arc<Made>, sbom: &Arc<Sbom>) -> Result<Matched, String> {
        let databases = self.databases();
        if databases.is_empty() {
            return Err("there is no advisory database (name one by --db, or a folder by --advisories)".to_owned());
        }
        let version: Vec<String> = databases.iter().map(|d| d.info().digest).collect();
        let version = version.join(" ");
        let known = place.matched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, matched)) = known.filter(|(of, _)| *of == version) {
            return Ok(matched);
        }
        let sbom = sbom.clone();
        let matching = tokio::task::spawn_blocking(move || united(&sbom, &databases));
        let matched = matching.await.map_err(|_| "the matcher broke down".to_owned())??;
        *place.matched.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, matched.clone()));
        Ok(matched)
    }
}

/// What any of the databases says. One never hides what another says; what one covers is covered; what
/// is known is as old as the oldest.
fn united(sbom: &Sbom, databases: &[Database]) -> Result<Matched, String> {
    let mut all: Option<(Findings, DatabaseInfo)> = None;
    for database in databases {
        let found = cleanbill_match::match_sbom(sbom, database, &MatchOptions::default()).map_err(|e| e.to_string())?;
        let info = database.info();
        all = Some(match all {
            None => (found, info),
            Some((mut findings, mut known)) => {
                for finding in found.findings {
                    let same = |f: &cleanbill_model::Finding| f.id == finding.id && f.package == finding.package;
                    if !findings.findings.iter().any(same) {
                        findings.findings.push(finding);
                    }
                }
                for row in found.coverage {
                    match findings.coverage.iter_mut().find(|r| r.ecosystem == row.ecosystem) {
                        Some(known) if known.source.is_none() => *known = row,
                        Some(_) => {}
                        None => findings.coverage.push(row),
                    }
                }
                known.built = known.built.zip(info.built).map(|(a, b)| a.min(b));
                known.advisories += info.advisories;
                known.feeds.extend(info.feeds);
                (findings, known)
            }
        });
    }
    let (findings, info) = all.ok_or("there is no advisory database")?;
    Ok((Arc::new(findings), Arc::new(info)))
}

impl Scans for Looks {
    fn scanned<'a>(
        &'a self,
        image: &'a Reference,
        child: &'a Child,
        until: Instant,
        keep: bool,
    ) -> BoxFuture<'a, Result<Scan, String>> {
        Box::pin(self.look(image, child, until, keep))
    }
}

#[cfg(test)]
mod tests;
