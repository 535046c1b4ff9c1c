//! `cleanbill up`: hub, agents and admission webhook in one process, on one data directory.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cleanbill_admission::{Admission, AdmissionOptions, Floor, Journal, Metrics, MetricsServer};
use cleanbill_agent::{Agent, AgentOptions};
use cleanbill_cluster::Connection;
use cleanbill_cluster::glass::Glasses;
use cleanbill_hub::{Auth, Hub, HubOptions};
use cleanbill_model::{AdmissionRecord, Cancel, Timestamp};
use cleanbill_store::SqliteStore;
use serde_json::json;
use tokio::net::TcpListener;

use super::policy;
use crate::args::{Common, Up};
use crate::glass::OfCluster;
use crate::hubclient::ADDRESS_FILE;
use crate::scans::Looks;
use crate::{Outcome, credentials, database, demo, output, paths};

pub(crate) async fn run(args: &Up, common: &Common) -> anyhow::Result<Outcome> {
    let listen = loopback(&args.listen, "--listen").await?;
    let data_dir = if args.demo && args.data_dir.is_none() {
        paths::data_dir(None)?.join("demo")
    } else {
        paths::data_dir(args.data_dir.as_ref())?
    };
    // What was named and cannot be used ends it before anything is opened.
    let policies = if args.policy.is_empty() { None } else { Some(policy::load(&args.policy)?) };
    let db = match &args.db {
        Some(file) => Some(database::open(Some(file))?),
        None => None,
    };
    let mut connections = Vec::new();
    if !args.context.is_empty() {
        let kubeconfig = paths::kubeconfig(args.kubeconfig.as_ref())?;
        for context in &args.context {
            connections.push(Connection::open(&kubeconfig, Some(context)).await?);
        }
    }

    let store = Arc::new(SqliteStore::open(&data_dir)?);
    let mut advisories = args.advisories.clone();
    if args.demo {
        advisories.push(demo::advisories(&data_dir)?);
    }
    let options = HubOptions {
        clock: Arc::new(Timestamp::now),
        catalogers: cleanbill_catalog::catalogers(),
        database: db,
        advisories,
        keep: Some(data_dir.join("advisories.db")),
        demo: args.demo,
    };
    let hub = Hub::open(store, options).await?;
    let (auth, token_file) = Auth::create(&data_dir)?;

    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "could not listen on {listen}\nhint: choose another address by --listen, or 127.0.0.1:0 for any free port"
        )
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let url = format!("http://{address}");
    let cancel = Cancel::default();
    let mut tasks = tokio::task::JoinSet::new();
    let poll = Duration::from_secs(args.poll.max(1));

    let login = auth.login_link(&url)?;
    tasks.spawn({
        let (hub, auth) = (hub.clone(), auth.clone());
        async move { hub.serve(listener, auth).await.context("the pages ended") }
    });
    tasks.spawn({
        let (hub, cancel) = (hub.clone(), cancel.clone());
        async move {
            hub.watch_advisories(poll, cancel).await;
            Ok(())
        }
    });

    let webhook = match policies {
        None => None,
        Some(policies) => {
            let glasses = match connections.as_slice() {
                [one] => Some(Glasses::new(one.clone())),
                // A review does not say which cluster it comes from.
                _ => None,
            };
            let of = Webhook { hub: hub.clone(), policies, glasses, data_dir: &data_dir };
            Some(start_webhook(args, common, of, &mut tasks, cancel.clone(), poll).await?)
        }
    };

    let names: Vec<_> = args.context.clone();
    for connection in connections {
        let agent =
            Agent::new(connection, Arc::new(hub.clone()), credentials::client(common)?, AgentOptions::default());
        let cancel = cancel.clone();
        tasks.spawn(async move {
            agent.run(cancel).await;
            Ok(())
        });
    }
    if args.demo {
        let epoch = u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(1);
        demo::feed(&hub, epoch).await.context("could not set up the demo")?;
        demo::admissions(&hub, Timestamp::now()).context("could not set up the demo")?;
        // They are there when the first page is opened.
        hub.flush_admissions().await;
    }
    // Not among the others: it ends by itself, when all that was answered is written.
    let keeping = tokio::spawn({
        let (hub, cancel) = (hub.clone(), cancel.clone());
        async move { hub.keep_admissions(cancel).await }
    });

    let (webhook, metrics) = webhook.map_or((None, None), |(webhook, metrics)| (Some(webhook), metrics));
    let document = json!({"hub": url, "admission": webhook, "metrics": metrics, "token_file": token_file});
    write_address(&data_dir.join(ADDRESS_FILE), &document.to_string())?;
    announce(args, &names, &url, webhook.as_deref(), &login, &token_file)?;
    if let Some(metrics) = metrics {
        output::say(format!("metrics at {metrics}"));
    }

    let ended = tokio::select! {
        signal = stop_signal() => signal.map(|()| None),
        Some(task) = tasks.join_next() => Ok(Some(task)),
    };
    cancel.cancel();
    let _ = std::fs::remove_file(data_dir.join(ADDRESS_FILE));
    match ended? {
        None => output::say("stopped"),
        Some(task) => task.context("a part of it broke down")??,
    }
    tasks.shutdown().await;
    keeping.await.context("the answers of the webhook could not be kept to the last")?;
    Ok(Outcome::Done)
}

