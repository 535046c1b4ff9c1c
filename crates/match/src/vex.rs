//! VEX: what somebody says about whether a vulnerability matters in a product.
//!
//! Three formats become statements of one shape: OpenVEX ([`openvex`]), CSAF 2.0 ([`csaf`]) and
//! CycloneDX ([`cyclonedx`]). Whether a document counts is the caller's decision; this module says what
//! it says, and never more: a statement suppresses a finding only where product, component and
//! vulnerability are the ones it names. What it names in words alone matches nothing and is a problem.

mod apply;
mod csaf;
mod cyclonedx;
mod openvex;
pub(crate) mod purl;
mod thing;

use cleanbill_model::{Findings, Problem, Sbom, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub use apply::{StatementUse, VexApplied, apply_vex};
use thing::Thing;

/// The largest document that is read; Red Hat's largest are a quarter of it.
pub const MAX_VEX_BYTES: usize = 128 * 1024 * 1024;
/// Problems that are listed one by one; the rest are counted.
const MAX_PROBLEMS: usize = 100;
/// Targets that a document may have; each is compared with each finding of its vulnerability.
const MAX_TARGETS: usize = 1_000_000;

/// Formats of VEX documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VexFormat {
    /// OpenVEX 0.0.1 and 0.2.0.
    OpenVex,
    /// CSAF 2.0.
    Csaf,
    /// CycloneDX 1.4 and later.
    CycloneDx,
}

impl VexFormat {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            VexFormat::OpenVex => "OpenVEX",
            VexFormat::Csaf => "CSAF",
            VexFormat::CycloneDx => "CycloneDX",
        }
    }
}

/// What a statement says of a vulnerability in a product, in the words of OpenVEX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VexStatus {
    /// Nothing needs to be done.
    NotAffected,
    /// These versions hold a fix.
    Fixed,
    /// Something should be done.
    Affected,
    /// Not known yet.
    UnderInvestigation,
}

impl VexStatus {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            VexStatus::NotAffected => "not_affected",
            VexStatus::Fixed => "fixed",
            VexStatus::Affected => "affected",
            VexStatus::UnderInvestigation => "under_investigation",
        }
    }

    /// Whether a finding that it speaks of does not count.
    pub fn suppresses(self) -> bool {
        matches!(self, VexStatus::NotAffected | VexStatus::Fixed)
    }
}

/// A VEX document, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Vex {
    /// Its format.
    pub format: VexFormat,
    /// Its own id.
    pub id: String,
    /// Who wrote it, as it says itself.
    pub author: String,
    /// When it was written.
    pub timestamp: Option<Timestamp>,
    /// What in it is not understood, or names nothing that can be compared. Paths are empty: the caller
    /// knows the file.
    pub problems: Vec<Problem>,
    statements: Vec<Statement>,
}

/// One statement: a vulnerability, a status, and what it is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    /// All names of the vulnerability; the first is shown.
    pub(crate) names: Vec<String>,
    pub(crate) status: VexStatus,
    pub(crate) targets: Vec<Target>,
    pub(crate) at: Option<Timestamp>,
}

/// What a statement is about: a component in a product, a product that is a package, or a whole image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// What it is in: all of these must hold. Empty for a package wherever it is.
    pub(crate) contexts: Vec<Context>,
    /// The package; `None` for everything in an image.
    pub(crate) component: Option<Thing>,
    /// Justification and words, for people.
    pub(crate) why: String,
}

/// What a component is in, or with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Context {
    pub(crate) thing: Thing,
    /// Beside it in the same image suffices (`installed_with`).
    pub(crate) beside: bool,
}

