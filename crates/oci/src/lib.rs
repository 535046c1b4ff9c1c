//! The network side of images: a client for registries that follow the OCI distribution specification
//! 1.1. The only room that knows that specification.
//!
//! The client trusts no registry. Every body is bounded, every digest is checked (A19), every page of a
//! list is counted (A21). Credentials go to the host they are for and to nobody else (A41): redirects
//! are followed by hand without them, and a token service gets them only under the rule in `token.rs`.
//! Addresses that an image name must not reach (metadata services, names inside a cluster) are refused
//! by name and again by resolved address (A42).

mod attach;
mod blobs;
mod challenge;
mod copy;
mod credentials;
mod error;
mod guard;
mod helper;
mod layers;
mod pull;
mod push;
mod referrers;
mod retry;
mod token;
mod transport;

use std::time::Duration;

pub use blobs::RegistryBlobs;
pub use credentials::Credentials;
pub use error::{ErrorKind, OciError};
pub use push::Pushed;
pub use referrers::{Referrer, Referrers};
pub use transport::Client;

/// How a client behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Whose credentials go to which host.
    pub credentials: Credentials,
    /// Hosts (with port) spoken to by plain HTTP; loopback hosts are anyway.
    pub insecure: Vec<String>,
    /// Whether loopback hosts may be asked (`up` and one-shot commands yes, agents no).
    pub allow_loopback: bool,
    /// For one request, retries included.
    pub timeout: Duration,
    /// Tries after the first, for what may pass by itself (connection failures, 429, 5xx).
    pub retries: u32,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            credentials: Credentials::default(),
            insecure: Vec::new(),
            allow_loopback: true,
            timeout: Duration::from_secs(30),
            retries: 3,
        }
    }
}
