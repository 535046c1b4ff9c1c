//! One Secret, by name: where keys are kept that a person names on a command line. Neither agent nor
//! webhook reads any.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use crate::{ClusterError, Connection};

const PATIENCE: Duration = Duration::from_secs(30);

impl Connection {
    /// What a Secret holds.
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<BTreeMap<String, Vec<u8>>, ClusterError> {
        let fail = |why: String| ClusterError::Api {
            cluster: self.name().to_owned(),
            what: format!("read the Secret {namespace}/{name}"),
            why,
        };
        let secrets = Api::<Secret>::namespaced(self.client.clone(), namespace);
        let secret = tokio::time::timeout(PATIENCE, secrets.get(name))
            .await
            .map_err(|_| fail(format!("no answer in {} s", PATIENCE.as_secs())))?
            .map_err(|e| fail(e.to_string()))?;
        Ok(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect())
    }
}