/// What the webhook is made of.
struct Webhook<'a> {
    hub: Hub,
    policies: cleanbill_policy::PolicySet,
    glasses: Option<Glasses>,
    data_dir: &'a Path,
}

/// Answers go to the hub's pages.
struct ToHub(Hub);

impl Journal for ToHub {
    fn record(&self, record: AdmissionRecord) {
        self.0.note_admission(record);
    }
}

/// Starts the webhook's listener, its metrics, and the watches over policies and break-glass. Gives the
/// URLs of webhook and metrics.
async fn start_webhook(
    args: &Up,
    common: &Common,
    of: Webhook<'_>,
    tasks: &mut tokio::task::JoinSet<anyhow::Result<()>>,
    cancel: Cancel,
    poll: Duration,
) -> anyhow::Result<(String, Option<String>)> {
    let address = loopback(&args.admission, "--admission").await?;
    let client = credentials::client(common)?;
    let looks = Looks::of_hub(of.hub.clone(), client.clone(), args.scan_limit);
    let mut admission = Admission::new(of.policies, client, AdmissionOptions::default())
        .with_scans(Arc::new(looks))
        .with_journal(Arc::new(ToHub(of.hub)))
        .with_floor(Floor::open(of.data_dir)?);
    if let Some(glasses) = &of.glasses {
        admission = admission.with_break_glass(Arc::new(OfCluster(glasses.clone())));
    }
    let admission = Arc::new(admission);
    let metrics = admission.metrics();
    let metrics_url = match &args.metrics {
        Some(text) => Some(start_metrics(metrics.clone(), text, tasks).await?),
        None => None,
    };
    if let Some(glasses) = of.glasses {
        let cancel = cancel.clone();
        tasks.spawn(async move {
            glasses.watch(cancel, |open| metrics.break_glass_open(open)).await;
            Ok(())
        });
    }
    let server = cleanbill_admission::server::Server::bind(admission.clone(), address, of.data_dir)
        .await
        .with_context(|| format!("could not listen on {address}\nhint: choose another address by --admission"))?;
    let url = format!("https://{}", server.local_addr());
    tasks.spawn(async move { server.run().await.context("the admission webhook ended") });
    let paths = args.policy.clone();
    tasks.spawn(async move {
        let mut seen = stamps(&paths);
        let mut tick = tokio::time::interval(poll);
        while !cancel.is_cancelled() {
            tick.tick().await;
            let now = stamps(&paths);
            if now != seen {
                seen = now;
                match policy::load(&paths) {
                    Ok(policies) => {
                        output::say(format!("policies in force: {}", policies.names().join(", ")));
                        admission.replace(policies);
                    }
                    Err(error) => output::say(format!("the policies stay as they were: {error:#}")),
                }
            }
        }
        Ok(())
    });
    Ok((url, metrics_url))
}

