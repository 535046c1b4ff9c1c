//! The registry client as the flags ask for it.

use std::time::Duration;

use anyhow::Context as _;
use cleanbill_oci::{Client, ClientOptions, Credentials};

use crate::args::Common;
use crate::paths;

/// A client with the credentials of the docker configuration. One that is named must be readable.
pub(crate) fn client(common: &Common) -> anyhow::Result<Client> {
    let credentials = match common.registry_config.clone().or_else(paths::docker_config) {
        Some(file) => Credentials::load(&file)?,
        None => Credentials::default(),
    };
    let options = ClientOptions {
        credentials,
        insecure: common.insecure_registry.clone(),
        timeout: Duration::from_secs(common.timeout.max(1)),
        ..ClientOptions::default()
    };
    Client::new(options).context("could not set up the registry client")
}
