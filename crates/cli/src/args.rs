//! The command line: one grammar for everything. Verbs and flags that people know from cosign, trivy
//! and kubectl keep their names and habits.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

const ABOUT: &str = "What is in an image, what is wrong with it, who vouches for it, may it run, and where does it run";

const AFTER_HELP: &str = "Examples:
  cleanbill scan ghcr.io/org/app:1.2 --fail-on high,fixable
  cleanbill sbom image.tar -o cyclonedx-json=sbom.cdx.json
  cleanbill verify --key cosign.pub registry.example/app:1.2
  cleanbill up --context prod --advisories ./advisories
  cleanbill where CVE-2021-44228
\nExit codes: 0 done and gates passed · 1 done, a gate refused · 2 could not do it
`cleanbill help COMMAND` says more of each, with examples.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "cleanbill", version, about = ABOUT, after_help = AFTER_HELP, max_term_width = 80)]
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
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE", env = "CLEANBILL_REGISTRY_CONFIG", hide_env_values = true)]
    pub(crate) registry_config: Option<PathBuf>,
    /// Registry HOST[:PORT] spoken to by plain HTTP (repeatable); loopback hosts are anyway
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "HOST")]
    pub(crate) insecure_registry: Vec<String>,
    /// Where what can be made again is kept (default: $XDG_CACHE_HOME/cleanbill)
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "CLEANBILL_CACHE_DIR", hide_env_values = true)]
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
    /// Make a key pair in cosign's format from a private key in another
    ImportKeyPair(ImportKeyPair),
    /// Attest something about an image with a key: an SBOM, a scan, VEX, provenance
    Attest(Attest),
    /// Verify that an image has an attestation of a type, signed by a key
    VerifyAttestation(VerifyAttestation),
    /// List everything attached to an image
    Tree(Tree),
    /// Copy an image with everything attached to it
    Copy(Copy),
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
  cleanbill completions bash > ~/.local/share/bash-completion/completions/cleanbill")]
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

/// What TARGET may be, for `scan` and `sbom`.
const TARGETS: &str = "TARGET is an image reference, an image archive or OCI layout, a folder, a file or an
SBOM. The kind is told by what is there; a word before it names the kind:
  registry:REF   docker-archive:FILE   oci-archive:FILE   oci-dir:FOLDER
  rootfs:FOLDER  a root file system: what is installed
  dir:FOLDER     a source tree: lock files and manifests too
  file:FILE      one program, jar or lock file
  sbom:FILE      CycloneDX, SPDX, Syft JSON or package URLs";

const SCAN_EXAMPLES: &str = "Examples:
  cleanbill scan ghcr.io/org/app:1.2
  cleanbill scan image.tar --fail-on high,fixable
  cleanbill scan --exit-code 1 --severity CRITICAL,HIGH registry.example/app:1
  cleanbill scan dir:. -o table -o sarif=findings.sarif
  cleanbill scan app:1 --base debian:12 --explain CVE-2021-44228
  cleanbill scan --vex vendor.json --ignorefile exceptions.yaml sbom.cdx.json
\nWithout --db, the advisories that the targets need are fetched from their
publishers into the cache. Exit codes: 0 done, 1 a gate refused, 2 could not.";

