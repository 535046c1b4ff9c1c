//! The shapes of rows that are kept as JSON because nothing is ever asked by their parts.

use cleanbill_model::{Digest, Timestamp};
use cleanbill_protocol::WantedImage;
use cleanbill_protocol::wire::{IdentityWire, WantedImageWire, WireError};
use serde::{Deserialize, Serialize};

use crate::record::{AlertKind, AlertPod, AlertRecord, ImageRecord, ImageState};

/// [`ImageRecord`] as JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct ImageRow {
    wanted: WantedImageWire,
    state: StateRow,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum StateRow {
    Pending,
    Ready { identity: IdentityWire, sbom: String },
    Failed { why: String, at: Timestamp, tries: u32, retry_at: Timestamp },
}

impl From<&ImageRecord> for ImageRow {
    fn from(record: &ImageRecord) -> Self {
        let state = match &record.state {
            ImageState::Pending => StateRow::Pending,
            ImageState::Ready { identity, sbom } => {
                StateRow::Ready { identity: identity.into(), sbom: sbom.to_string() }
            }
            ImageState::Failed { why, at, tries, retry_at } => {
                StateRow::Failed { why: why.clone(), at: *at, tries: *tries, retry_at: *retry_at }
            }
        };
        Self { wanted: (&record.wanted).into(), state }
    }
}

impl TryFrom<ImageRow> for ImageRecord {
    type Error = WireError;
    fn try_from(row: ImageRow) -> Result<Self, WireError> {
        let state = match row.state {
            StateRow::Pending => ImageState::Pending,
            StateRow::Ready { identity, sbom } => ImageState::Ready {
                identity: identity.try_into()?,
                sbom: Digest::parse(&sbom).map_err(|e| WireError::Value { field: "sbom", why: e.to_string() })?,
            },
            StateRow::Failed { why, at, tries, retry_at } => ImageState::Failed { why, at, tries, retry_at },
        };
        Ok(Self { wanted: WantedImage::try_from(row.wanted)?, state })
    }
}

/// What of an [`AlertRecord`] has no column of its own.
#[derive(Serialize, Deserialize)]
pub(crate) struct AlertRow {
    vulnerability: String,
    aliases: Vec<String>,
    kind: String,
    at: Timestamp,
    pods: Vec<AlertPodRow>,
}

#[derive(Serialize, Deserialize)]
struct AlertPodRow {
    cluster: String,
    namespace: String,
    pod: String,
    image: String,
}

impl From<&AlertRecord> for AlertRow {
    fn from(alert: &AlertRecord) -> Self {
        let pod = |p: &AlertPod| AlertPodRow {
            cluster: p.cluster.clone(),
            namespace: p.namespace.clone(),
            pod: p.pod.clone(),
            image: p.image.clone(),
        };
        Self {
            vulnerability: alert.vulnerability.clone(),
            aliases: alert.aliases.clone(),
            kind: alert.kind.name().to_owned(),
            at: alert.at,
            pods: alert.pods.iter().map(pod).collect(),
        }
    }
}

impl AlertRow {
    /// The record, with what stands in columns.
    pub(crate) fn into_record(
        self,
        id: String,
        cursor: i64,
        acknowledged: Option<(String, Timestamp)>,
    ) -> Result<AlertRecord, WireError> {
        let kind = AlertKind::parse(&self.kind)
            .ok_or_else(|| WireError::Value { field: "kind", why: format!("`{}` is not known", self.kind) })?;
        let pod = |p: AlertPodRow| AlertPod { cluster: p.cluster, namespace: p.namespace, pod: p.pod, image: p.image };
        Ok(AlertRecord {
            id,
            cursor,
            vulnerability: self.vulnerability,
            aliases: self.aliases,
            kind,
            at: self.at,
            pods: self.pods.into_iter().map(pod).collect(),
            acknowledged,
        })
    }
}
