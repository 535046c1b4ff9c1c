//! Pods and their containers as JSON.

use cleanbill_model::{
    Container, ContainerKind, ContainerState, Digest, Platform, Pod, Reference, RuntimeForm, RuntimeImageId, Workload,
};
use serde::{Deserialize, Serialize};

use super::WireError;

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodWire {
    /// Its uid.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Topmost owner.
    pub workload: WorkloadWire,
    /// Node; empty while it is bound to none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node: String,
    /// The node's platform: `linux/arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Containers and image volumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerWire>,
}

/// A workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadWire {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A container or image volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerWire {
    /// Name.
    pub name: String,
    /// `main`, `init`, `ephemeral` or `volume`.
    pub kind: String,
    /// The image as the specification names it.
    pub image: String,
    /// What the runtime pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<RuntimeImageIdWire>,
    /// `running` or `declared`.
    pub state: String,
}

/// What a runtime says it pulled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeImageIdWire {
    /// The digest.
    pub digest: String,
    /// The repository it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// `docker-pullable`, `repository` or `bare`.
    pub form: String,
}

pub(super) fn digest(field: &'static str, text: &str) -> Result<Digest, WireError> {
    Digest::parse(text).map_err(|e| WireError::value(field, e))
}

pub(super) fn platform(text: Option<&str>) -> Result<Option<Platform>, WireError> {
    text.map(|t| {
        Platform::parse(t).ok_or_else(|| WireError::value("platform", format!("`{t}` is not OS/ARCHITECTURE")))
    })
    .transpose()
}

fn one_of<T: Copy>(field: &'static str, word: &str, all: &[(&str, T)]) -> Result<T, WireError> {
    let found = all.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    found.ok_or_else(|| WireError::value(field, format!("`{word}` is not known")))
}

const KINDS: [(&str, ContainerKind); 4] = [
    ("main", ContainerKind::Main),
    ("init", ContainerKind::Init),
    ("ephemeral", ContainerKind::Ephemeral),
    ("volume", ContainerKind::Volume),
];
const STATES: [(&str, ContainerState); 2] =
    [("running", ContainerState::Running), ("declared", ContainerState::Declared)];
const FORMS: [(&str, RuntimeForm); 3] = [
    ("docker-pullable", RuntimeForm::DockerPullable),
    ("repository", RuntimeForm::Repository),
    ("bare", RuntimeForm::Bare),
];

impl From<&Pod> for PodWire {
    fn from(pod: &Pod) -> Self {
        Self {
            uid: pod.uid.clone(),
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            workload: WorkloadWire { kind: pod.workload.kind.clone(), name: pod.workload.name.clone() },
            node: pod.node.clone(),
            platform: pod.platform.as_ref().map(Platform::to_string),
            containers: pod.containers.iter().map(ContainerWire::from).collect(),
        }
    }
}

impl TryFrom<PodWire> for Pod {
    type Error = WireError;
    fn try_from(wire: PodWire) -> Result<Self, WireError> {
        if wire.uid.is_empty() {
            return Err(WireError::value("pods.uid", "it is empty"));
        }
        Ok(Self {
            uid: wire.uid,
            namespace: wire.namespace,
            name: wire.name,
            workload: Workload { kind: wire.workload.kind, name: wire.workload.name },
            node: wire.node,
            platform: platform(wire.platform.as_deref())?,
            containers: wire.containers.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Container> for ContainerWire {
    fn from(container: &Container) -> Self {
        Self {
            name: container.name.clone(),
            kind: container.kind.name().to_owned(),
            image: container.image.clone(),
            image_id: container.image_id.as_ref().map(RuntimeImageIdWire::from),
            state: container.state.name().to_owned(),
        }
    }
}

impl TryFrom<ContainerWire> for Container {
    type Error = WireError;
    fn try_from(wire: ContainerWire) -> Result<Self, WireError> {
        Ok(Self {
            name: wire.name,
            kind: one_of("containers.kind", &wire.kind, &KINDS)?,
            image: wire.image,
            image_id: wire.image_id.map(TryInto::try_into).transpose()?,
            state: one_of("containers.state", &wire.state, &STATES)?,
        })
    }
}

impl From<&RuntimeImageId> for RuntimeImageIdWire {
    fn from(id: &RuntimeImageId) -> Self {
        let form = match id.form {
            RuntimeForm::DockerPullable => "docker-pullable",
            RuntimeForm::Repository => "repository",
            RuntimeForm::Bare => "bare",
        };
        Self {
            digest: id.digest.to_string(),
            repository: id.repository.as_ref().map(Reference::to_string),
            form: form.to_owned(),
        }
    }
}

impl TryFrom<RuntimeImageIdWire> for RuntimeImageId {
    type Error = WireError;
    fn try_from(wire: RuntimeImageIdWire) -> Result<Self, WireError> {
        let parse = |t: String| Reference::parse(&t).map_err(|e| WireError::value("image_id.repository", e));
        Ok(Self {
            digest: digest("image_id.digest", &wire.digest)?,
            repository: wire.repository.map(parse).transpose()?,
            form: one_of("image_id.form", &wire.form, &FORMS)?,
        })
    }
}
