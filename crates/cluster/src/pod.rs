//! A pod object as the model's pod.
//!
//! Facts are taken from the pod itself, never from its workload's template: after a rollout has
//! begun, each pod says what it runs. A container counts as running once a runtime has reported an
//! image for it; what is only in the specification is declared.

use std::collections::HashMap;

use cleanbill_model::{Container, ContainerKind, ContainerState, Pod, RuntimeImageId, Workload};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod as Object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// A pod with the owner its metadata names; platform and topmost owner are filled in later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) pod: Pod,
    /// Uid of the controlling owner.
    pub(crate) owner: Option<String>,
}

/// The owner that controls an object; the first one where none says so.
pub(crate) fn controller(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = meta.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|o| o.controller == Some(true)).or(owners.first())
}

/// Whether all containers of a pod have ended for good.
pub(crate) fn is_finished(object: &Object) -> bool {
    let phase = object.status.as_ref().and_then(|s| s.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The pod; `None` for an object without uid, which no API server sends.
pub(crate) fn from_object(object: &Object) -> Option<Seen> {
    let meta = &object.metadata;
    let uid = meta.uid.clone()?;
    let name = meta.name.clone().unwrap_or_default();
    let status = object.status.as_ref();
    let running = status.and_then(|s| s.phase.as_deref()) == Some("Running");
    // The node is the "owner" of a static pod's mirror; the pod stands for itself.
    let owner = controller(meta).filter(|o| o.kind != "Node");
    let workload = match owner {
        Some(owner) => Workload { kind: owner.kind.clone(), name: owner.name.clone() },
        None => Workload { kind: "Pod".to_owned(), name: name.clone() },
    };
    let mut containers = Vec::new();
    let mut node = String::new();
    if let Some(spec) = &object.spec {
        node = spec.node_name.clone().unwrap_or_default();
        let main = by_name(status.and_then(|s| s.container_statuses.as_deref()));
        let init = by_name(status.and_then(|s| s.init_container_statuses.as_deref()));
        let ephemeral = by_name(status.and_then(|s| s.ephemeral_container_statuses.as_deref()));
        for c in &spec.containers {
            containers.push(container(ContainerKind::Main, &c.name, c.image.as_ref(), &main));
        }
        for c in spec.init_containers.iter().flatten() {
            containers.push(container(ContainerKind::Init, &c.name, c.image.as_ref(), &init));
        }
        for c in spec.ephemeral_containers.iter().flatten() {
            containers.push(container(ContainerKind::Ephemeral, &c.name, c.image.as_ref(), &ephemeral));
        }
        for volume in spec.volumes.iter().flatten() {
            let Some(image) = &volume.image else { continue };
            let mut all = main.values().chain(init.values()).chain(ephemeral.values());
            let image_id = all.find_map(|s| mounted(s, &volume.name));
            containers.push(Container {
                name: volume.name.clone(),
                kind: ContainerKind::Volume,
                image: image.reference.clone().unwrap_or_default(),
                // Few runtimes report it; a running pod has it mounted all the same.
                state: if image_id.is_some() || running { ContainerState::Running } else { ContainerState::Declared },
                image_id,
            });
        }
    }
    let pod = Pod {
        uid,
        namespace: meta.namespace.clone().unwrap_or_default(),
        name,
        workload,
        node,
        platform: None,
        containers,
    };
    Some(Seen { pod, owner: owner.map(|o| o.uid.clone()) })
}

fn by_name(list: Option<&[ContainerStatus]>) -> HashMap<&str, &ContainerStatus> {
    list.unwrap_or_default().iter().map(|s| (s.name.as_str(), s)).collect()
}

fn container(
    kind: ContainerKind,
    name: &str,
    image: Option<&String>,
    statuses: &HashMap<&str, &ContainerStatus>,
) -> Container {
    let reported = statuses.get(name).map(|s| s.image_id.as_str()).filter(|t| !t.is_empty());
    Container {
        name: name.to_owned(),
        kind,
        image: image.cloned().unwrap_or_default(),
        image_id: reported.and_then(RuntimeImageId::parse),
        // A form that is not known still says that something runs.
        state: if reported.is_some() { ContainerState::Running } else { ContainerState::Declared },
    }
}

/// What the status says of a mounted image volume (Kubernetes 1.36 and later).
fn mounted(status: &ContainerStatus, volume: &str) -> Option<RuntimeImageId> {
    let mount = status.volume_mounts.iter().flatten().find(|m| m.name == volume)?;
    RuntimeImageId::parse(&mount.volume_status.as_ref()?.image.as_ref()?.image_ref)
}

#[cfg(test)]
mod tests;
