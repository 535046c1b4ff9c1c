//! The command line: one grammar for everything. Verbs and flags that people know from cosign, trivy
//! and kubectl keep their names and habits.

mod admission;
mod fleet;
mod inventory;
mod signing;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(crate) use admission::{Admission, Admit, Mode, Policy, PolicyCheck};
pub(crate) use fleet::{AlertAction, Alerts, HubArgs, Up, Where};
pub(crate) use inventory::{Db, Sbom, SbomCommand, Scan, Vercmp};
pub(crate) use signing::{
    Attest, Conformance, Copy, Form, GenerateKeyPair, ImportKeyPair, PublicKeyArgs, Sign, Tree, Verify,
    VerifyAttestation, VerifyBundle,
};

const ABOUT: &str =
    "What is in an image, what is wrong with it, who vouches for it,\nmay it run, and where does it run";

const AFTER_HELP: &str = "Examples:
  cleanbill scan ghcr.io/org/app:1.2 --fail-on high,fixable
  cleanbill sbom image.tar -o cyclonedx-json=sbom.cdx.json
  cleanbill verify --key cosign.pub registry.example/app:1.2
  cleanbill up --context prod --advisories ./advisories
  cleanbill where CVE-2021-44228
\nExit codes: 0 done and gates passed, 1 done, a gate refused, 2 could not do it
`cleanbill help COMMAND` says more of each, with examples.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "cleanbill", version, about = ABOUT, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the help texts list what every command takes.
const GLOBAL: &str = "Options of every command";

/// Flags that every command takes.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Common {
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for everything
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Docker's config.json with registry credentials (default: in $DOCKER_CONFIG or ~/.docker)
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE", env = "CLEANBILL_REGISTRY_CONFIG")]
    pub(crate) registry_config: Option<PathBuf>,
    /// Registry HOST[:PORT] spoken to by plain HTTP (repeatable); loopback hosts are anyway
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "HOST")]
    pub(crate) insecure_registry: Vec<String>,
    /// Where what can be made again is kept (default: $XDG_CACHE_HOME/cleanbill)
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "CLEANBILL_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Colours on stderr; NO_COLOR is heeded too
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", default_value = "auto", value_parser = ["auto", "always", "never"])]
    pub(crate) color: String,
    /// Show no progress on the terminal
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) no_progress: bool,
    /// Give up on one registry operation after so many seconds
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find vulnerable packages in images, folders and SBOMs
    Scan(Scan),
    /// Write the bill of materials of a target, or convert one
    Sbom(Sbom),
    /// Fetch, build, search and pass on the advisory database
    #[command(subcommand)]
    Db(Db),
    /// Compare two versions by an ecosystem's own order
    Vercmp(Vercmp),
    /// Sign an image with a key
    Sign(Sign),
    /// Verify that an image is signed by a key
    Verify(Verify),
    /// Make a key pair in cosign's format
    GenerateKeyPair(GenerateKeyPair),
    /// Print the public half of a private key
    PublicKey(PublicKeyArgs),
    /// Make cosign's key pair from another private key
    ImportKeyPair(ImportKeyPair),
    /// Attest an SBOM, a scan, VEX or provenance of an image
    Attest(Attest),
    /// Verify an attestation of an image with a key
    VerifyAttestation(VerifyAttestation),
    /// List everything attached to an image
    Tree(Tree),
    /// Copy an image with everything attached to it
    Copy(Copy),
    /// Verify bundles as sigstore's conformance set asks
    #[command(
        subcommand,
        after_help = "Example:\n  cleanbill conformance verify-bundle --bundle app.json --key k.pub app.tar"
    )]
    Conformance(Conformance),
    /// Work with policies
    #[command(subcommand)]
    Policy(Policy),
    /// Judge one AdmissionReview from stdin, without a cluster
    Admit(Admit),
    /// Set up the admission webhook
    #[command(subcommand)]
    Admission(Admission),
    /// Run hub and agents in one process
    Up(Up),
    /// Say which pods, in all clusters, run something
    Where(Where),
    /// List what became known to run, newest first
    Alerts(Alerts),
    /// Print a shell's completions
    #[command(after_help = "Example:
  cleanbill completions bash > ~/.cleanbill.bash
\nThen have your shell read that file: `source ~/.cleanbill.bash` in ~/.bashrc.")]
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:
  cleanbill man | man -l -")]
    Man,
}

/// Format of what goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // For people.
    Table,
    // For programs.
    Json,
}
