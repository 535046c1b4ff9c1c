//! The watches of a cluster as one stream of changes. Each is restarted with backoff for as long as
//! the stream lives; what was missed meanwhile comes as a new snapshot.

use std::collections::VecDeque;

use cleanbill_model::Pod;
use futures::stream::{BoxStream, SelectAll};
use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, Pod as Object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{Config, Error, Event};
use kube::runtime::{WatchStreamExt as _, watcher};

use crate::Connection;
use crate::inventory::{Between, Inventory, Source};

/// A change of what runs in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Everything there is, by uid: what is not in it is gone.
    Snapshot(Vec<Pod>),
    /// A pod that is new or differs from what was told of it last.
    Changed(Pod),
    /// Uid of a pod that was deleted or has ended.
    Gone(String),
}

enum Input {
    Pod(Event<Object>),
    Node(Event<Node>),
    Owner(Between, Event<ObjectMeta>),
    /// A watch failed; it is tried again.
    Failed(Source, Error),
}

impl Connection {
    /// What runs, from now on: one snapshot, then changes, and another snapshot whenever changes may
    /// have been missed. Never ends by itself.
    pub fn watch(&self) -> impl Stream<Item = Change> + Send + Unpin + 'static {
        let client = &self.client;
        let mut inputs: SelectAll<BoxStream<'static, Input>> = SelectAll::new();
        let pods = watcher(Api::<Object>::all(client.clone()), Config::default()).default_backoff();
        inputs.push(pods.map(|e| e.map(Input::Pod).unwrap_or_else(|e| Input::Failed(Source::Pods, e))).boxed());
        let nodes = watcher(Api::<Node>::all(client.clone()), Config::default()).default_backoff();
        inputs.push(nodes.map(|e| e.map(Input::Node).unwrap_or_else(|e| Input::Failed(Source::Nodes, e))).boxed());
        let sets =
            watcher(Api::<PartialObjectMeta<ReplicaSet>>::all(client.clone()), Config::default()).default_backoff();
        inputs.push(sets.map(|e| owner(Between::ReplicaSet, e.map(|e| metadata(e, |o| o.metadata)))).boxed());
        let jobs = watcher(Api::<PartialObjectMeta<Job>>::all(client.clone()), Config::default()).default_backoff();
        inputs.push(jobs.map(|e| owner(Between::Job, e.map(|e| metadata(e, |o| o.metadata)))).boxed());

        let state = (inputs, Inventory::default(), VecDeque::new(), self.name().to_owned());
        stream::unfold(state, |(mut inputs, mut inventory, mut queue, name)| async move {
            loop {
                if let Some(change) = queue.pop_front() {
                    return Some((change, (inputs, inventory, queue, name)));
                }
                queue.extend(match inputs.next().await? {
                    Input::Pod(event) => inventory.pod(event),
                    Input::Node(event) => inventory.node(event),
                    Input::Owner(kind, event) => inventory.owner(kind, event),
                    Input::Failed(source, error) => {
                        tracing::warn!(cluster = name, ?source, %error, "a watch failed and is tried again");
                        // Without pods there is nothing to tell; the others only add to them.
                        if source == Source::Pods { vec![] } else { inventory.settle(source) }
                    }
                });
            }
        })
        .boxed()
    }
}

fn owner(kind: Between, event: Result<Event<ObjectMeta>, Error>) -> Input {
    event.map(|e| Input::Owner(kind, e)).unwrap_or_else(|e| Input::Failed(Source::Owners(kind), e))
}

fn metadata<K: kube::Resource>(event: Event<K>, take: impl Fn(K) -> ObjectMeta) -> Event<ObjectMeta> {
    match event {
        Event::Apply(o) => Event::Apply(take(o)),
        Event::Delete(o) => Event::Delete(take(o)),
        Event::InitApply(o) => Event::InitApply(take(o)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}
