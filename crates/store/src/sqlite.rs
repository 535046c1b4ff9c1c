//! The store of a single machine: SQLite on a thread of its own, behind a channel.
//!
//! WAL with `synchronous=FULL`: a commit that returned is on disk.

mod admissions;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use cleanbill_model::{Digest, Pod, Timestamp};
use cleanbill_protocol::Batch;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::admission::{AdmissionEntry, AdmissionFilter};
use crate::blobs::Blobs;
use crate::record::{AlertRecord, Applied, ClusterRow, Exposure, ImageRecord, ImageState};
use crate::{Store, StoreError, open};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A data directory: the database `cleanbill.db`, the documents under `blobs/`, the `lock`.
pub struct SqliteStore {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    blobs: Blobs,
    database: Arc<PathBuf>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("database", &self.database).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the data directory `data`, making it (mode 0700) if it is not there. Holds it alone
    /// until dropped.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        open::directory(data)?;
        let lock = open::lock(data)?;
        let mut connection = open::database(data)?;
        let blobs = Blobs::open(data)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let name = "store".to_owned();
        let run = move || {
            // The lock goes last: nobody opens the database while this connection may write.
            let _lock = lock;
            while let Ok(job) = queue.recv() {
                job(&mut connection);
            }
            drop(connection);
        };
        let thread = std::thread::Builder::new().name(name).spawn(run).map_err(crate::blobs::io(data))?;
        let database = Arc::new(data.join(open::DATABASE));
        Ok(Self { jobs: Some(jobs), thread: Some(thread), blobs, database })
    }

    /// Runs `work` on the database's thread.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Path) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, wait) = oneshot::channel();
        let path = Arc::clone(&self.database);
        let job: Job = Box::new(move |connection| {
            // Who asked may have gone; the work is done all the same.
            let _gone = answer.send(work(connection, &path));
        });
        let ended = || StoreError::Engine {
            path: self.database.display().to_string(),
            why: "the database's thread has ended".to_owned(),
        };
        self.jobs.as_ref().ok_or_else(ended)?.send(job).map_err(|_| ended())?;
        wait.await.map_err(|_| ended())?
    }

    /// Runs `work` on the blobs, off the async threads.
    async fn on_blobs<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Blobs) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let blobs = self.blobs.clone();
        let path = self.database.display().to_string();
        tokio::task::spawn_blocking(move || work(&blobs))
            .await
            .map_err(|e| StoreError::Engine { path, why: e.to_string() })?
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has let go of the database too.
            let _panicked = thread.join();
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn apply(&self, batch: &Batch, at: Timestamp) -> Result<Applied, StoreError> {
        let batch = batch.clone();
        self.run(move |db, path| rows::apply(db, path, &batch, at)).await
    }

    async fn clusters(&self) -> Result<Vec<ClusterRow>, StoreError> {
        self.run(|db, path| rows::clusters(db, path)).await
    }

    async fn pods(&self) -> Result<Vec<(String, Pod)>, StoreError> {
        self.run(|db, path| rows::pods(db, path)).await
    }

    async fn put_image(&self, record: &ImageRecord, sbom: Option<Vec<u8>>) -> Result<(), StoreError> {
        let record = record.clone();
        match (&record.state, sbom) {
            // The blob first: a row must never name what is not there.
            (ImageState::Ready { sbom: digest, .. }, Some(bytes)) => {
                let digest = digest.clone();
                self.on_blobs(move |blobs| blobs.put(&digest, &bytes)).await?;
            }
            (ImageState::Ready { sbom: digest, .. }, None) => {
                let digest = digest.clone();
                let there = self.on_blobs(move |blobs| Ok(blobs.has(&digest))).await?;
                if !there {
                    return Err(StoreError::Refused(format!(
                        "the SBOM of {} is not in the store",
                        record.wanted.digest
                    )));
                }
            }
            (_, Some(_)) => {
                return Err(StoreError::Refused(format!("an SBOM for {}, which is not ready", record.wanted.digest)));
            }
            (_, None) => {}
        }
        self.run(move |db, path| rows::put_image(db, path, &record)).await
    }

    async fn images(&self) -> Result<Vec<ImageRecord>, StoreError> {
        self.run(|db, path| rows::images(db, path)).await
    }

    async fn sbom(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let digest = digest.clone();
        self.on_blobs(move |blobs| blobs.get(&digest)).await
    }

    async fn add_alert(&self, alert: &AlertRecord) -> Result<bool, StoreError> {
        let alert = alert.clone();
        self.run(move |db, path| rows::add_alert(db, path, &alert)).await
    }

    async fn alerts(&self, before: Option<i64>, limit: usize) -> Result<Vec<AlertRecord>, StoreError> {
        self.run(move |db, path| rows::alerts(db, path, before, limit)).await
    }

    async fn acknowledge(&self, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let (id, by) = (id.to_owned(), by.to_owned());
        self.run(move |db, path| rows::acknowledge(db, path, &id, &by, at)).await
    }

    async fn exposures(&self) -> Result<Vec<Exposure>, StoreError> {
        self.run(|db, path| rows::exposures(db, path)).await
    }

    async fn put_exposures(&self, opened: &[Exposure], closed: &[Exposure]) -> Result<(), StoreError> {
        let (opened, closed) = (opened.to_vec(), closed.to_vec());
        self.run(move |db, path| rows::put_exposures(db, path, &opened, &closed)).await
    }

    async fn put_admissions(&self, entries: &[AdmissionEntry], keep: usize) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        self.run(move |db, path| admissions::put(db, path, &entries, keep)).await
    }

    async fn admissions(
        &self,
        filter: &AdmissionFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AdmissionEntry>, StoreError> {
        let filter = filter.clone();
        self.run(move |db, path| admissions::list(db, path, &filter, before, limit)).await
    }

    async fn admission(&self, key: &str) -> Result<Option<AdmissionEntry>, StoreError> {
        let key = key.to_owned();
        self.run(move |db, path| admissions::one(db, path, &key)).await
    }

    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let key = key.to_owned();
        self.run(move |db, path| rows::setting(db, path, &key)).await
    }

    async fn set_setting(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.run(move |db, path| rows::set_setting(db, path, &key, &value)).await
    }
}
