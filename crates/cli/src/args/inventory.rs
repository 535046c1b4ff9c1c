//! What `scan`, `sbom`, `db` and `vercmp` take.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Format;

/// What TARGET may be, for `scan` and `sbom`.
const TARGETS: &str = "TARGET is an image reference, an image archive or OCI layout, a folder, a file
or an SBOM. The kind is told by what is there; a word before it names the kind:
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
  cleanbill scan app:1 --base debian:12 --fail-on high
  cleanbill scan app:1 --explain CVE-2021-44228
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
    #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
    pub(crate) db: Option<PathBuf>,
    /// Fetch no advisories; use the database that is there (trivy: --offline-scan)
    #[arg(long, alias = "offline-scan")]
    pub(crate) offline: bool,
    /// Fetch advisories from a mirror, a URL under which the publishers' files lie
    #[arg(long, value_name = "URL", env = "CLEANBILL_FEEDS_MIRROR")]
    pub(crate) feeds_mirror: Option<String>,
    /// VEX document that counts: OpenVEX, CSAF, CycloneDX (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) vex: Vec<PathBuf>,
    /// Rules that suppress findings: our own, .trivyignore, .trivyignore.yaml, .grype.yaml (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) ignorefile: Vec<PathBuf>,
    /// Exit 1 on findings at or above low, medium, high or critical; further words narrow which count.
    /// `kev` and `epss>=X` may stand alone; `none` is no gate
    #[arg(short = 'f', long, value_name = "SEVERITY[,fixable][,kev][,epss>=X]")]
    pub(crate) fail_on: Option<String>,
    /// Show only these severities (trivy's word)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) severity: Vec<String>,
    /// Exit with this number when a finding is shown or something is not known (trivy's word)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) exit_code: u8,
    /// Show only findings that have a fix (trivy's word; grype's is --only-fixed)
    #[arg(long, alias = "only-fixed")]
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
    #[arg(long, value_name = "ID", conflicts_with_all = ["fail_on", "attest", "output", "exit_code", "severity", "vex", "ignorefile", "base"])]
    pub(crate) explain: Option<String>,
    /// Attest the result too (type vuln), with this private key, and attach that to the image: a PEM file, env://VARIABLE or
    /// k8s://NAMESPACE/SECRET. For images in a registry
    #[arg(long, value_name = "KEY")]
    pub(crate) attest: Option<PathBuf>,
    /// Exit with this number when the distribution's release is out of support (trivy's word)
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) exit_on_eol: u8,
}

const SBOM_EXAMPLES: &str = "Examples:
  cleanbill sbom registry.example/app:1 -o cyclonedx-json --attest cosign.key
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
\nRead are CycloneDX JSON 1.2 to 1.7, SPDX JSON 2.2 and 2.3, Syft JSON and lists
of package URLs.")]
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
    /// Attest it too, with this private key, and attach that to the image: a PEM file, env://VARIABLE or
    /// k8s://NAMESPACE/SECRET. For images in a registry
    #[arg(long, value_name = "KEY")]
    pub(crate) attest: Option<PathBuf>,
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
\nRead are OSV records (JSON, YAML), the Debian tracker's JSON, the secdb of
Alpine, Wolfi, Chainguard and MinimOS, Wolfi's YAML, RustSec, RubySec,
FriendsOfPHP, Node.js, Retire.js, KEV and EPSS; plain, under gzip or zstd, in
folders, tar and zip archives. What a file is, is told by its content.")]
    Build {
        /// Files, archives and folders
        #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
        from: Vec<PathBuf>,
        /// Where to write it (default: the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
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
        #[arg(long, value_name = "URL", env = "CLEANBILL_FEEDS_MIRROR")]
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
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
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
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
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
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
        db: Option<PathBuf>,
        /// Where to write it (default: stdout)
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Take a database file from elsewhere, once it was read whole
    #[command(after_help = "Example:
  cleanbill db import advisories.db --expect sha256:…
\n`cleanbill db status --db advisories.db -o json` tells the digest where the file
was made. A file that was built before the one that is there is refused.")]
    Import {
        /// Database file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The digest it must have, as `db status -o json` tells it
        #[arg(long, value_name = "sha256:…", required = true)]
        expect: String,
        /// Where to keep it (default: the cache)
        #[arg(long, value_name = "FILE", env = "CLEANBILL_DB")]
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
