//! The objects of a cluster, as they are now, and whether somebody has the right.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cleanbill_model::{Cancel, Digest, Timestamp};
use futures::StreamExt as _;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::runtime::watcher::{Config, Event};
use kube::runtime::{WatchStreamExt as _, watcher};

use super::{GROUP, KIND, LONGEST, PLURAL, SKEW, Spec, VERB, VERSION};
use crate::Connection;

/// How long the API server may take to say who has which right.
const PATIENCE: Duration = Duration::from_secs(5);

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glass {
    /// Its name.
    pub name: String,
    /// What it says.
    pub spec: Spec,
    /// When the API server took it.
    pub made: Timestamp,
}

impl Glass {
    /// Whether it lets this digest into this namespace now, apart from the right of who made it.
    fn opens(&self, namespace: &str, digest: &Digest, now: Timestamp) -> bool {
        self.spec.namespace == namespace && self.spec.digest == *digest && self.holds(now)
    }

    fn holds(&self, now: Timestamp) -> bool {
        // The webhook looked at the same when it was made, if it was asked.
        self.spec.sound(self.made.saturating_add(SKEW).unwrap_or(self.made)).is_ok()
            && self.made <= now.saturating_add(SKEW).unwrap_or(now)
            && now < self.spec.expires
            && now < self.made.saturating_add(LONGEST + SKEW).unwrap_or(Timestamp::MAX)
    }
}

/// The objects of one cluster. Cheap to clone; empty until [`Glasses::watch`] has heard of some.
#[derive(Debug, Clone)]
pub struct Glasses {
    connection: Connection,
    known: Arc<RwLock<BTreeMap<String, Glass>>>,
}

impl Glasses {
    /// Of the cluster behind `connection`.
    pub fn new(connection: Connection) -> Self {
        Self { connection, known: Arc::default() }
    }

    /// Follows what is made and removed, until cancelled. `changed` is told how many hold.
    pub async fn watch(&self, cancel: Cancel, changed: impl Fn(usize)) {
        let kind = resource();
        let api = Api::<DynamicObject>::all_with(self.connection.client.clone(), &kind);
        let mut events = watcher(api, Config::default()).default_backoff().boxed();
        let mut fresh = BTreeMap::new();
        let mut told = false;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        while !cancel.is_cancelled() {
            let event = tokio::select! {
                event = events.next() => event,
                _ = tick.tick() => {
                    // Some end by themselves.
                    changed(self.holding(Timestamp::now()));
                    continue;
                }
            };
            match event {
                None => return,
                Some(Ok(event)) => self.take(event, &mut fresh),
                Some(Err(error)) => {
                    // Without the definition there are none; with an API server that is down, those known hold.
                    if !told {
                        tracing::warn!(cluster = self.connection.name(), %error, "break-glass objects cannot be watched; it is tried again");
                    }
                    told = true;
                    continue;
                }
            }
            told = false;
            changed(self.holding(Timestamp::now()));
        }
    }

