//! What `policy`, `admit` and `admission` take.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::Format;

/// `cleanbill policy`
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Say what policies make of an image or a resource
    #[command(after_help = "Without --image and --resource it says whether the policies can be read.

Examples:
  cleanbill policy check -p verify.yaml
  cleanbill policy check -p verify.yaml --image registry.example/app:1.2
  cleanbill policy check -p verify.yaml --resource deployment.yaml")]
    Check(PolicyCheck),
    /// Look for what policies say and hardly mean
    #[command(after_help = "Example:
  cleanbill policy lint policies/ --strict")]
    Lint {
        /// Policy files or folders
        #[arg(required = true, value_name = "PATH")]
        policy: Vec<PathBuf>,
        /// Warnings are a failure too
        #[arg(long)]
        strict: bool,
        /// table or json
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
    /// Say in words what would be asked of an image; nothing is fetched
    #[command(after_help = "Example:
  cleanbill policy explain -p verify.yaml --image registry.example/app:1.2")]
    Explain {
        /// Policy files or folders
        #[arg(short, long, required = true, value_name = "PATH")]
        policy: Vec<PathBuf>,
        /// An image, as if a Pod in NAMESPACE named it
        #[arg(long, value_name = "REF", conflicts_with = "resource", required_unless_present = "resource")]
        image: Option<String>,
        /// A file with a Pod, Deployment, …
        #[arg(long, value_name = "FILE")]
        resource: Option<PathBuf>,
        /// Namespace of what is judged
        #[arg(short, long, default_value = "default")]
        namespace: String,
    },
    /// Run the cases in files that end in .test.yaml; nothing is fetched
    #[command(after_help = "Example:
  cleanbill policy test policies/")]
    Test {
        /// The folder, looked through with its folders
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// table or json
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
    /// Print which fields of Kyverno's policies are read
    #[command(after_help = "Example:
  cleanbill policy fields")]
    Fields,
}

/// `cleanbill policy check`
#[derive(Debug, ClapArgs)]
pub(crate) struct PolicyCheck {
    /// Policy file (repeatable)
    #[arg(short, long, required = true, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// An image, as if a Pod in NAMESPACE named it
    #[arg(long, value_name = "REF", conflicts_with = "resource")]
    pub(crate) image: Option<String>,
    /// A file with a Pod, Deployment, …
    #[arg(long, value_name = "FILE")]
    pub(crate) resource: Option<PathBuf>,
    /// Namespace of what is judged
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: String,
    /// Advisory database, for policies that ask for findings
    #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// table or json
    #[arg(short, long, default_value = "table")]
    pub(crate) output: Format,
}

/// `cleanbill admit`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  cleanbill admit -p policy.yaml < review.json")]
pub(crate) struct Admit {
    /// Policy file (repeatable)
    #[arg(short, long, required = true, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// Advisory database, for policies that ask for findings
    #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
    pub(crate) db: Option<PathBuf>,
}

/// `cleanbill admission`
#[derive(Debug, Subcommand)]
pub(crate) enum Admission {
    /// Print what the cluster needs, CA included: webhooks, break-glass
    #[command(after_help = "Example:
  cleanbill admission manifest --url https://127.0.0.1:8443 | kubectl apply -f -")]
    Manifest {
        /// Where the API server reaches the webhook: https://HOST:PORT
        #[arg(long, value_name = "URL", required_unless_present = "service", conflicts_with = "service")]
        url: Option<String>,
        /// The Service in front of the webhook
        #[arg(long, value_name = "NS/NAME[:PORT]")]
        service: Option<String>,
        /// What the webhook does: audit warns and admits, enforce refuses
        #[arg(long, default_value = "audit")]
        mode: Mode,
        /// Where `up` keeps its data
        #[arg(long, value_name = "DIR", env = "CLEANBILL_DATA_DIR")]
        data_dir: Option<PathBuf>,
    },
}

/// What a refusal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    // Warn and admit.
    Audit,
    // Refuse.
    Enforce,
}