/// `cleanbill scan`
#[derive(Debug, ClapArgs)]
#[command(after_help = format!("{TARGETS}\n\n{SCAN_EXAMPLES}"))]
pub(crate) struct Scan {
    /// What to look into; `-` reads an SBOM or archive from stdin
    #[arg(required = true, value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Format, to stdout or a file (repeatable): table, json, sarif, cyclonedx, github, gitlab, junit,
    /// markdown, html, csv, cosign-vuln, openvex, trivy-json, grype-json
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) output: Vec<String>,
    /// Which image to take out of an index: OS/ARCHITECTURE[/VARIANT]
    #[arg(long)]
    pub(crate) platform: Option<String>,
    /// Advisory database (default: the one in the cache, which is renewed)
    #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
    pub(crate) db: Option<PathBuf>,
    /// Fetch no advisories; use the database that is there
    #[arg(long, visible_alias = "offline-scan")]
    pub(crate) offline: bool,
    /// Fetch advisories from a mirror, a URL under which the publishers' files lie
    #[arg(long, value_name = "URL", env = "CLEANBILL_FEEDS_MIRROR", hide_env_values = true)]
    pub(crate) feeds_mirror: Option<String>,
    /// VEX document that counts: OpenVEX, CSAF, CycloneDX (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// Rules that suppress findings: our own, .trivyignore, .trivyignore.yaml, .grype.yaml (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) ignorefile: Vec<PathBuf>,
    /// Exit 1 on findings at or above low, medium, high or critical; further words narrow which count;
    /// `none` is no gate
    #[arg(short = 'f', long, value_name = "SEVERITY[,fixable][,kev][,epss>=X]")]
    pub(crate) fail_on: Option<String>,
    /// Show only these severities (trivy's word)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) severity: Vec<String>,
    /// Exit with this number when a finding is shown or something is not known (trivy's word)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) exit_code: u8,
    /// Show only findings that have a fix (trivy's and grype's word)
    #[arg(long, visible_alias = "only-fixed")]
    pub(crate) ignore_unfixed: bool,
    /// Ignorance that may pass a gate: uncovered, stale, unreadable
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Days after which a database is too old for a gate
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub(crate) max_age: u32,
    /// Exit 2 when something could not be read
    #[arg(long)]
    pub(crate) strict: bool,
    /// The base image, a reference or archive: what its distribution settled in its own packages is
    /// suppressed
    #[arg(long, value_name = "IMAGE")]
    pub(crate) base: Option<String>,
    /// Instead of listing findings, say of one vulnerability why it is a finding, or why not
    #[arg(long, value_name = "ID", conflicts_with_all = ["fail_on", "output", "exit_code", "severity", "vex", "ignorefile", "base"])]
    pub(crate) explain: Option<String>,
    /// Exit with this number when the distribution's release is out of support (trivy's word)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) exit_on_eol: u8,
}

const SBOM_EXAMPLES: &str = "Examples:
  cleanbill sbom ghcr.io/org/app:1.2 -o cyclonedx-json > sbom.cdx.json
  cleanbill sbom image.tar -o spdx-json=sbom.spdx.json -o table
  cleanbill sbom rootfs:/mnt -o purls
  cleanbill sbom convert sbom.cdx.json -o spdx-json";

/// `cleanbill sbom`
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = format!("{TARGETS}\n\n{SBOM_EXAMPLES}")
)]
pub(crate) struct Sbom {
    #[command(subcommand)]
    pub(crate) command: Option<SbomCommand>,
    #[command(flatten)]
    pub(crate) of: SbomOf,
}

/// What is done with bills of materials.
#[derive(Debug, Subcommand)]
pub(crate) enum SbomCommand {
    /// Write an SBOM in another format
    #[command(after_help = "Examples:
  cleanbill sbom convert sbom.cdx.json -o spdx-json=sbom.spdx.json
  cleanbill sbom convert syft.json -o cyclonedx-json@1.5 -o purls=purls.txt
\nRead are CycloneDX JSON 1.2 to 1.7, SPDX JSON 2.2 and 2.3, Syft JSON and lists of
package URLs.")]
    Convert {
        /// SBOM file; `-` reads stdin
        #[arg(value_name = "FILE")]
        file: String,
        /// Format, to stdout or a file (repeatable): cyclonedx-json[@1.4|@1.5|@1.6], spdx-json[@2.3], purls,
        /// table
        #[arg(short, long, value_name = "FORMAT[=FILE]", required = true)]
        output: Vec<String>,
        /// Exit 2 when something could not be read
        #[arg(long)]
        strict: bool,
    },
}