/// Why a VEX document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VexError {
    /// Too many bytes.
    #[error("the VEX document has {0} bytes\nhint: at most {MAX_VEX_BYTES} are read")]
    TooLarge(usize),
    /// No JSON object.
    #[error(
        "the VEX document is not a JSON object: {0}\nhint: OpenVEX, CSAF and CycloneDX are read in their JSON form"
    )]
    NotJson(String),
    /// JSON, but of none of the formats.
    #[error(
        "the document is no VEX that is known\nhint: OpenVEX has `@context`, CSAF has `document.csaf_version`, CycloneDX has `bomFormat`"
    )]
    UnknownFormat,
    /// An attestation around a document.
    #[error(
        "the document is an attestation, whose signature is not checked here\nhint: verify it, then give its predicate"
    )]
    Attestation,
    /// A version that is not known.
    #[error("{format} {version} is not read\nhint: {known} are")]
    Version {
        /// The format.
        format: &'static str,
        /// The version as the document names it.
        version: String,
        /// Versions that are read.
        known: &'static str,
    },
    /// It breaks its format.
    #[error("the {format} document breaks its format: {why}")]
    Shape {
        /// The format.
        format: &'static str,
        /// What is wrong, with line and column.
        why: String,
    },
    /// More statements than any real document.
    #[error("the VEX document names more than {MAX_TARGETS} pairs of product and vulnerability")]
    TooMany,
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Probe {
    #[serde(rename = "@context")]
    context: Option<Strings>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<IgnoredAny>,
    document: Option<IgnoredAny>,
    #[serde(rename = "predicateType", alias = "payloadType")]
    attestation: Option<IgnoredAny>,
}

/// A text or a list of texts; anything else is neither.
#[derive(Deserialize)]
#[serde(untagged)]
enum Strings {
    One(String),
    Many(Vec<String>),
    Other(IgnoredAny),
}

impl Vex {
    /// Reads a document; its format is told by its content.
    pub fn parse(bytes: &[u8]) -> Result<Self, VexError> {
        if bytes.len() > MAX_VEX_BYTES {
            return Err(VexError::TooLarge(bytes.len()));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        // A list would be read as a struct, field by field: only an object is a document.
        if bytes.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
            return Err(VexError::NotJson("it does not start with `{`".to_owned()));
        }
        let probe: Probe = serde_json::from_slice(bytes).map_err(|e| VexError::NotJson(e.to_string()))?;
        let contexts = match probe.context {
            Some(Strings::One(one)) => vec![one],
            Some(Strings::Many(many)) => many,
            Some(Strings::Other(_)) | None => Vec::new(),
        };
        let vex = if let Some(context) = contexts.iter().find(|c| c.starts_with(openvex::CONTEXT)) {
            openvex::read(bytes, context)?
        } else if probe.bom_format.is_some() {
            cyclonedx::read(bytes)?
        } else if probe.document.is_some() {
            csaf::read(bytes)?
        } else if probe.attestation.is_some() {
            return Err(VexError::Attestation);
        } else {
            return Err(VexError::UnknownFormat);
        };
        Ok(vex)
    }

    /// How many statements can match something.
    pub fn statements(&self) -> usize {
        self.statements.len()
    }

    /// Suppresses the findings that this document says do not matter. Several documents are applied
    /// together, by [`apply_vex`], since a later one may take back what an earlier one says.
    pub fn apply(&self, findings: &mut Findings, sbom: &Sbom) -> VexApplied {
        apply_vex(std::slice::from_ref(self), findings, sbom)
    }

    /// The document, for people.
    fn shown(&self) -> String {
        let id = if self.id.is_empty() { "without id" } else { &self.id };
        let author = if self.author.is_empty() { "unknown author" } else { &self.author };
        format!("{} {id} ({author})", self.format.name())
    }
}

/// A document while it is read.
struct Draft {
    format: VexFormat,
    timestamp: Option<Timestamp>,
    statements: Vec<Statement>,
    problems: Vec<Problem>,
    unlisted: usize,
    targets: usize,
}

impl Draft {
    fn new(format: VexFormat) -> Self {
        Self { format, timestamp: None, statements: Vec::new(), problems: Vec::new(), unlisted: 0, targets: 0 }
    }

