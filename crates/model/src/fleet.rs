//! Clusters and what runs in them.

use crate::{Platform, RuntimeImageId};

/// A cluster. Told apart by `uid`, never by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cluster {
    /// The uid of its `kube-system` namespace.
    pub uid: String,
    /// A name for people: the context's.
    pub name: String,
}

/// The topmost owner of a pod: a Deployment rather than its ReplicaSet, a CronJob rather than its Job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// Kind; `Pod` for a pod that nobody owns.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A pod as the API server shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its uid: a pod made again under the same name is another one.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Topmost owner.
    pub workload: Workload,
    /// Node it is bound to; empty while it is not.
    pub node: String,
    /// The node's platform; `None` while it is not known.
    pub platform: Option<Platform>,
    /// Containers of every kind and image volumes.
    pub containers: Vec<Container>,
}

/// Which list a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerKind {
    /// `containers`.
    Main,
    /// `initContainers`.
    Init,
    /// `ephemeralContainers`.
    Ephemeral,
    /// An image volume: mounted, not started.
    Volume,
}

impl ContainerKind {
    /// The word for formats.
    pub fn name(self) -> &'static str {
        match self {
            ContainerKind::Main => "main",
            ContainerKind::Init => "init",
            ContainerKind::Ephemeral => "ephemeral",
            ContainerKind::Volume => "volume",
        }
    }
}

/// Whether the image is there or only asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerState {
    /// The runtime reported an image for it and the pod has not ended.
    Running,
    /// The specification asks for it; no runtime has reported it yet.
    Declared,
}

impl ContainerState {
    /// The word for formats.
    pub fn name(self) -> &'static str {
        match self {
            ContainerState::Running => "running",
            ContainerState::Declared => "declared",
        }
    }
}

/// A container (or image volume) of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ContainerKind,
    /// The image as the specification names it.
    pub image: String,
    /// What the runtime says it pulled.
    pub image_id: Option<RuntimeImageId>,
    /// Whether it runs.
    pub state: ContainerState,
}
