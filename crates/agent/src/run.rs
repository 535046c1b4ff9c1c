//! The agent's loop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cleanbill_cluster::{Change, Connection};
use cleanbill_model::{Cancel, Cluster};
use cleanbill_oci::Client;
use cleanbill_protocol::{ImageReport, Ingest, WantedImage};
use futures::stream::BoxStream;
use futures::{StreamExt as _, future};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::images::Images;
use crate::tracker::Tracker;

/// Changes of one cluster, without end.
pub type Changes = BoxStream<'static, Change>;

/// How an agent behaves.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// How long changes are gathered into one batch.
    pub gather: Duration,
    /// How often the hub is asked what it wants when nothing changes.
    pub heartbeat: Duration,
    /// Longest wait between two tries to reach the hub or the cluster.
    pub longest_wait: Duration,
    /// Images that are looked into at once.
    pub images_at_once: usize,
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self {
            gather: Duration::from_millis(50),
            heartbeat: Duration::from_secs(5),
            longest_wait: Duration::from_secs(30),
            images_at_once: 2,
        }
    }
}

/// One agent.
pub struct Agent {
    connection: Connection,
    ingest: Arc<dyn Ingest>,
    images: Images,
    options: AgentOptions,
}

impl Agent {
    /// An agent between a cluster and a hub.
    pub fn new(connection: Connection, ingest: Arc<dyn Ingest>, client: Client, options: AgentOptions) -> Self {
        let images = Images::new(client, options.images_at_once);
        Self { connection, ingest, images, options }
    }

    /// Works until it is cancelled. A cluster that cannot be reached is tried again.
    pub async fn run(self, cancel: Cancel) {
        let mut wait = Duration::from_millis(500);
        let cluster = loop {
            if cancel.is_cancelled() {
                return;
            }
            match self.connection.identity().await {
                Ok(cluster) => break cluster,
                Err(error) => {
                    tracing::warn!("{error}; trying again in {} s", wait.as_secs_f32());
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(self.options.longest_wait);
                }
            }
        };
        let changes = self.connection.watch().boxed();
        follow(cluster, changes, self.ingest, self.images, self.options, cancel).await;
    }
}

/// Nanoseconds since 1970: no two starts of an agent have the same, and a later one has a higher.
fn epoch() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(1)
}

/// Carries the changes of one cluster to the hub, and looks into what the hub wants.
pub async fn follow(
    cluster: Cluster,
    mut changes: Changes,
    ingest: Arc<dyn Ingest>,
    images: Images,
    options: AgentOptions,
    cancel: Cancel,
) {
    let mut tracker = Tracker::new(cluster, epoch());
    let mut looks: JoinSet<WantedImage> = JoinSet::new();
    let mut in_flight: BTreeSet<WantedImage> = BTreeSet::new();
    let mut heartbeat = tokio::time::interval(options.heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut send_at: Option<Instant> = None;
    let mut wait = options.gather;
    loop {
        if cancel.is_cancelled() {
            looks.shutdown().await;
            return;
        }
        let due = async {
            match send_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => future::pending().await,
            }
        };
        let send = tokio::select! {
            change = changes.next() => {
                let Some(change) = change else {
                    tracing::warn!("the watch of the cluster ended");
                    return;
                };
                tracker.note(change);
                if tracker.has_news() && send_at.is_none() {
                    send_at = Some(Instant::now() + wait);
                }
                false
            }
            () = due => true,
            // A failed send has its own time; a heartbeat does not hurry it.
            _ = heartbeat.tick() => tracker.is_known() && send_at.is_none(),
            Some(done) = looks.join_next() => {
                if let Ok(wanted) = done {
                    in_flight.remove(&wanted);
                }
                false
            }
        };
        if !send {
            continue;
        }
        send_at = None;
        match ingest.batch(tracker.batch()).await {
            Ok(ack) if ack.resync => {
                tracker.resync();
                send_at = Some(Instant::now());
            }
            Ok(ack) => {
                wait = options.gather;
                tracker.acknowledged();
                if tracker.has_news() {
                    send_at = Some(Instant::now() + wait);
                }
                for wanted in ack.wanted {
                    if in_flight.insert(wanted.clone()) {
                        looks.spawn(look(wanted, images.clone(), ingest.clone(), options.longest_wait));
                    }
                }
            }
            Err(error) => {
                wait = (wait * 2).clamp(Duration::from_millis(500), options.longest_wait);
                tracing::warn!("{error}; trying again in {} s", wait.as_secs_f32());
                send_at = Some(Instant::now() + wait);
            }
        }
    }
}

/// Looks into one image and tells the hub, again and again until the hub has it.
async fn look(wanted: WantedImage, images: Images, ingest: Arc<dyn Ingest>, longest_wait: Duration) -> WantedImage {
    let report: ImageReport = images.look(wanted.clone()).await;
    let mut wait = Duration::from_millis(500);
    while let Err(error) = ingest.image(report.clone()).await {
        tracing::warn!("{error}; trying again in {} s", wait.as_secs_f32());
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(longest_wait);
    }
    wanted
}