    fn problem(&mut self, code: &str, what: impl Into<String>, why: impl Into<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem::new(code, "", what, why));
        } else {
            self.unlisted += 1;
        }
    }

    /// A time; one that is none is a problem and counts as not given.
    fn time(&mut self, text: Option<&str>, what: &str) -> Option<Timestamp> {
        let text = text.filter(|t| !t.is_empty())?;
        match text.parse() {
            Ok(time) => Some(time),
            Err(_) => {
                self.problem(
                    "vex-timestamp",
                    format!("read the time of {what}"),
                    format!("`{text}` is no RFC 3339 time"),
                );
                None
            }
        }
    }

    /// Adds a statement; targets that can match nothing are problems.
    fn add(&mut self, what: &str, mut statement: Statement) -> Result<(), VexError> {
        if statement.names.is_empty() {
            self.problem("vex-vulnerability", format!("read {what}"), "it names no vulnerability");
            return Ok(());
        }
        if !statement.status.suppresses() {
            let things = statement
                .targets
                .iter_mut()
                .flat_map(|t| t.component.iter_mut().chain(t.contexts.iter_mut().map(|c| &mut c.thing)));
            things.for_each(Thing::widen);
        }
        let before = statement.targets.len();
        let mut lost = Vec::new();
        statement.targets.retain(|target| {
            let good = target.can_match();
            if !good && lost.len() < 3 {
                lost.push(target.shown());
            }
            good
        });
        let without = before - statement.targets.len();
        if without > 0 {
            let more = if without > lost.len() { ", …" } else { "" };
            let why = format!(
                "{without} of its {before} products cannot be compared with packages or images ({}{more})",
                lost.join(", ")
            );
            self.problem("vex-product", format!("use {what}"), why);
        }
        self.targets += statement.targets.len();
        if self.targets > MAX_TARGETS {
            return Err(VexError::TooMany);
        }
        if !statement.targets.is_empty() {
            self.statements.push(statement);
        } else if before == 0 {
            self.problem("vex-product", format!("use {what}"), "it names no product");
        }
        Ok(())
    }

    fn finish(mut self, id: String, author: String) -> Vex {
        if self.unlisted > 0 {
            let why = format!("{} more problems are not listed", self.unlisted);
            self.problems.push(Problem::new("vex-more", "", "read the document", why));
        }
        Vex {
            format: self.format,
            id,
            author,
            timestamp: self.timestamp,
            problems: self.problems,
            statements: self.statements,
        }
    }
}

impl Target {
    /// Everything in an image, or a package: what a product is by itself.
    fn product(thing: Thing, why: &str) -> Self {
        if thing.is_image() {
            let contexts = vec![Context { thing, beside: false }];
            Self { contexts, component: None, why: why.to_owned() }
        } else {
            Self { contexts: Vec::new(), component: Some(thing), why: why.to_owned() }
        }
    }

    fn can_match(&self) -> bool {
        let component = match &self.component {
            Some(thing) => thing.can_match() && !thing.is_image(),
            None => !self.contexts.is_empty(),
        };
        component && self.contexts.iter().all(|c| c.thing.can_match() || c.thing.is_platform())
    }

    fn shown(&self) -> String {
        let outer: Vec<&str> = self.contexts.iter().map(|c| c.thing.shown.as_str()).collect();
        match &self.component {
            Some(thing) if outer.is_empty() => thing.shown.clone(),
            Some(thing) => format!("{} in {}", thing.shown, outer.join(" in ")),
            None => outer.join(" in "),
        }
    }
}

/// Justification and words as one text.
fn reason(justification: Option<&str>, words: &[Option<&str>]) -> String {
    let parts = std::iter::once(&justification).chain(words);
    let parts: Vec<&str> = parts.filter_map(|p| p.map(str::trim)).filter(|p| !p.is_empty()).collect();
    parts.join(": ")
}
