//! From a kubeconfig to a client, with errors that say which file, which context and what there is.

use std::path::Path;
use std::time::Duration;

use cleanbill_model::Cluster;
use k8s_openapi::api::core::v1::Namespace;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

/// The most a kubeconfig may have in bytes.
const MAX_KUBECONFIG: u64 = 16 << 20;
/// How long the API server may take to answer one question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a cluster cannot be talked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The file cannot be read.
    #[error("kubeconfig {path}: {why}\nhint: name the file with --kubeconfig or KUBECONFIG")]
    Read {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// The file is no kubeconfig.
    #[error("{path} is not a kubeconfig: {why}")]
    Foreign {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// No such context.
    #[error("kubeconfig {path} has no context `{context}`; it has {available}")]
    Context {
        /// The file.
        path: String,
        /// Asked for.
        context: String,
        /// What there is.
        available: String,
    },
    /// No context was named and the file names none as current.
    #[error("kubeconfig {path} names no current context; it has {available}\nhint: name one with --context")]
    NoCurrent {
        /// The file.
        path: String,
        /// What there is.
        available: String,
    },
    /// The context names a cluster, user or file that cannot be used.
    #[error("context `{context}` of kubeconfig {path} cannot be used: {why}")]
    Unusable {
        /// The file.
        path: String,
        /// The context.
        context: String,
        /// Why.
        why: String,
    },
    /// The API server does not answer, or refuses.
    #[error("cluster `{cluster}`: could not {what}: {why}")]
    Api {
        /// The cluster's name for people.
        cluster: String,
        /// What was asked.
        what: String,
        /// Why it failed.
        why: String,
    },
}

/// A cluster that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    pub(crate) client: Client,
    name: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects by a context of a kubeconfig; by its current context where none is named. The
    /// server is not asked yet.
    pub async fn open(kubeconfig: &Path, context: Option<&str>) -> Result<Self, ClusterError> {
        // One crypto provider in the whole process; who was first has set the same one.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let path = kubeconfig.display().to_string();
        let (config, name) = load(kubeconfig, context)?;
        let unusable = |why: String| ClusterError::Unusable { path: path.clone(), context: name.clone(), why };
        let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(config, &options).await.map_err(|e| unusable(e.to_string()))?;
        let client = Client::try_from(config).map_err(|e| unusable(e.to_string()))?;
        Ok(Self { client, name })
    }

    /// The context's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which cluster this is: the uid of its `kube-system` namespace.
    pub async fn identity(&self) -> Result<Cluster, ClusterError> {
        let fail = |why: String| ClusterError::Api {
            cluster: self.name.clone(),
            what: "read the namespace kube-system".to_owned(),
            why,
        };
        let namespaces = Api::<Namespace>::all(self.client.clone());
        let namespace = tokio::time::timeout(PATIENCE, namespaces.get("kube-system"))
            .await
            .map_err(|_| fail(format!("no answer in {} s", PATIENCE.as_secs())))?
            .map_err(|e| fail(e.to_string()))?;
        let uid = namespace.metadata.uid.filter(|u| !u.is_empty()).ok_or_else(|| fail("it has no uid".to_owned()))?;
        Ok(Cluster { uid, name: self.name.clone() })
    }
}

/// Reads a kubeconfig and picks the context.
fn load(file: &Path, context: Option<&str>) -> Result<(Kubeconfig, String), ClusterError> {
    let path = file.display().to_string();
    let read = |why: String| ClusterError::Read { path: path.clone(), why };
    let foreign = |why: String| ClusterError::Foreign { path: path.clone(), why };
    let size = std::fs::metadata(file).map_err(|e| read(e.to_string()))?.len();
    if size > MAX_KUBECONFIG {
        return Err(foreign(format!("it has {size} bytes")));
    }
    let text = std::fs::read(file).map_err(|e| read(e.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| foreign("it is not text".to_owned()))?;
    // Looked at as plain YAML first: what is missing or of another kind is told as that.
    let value: serde_json::Value = serde_saphyr::from_str(&text).map_err(|e| foreign(first_line(&e.to_string())))?;
    let map = value.as_object().ok_or_else(|| foreign("it is not a YAML mapping".to_owned()))?;
    if let Some(kind) = map.get("kind").and_then(|k| k.as_str()).filter(|k| *k != "Config") {
        return Err(foreign(format!("it is of kind `{kind}`")));
    }
    if !map.contains_key("contexts") || !map.contains_key("clusters") {
        return Err(foreign("it has no `contexts` and `clusters`".to_owned()));
    }
    // Read again by path: files it names are relative to it.
    let config = Kubeconfig::read_from(file).map_err(|e| foreign(first_line(&e.to_string())))?;
    let names: Vec<_> = config.contexts.iter().map(|c| c.name.clone()).collect();
    let available = match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let current = config.current_context.clone().filter(|c| !c.is_empty());
    let Some(name) = context.map(str::to_owned).or(current) else {
        return Err(ClusterError::NoCurrent { path, available });
    };
    if !names.contains(&name) {
        return Err(ClusterError::Context { path, context: name, available });
    }
    Ok((config, name))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