async fn start_metrics(
    metrics: Arc<Metrics>,
    text: &str,
    tasks: &mut tokio::task::JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<String> {
    let address = loopback(text, "--metrics").await?;
    let server = MetricsServer::bind(metrics, address)
        .await
        .with_context(|| format!("could not listen on {address}\nhint: choose another address by --metrics"))?;
    let url = format!("http://{}/metrics", server.local_addr().context("the listener has no address")?);
    tasks.spawn(async move { server.run().await.context("the metrics ended") });
    Ok(url)
}

/// Name, size and time of change of every policy file: another list means another look.
fn stamps(paths: &[PathBuf]) -> Vec<(PathBuf, u64, Option<std::time::SystemTime>)> {
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read_dir(path) {
            Ok(entries) => files.extend(entries.flatten().map(|e| e.path())),
            Err(_) => files.push(path.clone()),
        }
    }
    files.sort();
    let stamp = |file: PathBuf| {
        let meta = std::fs::metadata(&file).ok();
        let size = meta.as_ref().map_or(0, std::fs::Metadata::len);
        (file, size, meta.and_then(|m| m.modified().ok()))
    };
    files.into_iter().map(stamp).collect()
}

/// An address that only this machine can reach; another one needs TLS and login, which are not there yet.
async fn loopback(text: &str, flag: &str) -> anyhow::Result<SocketAddr> {
    let addresses: Vec<SocketAddr> =
        tokio::net::lookup_host(text).await.with_context(|| format!("`{text}` ({flag}) is not HOST:PORT"))?.collect();
    let first = addresses.first().copied().with_context(|| format!("`{text}` ({flag}) has no address"))?;
    let inside = |ip: IpAddr| ip.is_loopback();
    if !addresses.iter().all(|a| inside(a.ip())) {
        anyhow::bail!(
            "{flag} {text} can be reached from other machines, which is refused: there is no TLS and login for that yet\nhint: listen on 127.0.0.1 and forward the port"
        );
    }
    Ok(first)
}

/// Where the hub is, for the other commands of the same user.
fn write_address(file: &Path, document: &str) -> anyhow::Result<()> {
    let beside = file.with_extension("new");
    std::fs::write(&beside, document)
        .and_then(|()| std::fs::rename(&beside, file))
        .with_context(|| format!("could not write {}", file.display()))
}

/// Says where everything is: lines for people on stderr, JSON lines for programs on stdout.
fn announce(
    args: &Up,
    contexts: &[String],
    url: &str,
    webhook: Option<&str>,
    login: &str,
    token_file: &Path,
) -> anyhow::Result<()> {
    if args.ready_json {
        let services = [Some("hub"), webhook.map(|_| "admission")];
        for service in services.into_iter().flatten() {
            let line = json!({"service": service, "hub": url, "admission": webhook, "token_file": token_file});
            output::data(format!("{line}\n"))?;
        }
    }
    let watched = match (args.demo, contexts) {
        (true, _) => "a made-up demo cluster".to_owned(),
        (false, []) => "no cluster (name one by --context); what the data directory holds is served".to_owned(),
        (false, names) => format!("{} (read only)", names.join(", ")),
    };
    output::say(format!("watching {watched}"));
    if let Some(webhook) = webhook {
        output::say(format!(
            "admission webhook at {webhook}\n  set it up: cleanbill admission manifest --url {webhook} --mode audit | kubectl apply -f -"
        ));
    }
    output::say(format!("open {login}\n  or ask: cleanbill where CVE-2021-44228{}", data_dir_flag(args)));
    Ok(())
}

fn data_dir_flag(args: &Up) -> String {
    args.data_dir.as_ref().map(|dir| format!(" --data-dir {}", dir.display())).unwrap_or_default()
}

/// Ends on Ctrl-C and on SIGTERM.
async fn stop_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("could not wait for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("could not wait for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