/// `cleanbill sbom TARGET`
#[derive(Debug, ClapArgs)]
pub(crate) struct SbomOf {
    /// What to look into; `-` reads an SBOM or archive from stdin
    #[arg(value_name = "TARGET", required = true)]
    pub(crate) target: Option<String>,
    /// Format, to stdout or a file (repeatable): cyclonedx-json[@1.4|@1.5|@1.6], spdx-json[@2.3], purls,
    /// table
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    pub(crate) output: Vec<String>,
    /// Which image to take out of an index: OS/ARCHITECTURE[/VARIANT]
    #[arg(long)]
    pub(crate) platform: Option<String>,
    /// Exit 2 when something could not be read
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `cleanbill db`
#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Compile advisories into one file
    #[command(after_help = "Examples:
  cleanbill db build --from ./advisories --to advisories.db
  cleanbill db build --from osv.zip debian.json kev.json --to advisories.db
\nRead are OSV records (JSON, YAML), the Debian tracker's JSON, the secdb of Alpine,
Wolfi, Chainguard and MinimOS, Wolfi's YAML, RustSec, RubySec, FriendsOfPHP,
Node.js, Retire.js, KEV and EPSS; plain, under gzip or zstd, in folders, tar and
zip archives. What a file is, is told by its content.")]
    Build {
        /// Files, archives and folders
        #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
        from: Vec<PathBuf>,
        /// Where to write it (default: the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
        to: Option<PathBuf>,
    },
    /// Fetch advisories from their publishers and compile them into the cache
    #[command(after_help = "Examples:
  cleanbill db update Debian:12 npm Go
  cleanbill db update
\nWithout ecosystems, what was fetched before is renewed. `scan` fetches what an
image needs by itself.")]
    Update {
        /// Ecosystems as OSV names them: Debian:12, Alpine:v3.20, npm, PyPI, Go, Maven, …
        #[arg(value_name = "ECOSYSTEM")]
        ecosystems: Vec<String>,
        /// Fetch from a mirror, a URL under which the publishers' files lie
        #[arg(long, value_name = "URL", env = "CLEANBILL_FEEDS_MIRROR", hide_env_values = true)]
        feeds_mirror: Option<String>,
        /// Ask also for what was confirmed a moment ago
        #[arg(long)]
        force: bool,
    },
    /// Say what a database holds and how old it is
    #[command(after_help = "Examples:
  cleanbill db status
  cleanbill db status --db advisories.db -o json")]
    Status {
        /// Advisory database (default: the one in the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
        db: Option<PathBuf>,
        /// Format
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
    /// Find records by id, alias or package name
    #[command(after_help = "Examples:
  cleanbill db search CVE-2021-44228
  cleanbill db search log4j-core -o json")]
    Search {
        /// A part of an id, of an alias or of a package's name
        #[arg(value_name = "QUERY")]
        query: String,
        /// Advisory database (default: the one in the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
        db: Option<PathBuf>,
        /// At most so many records, and so many packages
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
        /// Format
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
    /// Write every record as a line of OSV JSON
    #[command(after_help = "Examples:
  cleanbill db export | zstd > advisories.jsonl.zst
  cleanbill db build --from advisories.jsonl.zst --to the-same.db")]
    Export {
        /// Advisory database (default: the one in the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
        db: Option<PathBuf>,
        /// Where to write it (default: stdout)
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Take a database file from elsewhere, once it was read whole
    #[command(after_help = "Example:
  cleanbill db import advisories.db --expect sha256:…
\n`cleanbill db status --db advisories.db -o json` tells the digest where the file was
made. A file that was built before the one that is there is refused.")]
    Import {
        /// Database file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The digest it must have, as `db status -o json` tells it
        #[arg(long, value_name = "sha256:…", required = true)]
        expect: String,
        /// Where to keep it (default: the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
        to: Option<PathBuf>,
    },
}

/// `cleanbill vercmp`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Prints <, = or >.

Examples:
  cleanbill vercmp dpkg 1.0~rc1 1.0
  cleanbill vercmp maven 2.17.1 2.9
  cut -f1,2 versions.tsv | cleanbill vercmp pep440 -")]
pub(crate) struct Vercmp {
    /// Order: dpkg, rpm, apk, pacman, maven, go, semver, npm, pep440, gem, nuget, composer, cran,
    /// hackage, pub, bitnami
    #[arg(value_name = "SCHEME")]
    pub(crate) scheme: String,
    /// A version; `-` reads lines of two versions with a tab between them from stdin, and prints one
    /// sign a line
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// The other version
    #[arg(value_name = "B")]
    pub(crate) b: Option<String>,
}

/// `cleanbill sign`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  cleanbill sign --key cosign.key registry.example/app@sha256:…
\nThe password is read from COSIGN_PASSWORD or asked for.")]
pub(crate) struct Sign {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Private key: a PEM file or env://VARIABLE
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
    /// key=value to sign with the image (repeatable, or separated by commas)
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) annotations: Vec<String>,
    /// Sign each platform of an index too
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Leave out what this key has signed already, with these annotations and in this form
    #[arg(long)]
    pub(crate) if_needed: bool,
    #[command(flatten)]
    pub(crate) form: Form,
    /// Write a transparency-log entry (not available yet)
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) tlog_upload: bool,
    /// Accepted for cosign's sake: nothing is asked
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Accepted for cosign's sake: no signing configuration is fetched
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) use_signing_config: bool,
}

