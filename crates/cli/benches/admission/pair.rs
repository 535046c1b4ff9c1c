//! A pair of webhooks that answer at once: allowed, nothing changed. TLS as ours has it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine as _;
use cleanbill_admission::certs::Identity;
use cleanbill_model::Timestamp;
use serde_json::{Value, json};

pub(crate) struct Pair {
    url: String,
    authority: String,
    asked: Arc<AtomicUsize>,
}

impl Pair {
    /// Listens on a free port; its certificate and authority are kept in `folder`.
    pub(crate) async fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let identity = Identity::open(folder, &["127.0.0.1".to_owned()], Timestamp::now()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let router = Router::new().route(
            "/{phase}",
            post(move |body: Bytes| async move {
                counter.fetch_add(1, Ordering::SeqCst);
                let review: Value = serde_json::from_slice(&body).unwrap();
                let answer = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                    "response": {"uid": review["request"]["uid"], "allowed": true}});
                ([(header::CONTENT_TYPE, "application/json")], answer.to_string())
            }),
        );
        let kept = folder.join("admission");
        let config = RustlsConfig::from_pem_file(kept.join("tls.crt"), kept.join("tls.key")).await.unwrap();
        let server = axum_server::from_tcp_rustls(listener, config).unwrap();
        tokio::spawn(async move { server.serve(router.into_make_service()).await.unwrap() });
        Self { url, authority: identity.ca_pem, asked }
    }

    /// How many questions it has answered.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// One mutating and one validating configuration, asked about Pods.
    pub(crate) fn manifest(&self) -> String {
        let authority = base64::engine::general_purpose::STANDARD.encode(&self.authority);
        ["Mutating", "Validating"]
            .map(|sort| {
                let configuration = json!({
                    "apiVersion": "admissionregistration.k8s.io/v1", "kind": format!("{sort}WebhookConfiguration"),
                    "metadata": {"name": "pair"},
                    "webhooks": [{
                        "name": "pair.cleanbill.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                        "failurePolicy": "Fail", "timeoutSeconds": 10,
                        "clientConfig": {"url": format!("{}/{}", self.url, sort.to_lowercase()), "caBundle": authority},
                        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                                   "resources": ["pods"], "scope": "Namespaced"}],
                    }],
                });
                configuration.to_string()
            })
            .join("\n---\n")
    }
}
