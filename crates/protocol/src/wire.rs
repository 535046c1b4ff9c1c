//! The JSON that agent and hub exchange: one message shape each, with a version word in front.
//!
//! Domain types are not `Serialize`; these are their shapes on the wire. Every conversion into the
//! domain checks what it reads, so a message of a liar ends as a [`WireError`], not as a value.
//! The shapes of parts ([`PodWire`], [`WantedImageWire`], …) also serve where such a part is kept
//! as a JSON column.

mod fleet;
mod image;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Ack, Batch, ImageReport};
pub use fleet::{ContainerWire, PodWire, RuntimeImageIdWire, WorkloadWire};
pub use image::{IdentityWire, ImageOutcomeWire, WantedImageWire};

/// The version word of every message.
pub const VERSION: &str = "cleanbill/ingest/v1";

/// The most a message may have in bytes; a reader refuses more before it parses.
pub const MAX_MESSAGE: usize = 512 << 20;

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not JSON of the expected shape.
    #[error("malformed message: {0}")]
    Json(String),
    /// Another version of the protocol, or another protocol.
    #[error("message of version `{0}`; this side speaks `{VERSION}`")]
    Version(String),
    /// A value that its field cannot have.
    #[error("malformed message: `{field}`: {why}")]
    Value {
        /// The field.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// More bytes than a message may have.
    #[error("message of {0} bytes; at most {MAX_MESSAGE} are taken")]
    TooBig(usize),
}

impl WireError {
    pub(crate) fn value(field: &'static str, why: impl ToString) -> Self {
        Self::Value { field, why: why.to_string() }
    }
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterWire {
    /// The uid of its `kube-system` namespace.
    pub uid: String,
    /// Its name for people.
    pub name: String,
}

/// [`Batch`] as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchWire {
    /// [`VERSION`].
    pub version: String,
    /// The cluster.
    pub cluster: ClusterWire,
    /// The agent's epoch.
    pub epoch: u64,
    /// The sequence number.
    pub seq: u64,
    /// Whether `pods` is everything.
    pub full: bool,
    /// New and changed pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<PodWire>,
    /// Uids of pods that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

/// [`Ack`] as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckWire {
    /// [`VERSION`].
    pub version: String,
    /// The batch's sequence number.
    pub seq: u64,
    /// Whether a full batch is asked for.
    pub resync: bool,
    /// Images without SBOM.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<WantedImageWire>,
}

/// [`ImageReport`] as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReportWire {
    /// [`VERSION`].
    pub version: String,
    /// The image.
    pub wanted: WantedImageWire,
    /// The outcome.
    pub outcome: ImageOutcomeWire,
}

fn check_version(version: &str) -> Result<(), WireError> {
    if version == VERSION { Ok(()) } else { Err(WireError::Version(version.to_owned())) }
}

impl From<&Batch> for BatchWire {
    fn from(batch: &Batch) -> Self {
        Self {
            version: VERSION.to_owned(),
            cluster: ClusterWire { uid: batch.cluster.uid.clone(), name: batch.cluster.name.clone() },
            epoch: batch.epoch,
            seq: batch.seq,
            full: batch.full,
            pods: batch.pods.iter().map(PodWire::from).collect(),
            gone: batch.gone.clone(),
        }
    }
}

impl TryFrom<BatchWire> for Batch {
    type Error = WireError;
    fn try_from(wire: BatchWire) -> Result<Self, WireError> {
        check_version(&wire.version)?;
        if wire.cluster.uid.is_empty() {
            return Err(WireError::value("cluster.uid", "it is empty"));
        }
        Ok(Self {
            cluster: cleanbill_model::Cluster { uid: wire.cluster.uid, name: wire.cluster.name },
            epoch: wire.epoch,
            seq: wire.seq,
            full: wire.full,
            pods: wire.pods.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            gone: wire.gone,
        })
    }
}

impl From<&Ack> for AckWire {
    fn from(ack: &Ack) -> Self {
        Self {
            version: VERSION.to_owned(),
            seq: ack.seq,
            resync: ack.resync,
            wanted: ack.wanted.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<AckWire> for Ack {
    type Error = WireError;
    fn try_from(wire: AckWire) -> Result<Self, WireError> {
        check_version(&wire.version)?;
        let wanted = wire.wanted.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(Self { seq: wire.seq, resync: wire.resync, wanted })
    }
}

impl From<&ImageReport> for ImageReportWire {
    fn from(report: &ImageReport) -> Self {
        Self {
            version: VERSION.to_owned(),
            wanted: (&report.wanted).into(),
            outcome: ImageOutcomeWire::from(&report.outcome),
        }
    }
}

impl TryFrom<ImageReportWire> for ImageReport {
    type Error = WireError;
    fn try_from(wire: ImageReportWire) -> Result<Self, WireError> {
        check_version(&wire.version)?;
        Ok(Self { wanted: wire.wanted.try_into()?, outcome: wire.outcome.try_into()? })
    }
}

/// The bytes of a wire value.
pub fn to_bytes(wire: &impl Serialize) -> Result<Vec<u8>, WireError> {
    serde_json::to_vec(wire).map_err(|e| WireError::Json(e.to_string()))
}

/// Reads a message: its size, its version word, then its shape, in this order, so that a message of
/// another version is told as that.
pub fn from_bytes<W: DeserializeOwned, T: TryFrom<W, Error = WireError>>(bytes: &[u8]) -> Result<T, WireError> {
    #[derive(Deserialize)]
    struct Front {
        version: String,
    }
    if bytes.len() > MAX_MESSAGE {
        return Err(WireError::TooBig(bytes.len()));
    }
    let json = |e: serde_json::Error| WireError::Json(e.to_string());
    let front: Front = serde_json::from_slice(bytes).map_err(json)?;
    check_version(&front.version)?;
    serde_json::from_slice::<W>(bytes).map_err(json)?.try_into()
}

impl Batch {
    /// The message's bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, WireError> {
        to_bytes(&BatchWire::from(self))
    }
    /// Reads the message.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        from_bytes::<BatchWire, Self>(bytes)
    }
}

impl Ack {
    /// The message's bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, WireError> {
        to_bytes(&AckWire::from(self))
    }
    /// Reads the message.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        from_bytes::<AckWire, Self>(bytes)
    }
}

impl ImageReport {
    /// The message's bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, WireError> {
        to_bytes(&ImageReportWire::from(self))
    }
    /// Reads the message.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        from_bytes::<ImageReportWire, Self>(bytes)
    }
}