/// `cleanbill verify`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  cleanbill verify --key cosign.pub registry.example/app:1.2")]
pub(crate) struct Verify {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Public key: a PEM file or env://VARIABLE (repeatable: one of them must have signed)
    #[arg(long, value_name = "KEY", required = true)]
    pub(crate) key: Vec<PathBuf>,
    /// key=value that must stand in what is signed (repeatable, or separated by commas)
    #[arg(short, long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) annotations: Vec<String>,
    #[command(flatten)]
    pub(crate) form: Form,
    /// text or json; text prints the signed claims as cosign does
    #[arg(short, long, default_value = "text", value_parser = ["text", "json"])]
    pub(crate) output: String,
    /// Accepted for cosign's sake: with a key no log entry is demanded
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) insecure_ignore_tlog: bool,
    /// Demand an entry in this transparency log (not available yet)
    #[arg(long, value_name = "URL")]
    pub(crate) rekor_url: Option<String>,
}

/// `cleanbill generate-key-pair`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  cleanbill generate-key-pair
  cleanbill generate-key-pair --output-key-prefix release
\nThe password is read from COSIGN_PASSWORD or asked for.")]
pub(crate) struct GenerateKeyPair {
    /// Writes PREFIX.key and PREFIX.pub
    #[arg(long, value_name = "PREFIX", default_value = "cosign")]
    pub(crate) output_key_prefix: String,
}

/// `cleanbill public-key`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  cleanbill public-key --key cosign.key --outfile cosign.pub")]
pub(crate) struct PublicKeyArgs {
    /// Private key: a PEM file or env://VARIABLE
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
    /// Write to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) outfile: Option<PathBuf>,
}

/// In which form, and where, signatures and attestations are kept.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Form {
    /// Write a bundle as referrer (cosign 3); `=false`: under a tag, as cosign 2 does. Both are read
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) new_bundle_format: bool,
    /// Another repository that signatures and attestations are kept in
    #[arg(long, value_name = "REPOSITORY", env = "COSIGN_REPOSITORY")]
    pub(crate) signature_repository: Option<String>,
}

/// `cleanbill import-key-pair`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: openssl ecparam -name prime256v1 -genkey -noout | cleanbill import-key-pair --key /dev/stdin\nRead are PKCS#8, SEC1 and PKCS#1, and both encrypted forms of cosign."
)]
pub(crate) struct ImportKeyPair {
    /// Private key: a PEM file or env://VARIABLE
    #[arg(short, long, value_name = "KEY")]
    pub(crate) key: PathBuf,
    /// Writes PREFIX.key and PREFIX.pub
    #[arg(short, long, value_name = "PREFIX", default_value = "import-cosign")]
    pub(crate) output_key_prefix: String,
}

/// `cleanbill attest`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  cleanbill sbom app:1 -o cyclonedx-json | cleanbill attest --key cosign.key --type cyclonedx --predicate - app:1\n  cleanbill attest --key cosign.key --type openvex --predicate vex.json registry.example/app@sha256:…\nThe password is read from COSIGN_PASSWORD or asked for."
)]
pub(crate) struct Attest {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Private key: a PEM file or env://VARIABLE
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,
    /// What is attested; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) predicate: String,
    /// slsaprovenance, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, custom, or a URI
    #[arg(long = "type", value_name = "TYPE", default_value = "custom")]
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) form: Form,
    /// Write a transparency-log entry (not available yet)
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) tlog_upload: bool,
    /// Accepted for cosign's sake: nothing is asked
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Accepted for cosign's sake: no signing configuration is fetched
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) use_signing_config: bool,
}

