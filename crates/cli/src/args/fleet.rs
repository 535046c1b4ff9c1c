//! What `up`, `where` and `alerts` take.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Format;

/// `cleanbill up`
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "Examples:
  cleanbill up --demo
  cleanbill up --context prod --advisories ./advisories --policy verify.yaml
\nClusters are only read: get, list and watch of pods, nodes, replicasets, jobs,
breakglasses and the kube-system namespace; subjectaccessreviews are created.")]
pub(crate) struct Up {
    /// Kubeconfig file (default: $KUBECONFIG or ~/.kube/config)
    #[arg(long, value_name = "FILE", env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A cluster to watch (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Vec<String>,
    /// Policy files or folders for the admission webhook (repeatable)
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Vec<PathBuf>,
    /// Folder of advisories that is watched (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(crate) advisories: Vec<PathBuf>,
    /// Advisory database
    #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Where everything is kept (default: $XDG_DATA_HOME/cleanbill)
    #[arg(long, value_name = "DIR", env = "CLEANBILL_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of pages and API; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub(crate) listen: String,
    /// Address of the admission webhook (HTTPS); loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) admission: String,
    /// Address of the webhook's metrics (HTTP); loopback only
    #[arg(long, value_name = "ADDR", requires = "policy")]
    pub(crate) metrics: Option<String>,
    /// Images up to so many MiB are looked into at admission
    #[arg(long, value_name = "MIB", default_value_t = crate::scans::SMALL)]
    pub(crate) scan_limit: u64,
    /// Seconds between looks at advisories and policies
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub(crate) poll: u64,
    /// A made-up cluster with three images, to look around
    #[arg(long, conflicts_with_all = ["context", "policy"])]
    pub(crate) demo: bool,
    /// One JSON line a service on stdout once all are ready
    #[arg(long)]
    pub(crate) ready_json: bool,
}

/// Which hub to ask.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct HubArgs {
    /// URL of the hub (default: the one that runs on the data directory)
    #[arg(long, value_name = "URL", env = "CLEANBILL_HUB")]
    pub(crate) hub: Option<String>,
    /// Where `up` keeps its data
    #[arg(long, value_name = "DIR", env = "CLEANBILL_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// File that holds the token (default: `token` in the data directory)
    #[arg(long, value_name = "FILE", env = "CLEANBILL_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// `cleanbill where`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  cleanbill where CVE-2021-44228
  cleanbill where 'log4j-core < 2.17.1'
  cleanbill where pkg:maven/org.apache.logging.log4j/log4j-core")]
pub(crate) struct Where {
    /// CVE, GHSA or other id, 'name < version', package URL or digest
    #[arg(value_name = "QUERY")]
    pub(crate) query: String,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Format
    #[arg(short, long, default_value = "table")]
    pub(crate) output: Format,
    /// Matches a page
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) limit: usize,
    /// Go on after this cursor (`next` of the page before)
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}

/// `cleanbill alerts`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  cleanbill alerts
  cleanbill alerts -o json
  cleanbill alerts ack ID")]
pub(crate) struct Alerts {
    #[command(subcommand)]
    pub(crate) action: Option<AlertAction>,
    #[command(flatten)]
    pub(crate) hub: HubArgs,
    /// Format
    #[arg(short, long, default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlertAction {
    /// Note that somebody takes care of it
    #[command(after_help = "Example:
  cleanbill alerts ack ID\n
The id stands in `cleanbill alerts`.")]
    Ack {
        /// Id of the alert
        id: String,
    },
}
