//! What the commands about signatures and attestations take.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Format;

/// `cleanbill sign`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  cleanbill sign --key cosign.key registry.example/app@sha256:…
\nThe password is read from COSIGN_PASSWORD or asked for.")]
pub(crate) struct Sign {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Private key: a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET
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
    /// Public key: a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET (repeatable: one of them must have signed)
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
    /// Private key: a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET
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
    after_help = "Example:\n  cleanbill import-key-pair --key openssl.pem\nRead are PKCS#8, SEC1 and PKCS#1, and both encrypted forms of cosign."
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
    after_help = "Examples:\n  cleanbill sbom app:1 -o cyclonedx-json=app.json\n  cleanbill attest --key k.key --type cyclonedx --predicate app.json app:1\n  cleanbill attest --key k.key --type openvex --predicate vex.json app@sha256:…\nThe password is read from COSIGN_PASSWORD or asked for."
)]
pub(crate) struct Attest {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Private key: a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET
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
#[command(after_help = "Example:\n  cleanbill verify-attestation --key cosign.pub --type cyclonedx app:1.2")]
pub(crate) struct VerifyAttestation {
    /// Image references
    #[arg(required = true, value_name = "REF")]
    pub(crate) images: Vec<String>,
    /// Public key: a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET (repeatable: one of them must have signed)
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
    after_help = "Example: cleanbill copy staging.example/app:1.2 registry.example/app:1.2\nAll platforms come along, and signatures, attestations and whatever else is\nattached, in both forms."
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
    /// Copy of what is attached only what verifies with this key: a PEM file, env://VARIABLE or
    /// k8s://NAMESPACE/SECRET (repeatable: one of them must have signed)
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<PathBuf>,
}

/// `cleanbill conformance`
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Conformance {
    /// Verify a sigstore bundle about a file, without any network
    VerifyBundle(VerifyBundle),
}

/// `cleanbill conformance verify-bundle`
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  cleanbill conformance verify-bundle --bundle app.json --key k.pub app.tar\n  cleanbill conformance verify-bundle --bundle app.json --key k.pub sha256:…\nWhere a certificate signed, --certificate-identity and\n--certificate-oidc-issuer say whose it must be."
)]
pub(crate) struct VerifyBundle {
    /// Believe sigstore's staging instance instead of the public one
    #[arg(long, conflicts_with = "trusted_root")]
    pub(crate) staging: bool,
    /// The bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// Whose certificate must have signed: its subject, exactly
    #[arg(long, value_name = "IDENTITY", requires = "certificate_oidc_issuer", required_unless_present = "key")]
    pub(crate) certificate_identity: Option<String>,
    /// Who must vouch for that identity, exactly
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    pub(crate) certificate_oidc_issuer: Option<String>,
    /// Public key that must have signed instead: a PEM file, env://VARIABLE or k8s://NAMESPACE/SECRET
    #[arg(long, value_name = "KEY", conflicts_with = "certificate_identity")]
    pub(crate) key: Option<PathBuf>,
    /// Whom to believe (default: sigstore's public instance, as it was when this program was built)
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: Option<PathBuf>,
    /// What is signed: a file, or its digest as sha256:HEX
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifact: String,
}