/// `cleanbill verify-attestation`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: cleanbill verify-attestation --key cosign.pub --type cyclonedx registry.example/app:1.2"
)]
pub(crate) struct VerifyAttestation {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Public key: a PEM file or env://VARIABLE (repeatable: one of them must have signed)
    #[arg(long, value_name = "KEY", required = true)]
    pub(crate) key: Vec<PathBuf>,
    /// slsaprovenance, slsaprovenance1, link, spdx, spdxjson, cyclonedx, vuln, openvex, custom, or a URI
    #[arg(long = "type", value_name = "TYPE", default_value = "custom")]
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) form: Form,
    /// text or json; text prints the verified envelopes as cosign does, one a line
    #[arg(short, long, default_value = "text", value_parser = ["text", "json"])]
    pub(crate) output: String,
    /// Accepted for cosign's sake: with a key no log entry is demanded
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", action = clap::ArgAction::Set)]
    pub(crate) insecure_ignore_tlog: bool,
}

/// `cleanbill tree`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example: cleanbill tree registry.example/app:1.2")]
pub(crate) struct Tree {
    /// Image reference
    #[arg(value_name = "REF")]
    pub(crate) image: String,
    /// table or json
    #[arg(short, long, default_value = "table")]
    pub(crate) output: Format,
}

/// `cleanbill copy`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example: cleanbill copy staging.example/app:1.2 registry.example/app:1.2\nAll platforms come along, and signatures, attestations and whatever else is attached, in both forms."
)]
pub(crate) struct Copy {
    /// Image reference
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// Where to; without a tag, by digest alone
    #[arg(value_name = "TO")]
    pub(crate) to: String,
    /// Overwrite the tag where it names another image
    #[arg(short, long)]
    pub(crate) force: bool,
}

/// `cleanbill policy`
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Say what the policies make of an image or a resource; without either, whether they can be read
    #[command(after_help = "Examples:
  cleanbill policy check -p verify.yaml
  cleanbill policy check -p verify.yaml --image registry.example/app:1.2
  cleanbill policy check -p verify.yaml --resource deployment.yaml")]
    Check(PolicyCheck),
    /// Look for what policies say and hardly mean: patterns, rules, fields, exceptions
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
    /// Print which fields of Kyverno's policies are read, and what becomes of the others
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
}

/// `cleanbill admission`
#[derive(Debug, Subcommand)]
pub(crate) enum Admission {
    /// Print the webhook configurations, CA included, for kubectl apply
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
        #[arg(long, value_name = "DIR", env = "CLEANBILL_DATA_DIR", hide_env_values = true)]
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

/// `cleanbill up`
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = "Examples:
  cleanbill up --demo
  cleanbill up --context prod --advisories ./advisories --policy verify.yaml
\nClusters are only read: get, list and watch of pods, nodes, replicasets, jobs and
the kube-system namespace.")]
pub(crate) struct Up {
    /// Kubeconfig file (default: $KUBECONFIG or ~/.kube/config)
    #[arg(long, value_name = "FILE", env = "KUBECONFIG", hide_env_values = true)]
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
    #[arg(long, value_name = "FILE", env = "CLEANBILL_DB", hide_env_values = true)]
    pub(crate) db: Option<PathBuf>,
    /// Where everything is kept (default: $XDG_DATA_HOME/cleanbill)
    #[arg(long, value_name = "DIR", env = "CLEANBILL_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of pages and API; loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8420")]
    pub(crate) listen: String,
    /// Address of the admission webhook (HTTPS); loopback only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) admission: String,
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
    #[arg(long, value_name = "URL", env = "CLEANBILL_HUB", hide_env_values = true)]
    pub(crate) hub: Option<String>,
    /// Where `up` keeps its data
    #[arg(long, value_name = "DIR", env = "CLEANBILL_DATA_DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// File that holds the token (default: `token` in the data directory)
    #[arg(long, value_name = "FILE", env = "CLEANBILL_TOKEN_FILE", hide_env_values = true)]
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

/// Format of what goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // For people.
    Table,
    // For programs.
    Json,
}