    fn take(&self, event: Event<DynamicObject>, fresh: &mut BTreeMap<String, Glass>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => fresh.clear(),
            Event::InitApply(object) => {
                fresh.extend(read(&object).map(|glass| (glass.name.clone(), glass)));
            }
            Event::InitDone => *known = std::mem::take(fresh),
            Event::Apply(object) => {
                let name = object.metadata.name.clone().unwrap_or_default();
                known.remove(&name);
                known.extend(read(&object).map(|glass| (name, glass)));
            }
            Event::Delete(object) => {
                known.remove(&object.metadata.name.unwrap_or_default());
            }
        }
    }

    fn holding(&self, now: Timestamp) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().filter(|glass| glass.holds(now)).count()
    }

    /// The object that lets `digest` into `namespace` now, if who made it still has the right.
    pub async fn open(&self, namespace: &str, digest: &Digest, now: Timestamp) -> Option<Glass> {
        let candidates: Vec<Glass> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.values().filter(|glass| glass.opens(namespace, digest, now)).cloned().collect()
        };
        for glass in candidates {
            match self.may(&glass.spec.requested_by, &glass.spec.groups, namespace).await {
                Ok(true) => return Some(glass),
                Ok(false) => tracing::warn!(
                    name = glass.name,
                    user = glass.spec.requested_by,
                    "break-glass without effect: who made it may not (any more)"
                ),
                Err(error) => tracing::warn!(name = glass.name, error, "break-glass without effect"),
            }
        }
        None
    }

    /// Whether somebody may break the glass in a namespace: `break-glass` on `pods` of `cleanbill.dev`.
    pub async fn may(&self, user: &str, groups: &[String], namespace: &str) -> Result<bool, String> {
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(user.to_owned()),
                groups: (!groups.is_empty()).then(|| groups.to_vec()),
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(namespace.to_owned()),
                    verb: Some(VERB.to_owned()),
                    group: Some(GROUP.to_owned()),
                    resource: Some("pods".to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api = Api::<SubjectAccessReview>::all(self.connection.client.clone());
        let asked = format!("could not ask cluster `{}` what `{user}` may do", self.connection.name());
        let options = PostParams::default();
        let answer = tokio::time::timeout(PATIENCE, api.create(&options, &review))
            .await
            .map_err(|_| format!("{asked}: no answer in {} s", PATIENCE.as_secs()))?
            .map_err(|error| format!("{asked}: {error}"))?;
        let status = answer.status.unwrap_or_default();
        Ok(status.allowed && !status.denied.unwrap_or(false))
    }
}

fn resource() -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: KIND.to_owned(),
        plural: PLURAL.to_owned(),
    }
}

/// An object that cannot be read lets nothing in.
fn read(object: &DynamicObject) -> Option<Glass> {
    let name = object.metadata.name.clone()?;
    let made = object.metadata.creation_timestamp.as_ref()?.0.to_string().parse().ok()?;
    if object.metadata.deletion_timestamp.is_some() {
        return None;
    }
    match object.data.get("spec").map(Spec::read) {
        Some(Ok(spec)) => Some(Glass { name, spec, made }),
        Some(Err(why)) => {
            tracing::warn!(name, why, "a break-glass object without effect");
            None
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MADE: &str = "2026-06-01T10:00:00Z";

    fn object(expires: &str, by: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "cleanbill.dev/v1", "kind": "BreakGlass",
            "metadata": {"name": "outage", "creationTimestamp": MADE},
            "spec": {"namespace": "shop", "digest": Digest::sha256(b"x").to_string(), "reason": "outage",
                     "requestedBy": by, "expires": expires}}))
        .unwrap()
    }

    #[track_caller]
    fn check(expires: &str, by: &str, now: &str, expect: bool) {
        let glass = read(&object(expires, by)).unwrap();
        let now = now.parse().unwrap();
        assert_eq!(glass.opens("shop", &Digest::sha256(b"x"), now), expect, "{expires} {by} {now}");
        assert!(!glass.opens("other", &Digest::sha256(b"x"), now));
        assert!(!glass.opens("shop", &Digest::sha256(b"y"), now));
    }

    #[test]
    fn it_holds_for_its_hours_and_not_a_moment_longer() {
        check("2026-06-01T12:00:00Z", "ann", "2026-06-01T11:00:00Z", true);
        check("2026-06-01T12:00:00Z", "ann", "2026-06-01T12:00:00Z", false);
        check("2026-06-01T14:00:00Z", "ann", "2026-06-01T13:59:00Z", true);
        // Made while the webhook was not asked.
        check("2026-06-01T18:00:00Z", "ann", "2026-06-01T11:00:00Z", false);
        check("2026-06-01T12:00:00Z", "system:serviceaccount:shop:x", "2026-06-01T11:00:00Z", false);
        check("2026-06-01T12:00:00Z", "ann", "2026-06-01T09:00:00Z", false);
    }

    #[test]
    fn what_cannot_be_read_or_is_being_deleted_opens_nothing() {
        let mut gone = object("2026-06-01T12:00:00Z", "ann");
        gone.metadata.deletion_timestamp = gone.metadata.creation_timestamp.clone();
        assert_eq!(read(&gone), None);
        let mut bad = object("2026-06-01T12:00:00Z", "ann");
        bad.data["spec"]["digest"] = json!("latest");
        assert_eq!(read(&bad), None);
    }
}
