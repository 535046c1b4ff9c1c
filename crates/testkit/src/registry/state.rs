//! What the registry holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use cleanbill_model::Digest;
use serde_json::Value;

use super::{Auth, Faults, RegistryOptions};

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Whether it carried credentials.
    pub has_authorization: bool,
    /// Status of the answer.
    pub status: u16,
}

/// A stored manifest.
#[derive(Debug, Clone)]
pub(super) struct Manifest {
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
    /// Order of arrival, the order of referrers lists.
    pub(super) number: usize,
}

#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) manifests: HashMap<Digest, Manifest>,
    pub(super) blobs: HashMap<Digest, Vec<u8>>,
    pub(super) tags: BTreeMap<String, Digest>,
}

pub(super) struct State {
    pub(super) host: String,
    pub(super) options: RegistryOptions,
    pub(super) faults: Faults,
    repositories: Mutex<HashMap<String, Repository>>,
    pub(super) uploads: Mutex<HashMap<String, Vec<u8>>>,
    log: Mutex<Vec<Request>>,
    counter: AtomicU64,
}

impl State {
    pub(super) fn new(host: String, options: RegistryOptions) -> Self {
        Self {
            host,
            options,
            faults: Faults::default(),
            repositories: Mutex::default(),
            uploads: Mutex::default(),
            log: Mutex::default(),
            counter: AtomicU64::new(1),
        }
    }

    /// Runs `f` on a repository, which comes to be when it is named.
    pub(super) fn change<T>(&self, name: &str, f: impl FnOnce(&mut Repository) -> T) -> T {
        f(self.repositories.lock().unwrap().entry(name.to_owned()).or_default())
    }

    /// A number never given before.
    pub(super) fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn log(&self, request: Request) {
        self.log.lock().unwrap().push(request);
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn forget_requests(&self) {
        self.log.lock().unwrap().clear();
    }

    pub(super) fn identity_token(&self) -> String {
        match &self.options.auth {
            Auth::None => String::new(),
            Auth::Basic { user, .. } | Auth::Token { user, .. } => format!("identity-of-{user}"),
        }
    }
}

impl Repository {
    pub(super) fn add_manifest(&mut self, media_type: &str, bytes: Vec<u8>) -> Digest {
        let digest = Digest::sha256(&bytes);
        let number = self.manifests.len();
        self.manifests.entry(digest.clone()).or_insert(Manifest { media_type: media_type.to_owned(), bytes, number });
        digest
    }

    /// The manifest that a tag or digest names.
    pub(super) fn find(&self, selector: &str) -> Option<(Digest, &Manifest)> {
        let digest = match Digest::parse(selector) {
            Ok(digest) => digest,
            Err(_) => self.tags.get(selector)?.clone(),
        };
        let manifest = self.manifests.get(&digest)?;
        Some((digest, manifest))
    }

    pub(super) fn delete(&mut self, selector: &str) -> bool {
        match Digest::parse(selector) {
            Ok(digest) => {
                self.tags.retain(|_, d| *d != digest);
                self.manifests.remove(&digest).is_some()
            }
            Err(_) => self.tags.remove(selector).is_some(),
        }
    }

    /// Descriptors of the manifests whose `subject` is `digest`, in order of arrival.
    pub(super) fn referrers(&self, digest: &Digest) -> Vec<Value> {
        let mut found: Vec<(usize, Value)> = self
            .manifests
            .iter()
            .filter_map(|(own, manifest)| {
                let json: Value = serde_json::from_slice(&manifest.bytes).ok()?;
                if json["subject"]["digest"].as_str()? != digest.to_string() {
                    return None;
                }
                let mut entry = serde_json::json!({
                    "mediaType": manifest.media_type,
                    "digest": own.to_string(),
                    "size": manifest.bytes.len(),
                });
                let artifact_type = json["artifactType"].as_str().or_else(|| json["config"]["mediaType"].as_str());
                if let Some(artifact_type) = artifact_type {
                    entry["artifactType"] = artifact_type.into();
                }
                if json["annotations"].is_object() {
                    entry["annotations"] = json["annotations"].clone();
                }
                Some((manifest.number, entry))
            })
            .collect();
        found.sort_by_key(|(number, _)| *number);
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}
