//! A request to let something into a cluster, without the cluster's own types.

use crate::{Platform, Timestamp, Verdict};

/// What is being done to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed one.
    Update,
    /// Anything else that the webhook was called for.
    Other,
}

/// A request to admit an object, reduced to what a verdict needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionRequest {
    /// The API server's id of the request; goes back in the answer.
    pub uid: String,
    /// What is done.
    pub operation: Operation,
    /// Kind of the object: `Pod`, `Deployment`, …
    pub kind: String,
    /// Namespace; empty for what has none.
    pub namespace: String,
    /// Name; empty where the server will make one up.
    pub name: String,
    /// Who sent it, as the API server knows them; for people to read, no verdict rests on it.
    pub user: String,
    /// Labels of the object.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Subresource; `ephemeralcontainers` among them.
    pub subresource: Option<String>,
    /// Nothing may be changed anywhere.
    pub dry_run: bool,
    /// Every image the object names, in the object's order.
    pub images: Vec<ImageField>,
    /// The platform it is bound to run on, where the object says so.
    pub platform: Option<Platform>,
}

/// Which list of a pod an image stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ImageFieldKind {
    /// `containers`.
    Container,
    /// `initContainers`.
    Init,
    /// `ephemeralContainers`.
    Ephemeral,
    /// `volumes[].image.reference`.
    Volume,
    /// A field that names an image somewhere we do not know.
    Unknown,
}

/// One place in an object that names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageField {
    /// JSON pointer (RFC 6901) to the text: `/spec/containers/0/image`.
    pub pointer: String,
    /// Which list it stands in.
    pub kind: ImageFieldKind,
    /// Name of the container or volume.
    pub container: String,
    /// The text as it stands.
    pub image: String,
}

/// One replacement in the object (RFC 6902), nothing else is ever done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPatch {
    /// JSON pointer of the field.
    pub pointer: String,
    /// Its new text.
    pub value: String,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionAnswer {
    /// The request's id.
    pub uid: String,
    /// Whether the object may come in.
    pub allowed: bool,
    /// What the person who sent it reads if not: the first refusal in full, then the others.
    pub message: String,
    /// HTTP status beside the message: 403 refused, 500 could not be found out.
    pub code: u16,
    /// Shown by `kubectl` even when the object is let in.
    pub warnings: Vec<String>,
    /// Images to pin.
    pub patches: Vec<JsonPatch>,
    /// What the API server writes into its audit log beside the request: name to value.
    pub audit_annotations: std::collections::BTreeMap<String, String>,
    /// The verdicts it rests on.
    pub verdicts: Vec<Verdict>,
}

/// One request and its answer, for those who ask later why something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionRecord {
    /// When it was answered.
    pub at: Timestamp,
    /// Which hook: `mutate` or `validate`.
    pub phase: &'static str,
    /// The failure policy of the hook: `Fail` or `Ignore`.
    pub failure_policy: &'static str,
    /// The hook only audits: what would be refused was let in and told.
    pub audit: bool,
    /// What was asked, without the images' places.
    pub operation: Operation,
    /// Kind of the object.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name; empty where the server makes one up.
    pub name: String,
    /// Who sent it.
    pub user: String,
    /// Every image that it names: where it stands, and its text.
    pub images: Vec<ImageField>,
    /// The answer, verdicts included.
    pub answer: AdmissionAnswer,
}
