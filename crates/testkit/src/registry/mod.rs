//! A registry in memory, strict by the OCI distribution specification 1.1, that can be told to lie.
//!
//! It runs on a thread and a runtime of its own, so that tests may block, pause their clock or have no
//! runtime at all.

mod access;
mod faults;
mod read;
mod routes;
mod state;
mod write;

use std::sync::Arc;
use std::thread::JoinHandle;

use cleanbill_model::{Digest, Reference};

use crate::image::{BuiltImage, BuiltIndex};

pub use faults::Faults;
pub use state::Request;
use state::State;

/// Who may ask the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Everybody.
    #[default]
    None,
    /// Whoever sends user and password with every request (RFC 7617).
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
    /// Whoever has a token for the repository and action from `/token` on the same listener, which
    /// asks for user and password, or for [`Registry::identity_token`].
    Token {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
}

/// How a registry behaves.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Whether it has the referrers API and keeps referrers itself; without, clients use the fallback tag.
    pub referrers_api: bool,
    /// Who may ask.
    pub auth: Auth,
    /// Entries of one page of a list; all at once where it is `None`.
    pub page_size: Option<usize>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self { referrers_api: true, auth: Auth::None, page_size: None }
    }
}

/// A running registry; it stops when it is dropped.
pub struct Registry {
    state: Arc<State>,
    port: u16,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Registry {
    /// Starts a registry on a free port of 127.0.0.1.
    pub async fn start(options: RegistryOptions) -> Self {
        Self::start_blocking(options)
    }

    /// As [`Registry::start`], for tests without a runtime.
    pub fn start_blocking(options: RegistryOptions) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::new(format!("127.0.0.1:{port}"), options));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let served = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let server = axum::serve(listener, routes::router(served));
                tokio::select! {
                    result = server => result.unwrap(),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { state, port, stop: Some(stop), thread: Some(thread) }
    }

    /// Host and port: `127.0.0.1:40123`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A reference to `rest` (`app:1`) in this registry.
    pub fn reference(&self, rest: &str) -> Reference {
        Reference::parse(&format!("{}/{rest}", self.host())).expect(rest)
    }

    /// What it does wrong; may be changed while it runs.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// The requests it answered, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.state.forget_requests();
    }

    /// The token that `/token` takes as a refresh token (`identitytoken` in docker's configuration).
    pub fn identity_token(&self) -> String {
        self.state.identity_token()
    }

    /// Stores an image and its blobs under `tag`.
    pub fn put(&self, repository: &str, image: &BuiltImage, tag: &str) {
        self.put_untagged(repository, image);
        self.move_tag(repository, tag, &image.digest);
    }

    /// Stores an image and its blobs by digest alone.
    pub fn put_untagged(&self, repository: &str, image: &BuiltImage) {
        self.state.change(repository, |repo| {
            for (digest, bytes) in image.blobs() {
                repo.blobs.insert(digest.clone(), bytes.to_vec());
            }
            repo.add_manifest(&image.media_type, image.manifest.clone());
        });
    }

    /// Stores an index with its images under `tag`.
    pub fn put_index(&self, repository: &str, index: &BuiltIndex, tag: &str) {
        for image in &index.images {
            self.put_untagged(repository, image);
        }
        self.put_manifest(repository, &index.media_type, &index.manifest, Some(tag));
    }

    /// Stores manifest bytes as they are, unchecked.
    pub fn put_manifest(&self, repository: &str, media_type: &str, bytes: &[u8], tag: Option<&str>) -> Digest {
        self.state.change(repository, |repo| {
            let digest = repo.add_manifest(media_type, bytes.to_vec());
            if let Some(tag) = tag {
                repo.tags.insert(tag.to_owned(), digest.clone());
            }
            digest
        })
    }

    /// Stores a blob.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.state.change(repository, |repo| repo.blobs.insert(digest.clone(), bytes.to_vec()));
        digest
    }

    /// Points a tag at a digest.
    pub fn move_tag(&self, repository: &str, tag: &str, digest: &Digest) {
        self.state.change(repository, |repo| repo.tags.insert(tag.to_owned(), digest.clone()));
    }

    /// The digest that a tag points at.
    pub fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.state.change(repository, |repo| repo.tags.get(tag).cloned())
    }

    /// The tags of a repository, sorted.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        self.state.change(repository, |repo| repo.tags.keys().cloned().collect())
    }

    /// The manifest bytes that a tag or digest names.
    pub fn manifest(&self, repository: &str, selector: &str) -> Option<Vec<u8>> {
        self.state.change(repository, |repo| repo.find(selector).map(|(_, m)| m.bytes.clone()))
    }

    /// The bytes of a blob.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.state.change(repository, |repo| repo.blobs.get(digest).cloned())
    }

    /// Deletes a tag, or a manifest by digest with the tags that point at it; whether it was there.
    pub fn delete_manifest(&self, repository: &str, selector: &str) -> bool {
        self.state.change(repository, |repo| repo.delete(selector))
    }

    /// Stops it and waits until its port is closed.
    pub async fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.end();
    }
}
