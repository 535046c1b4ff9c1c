//! A registry that is farther away: every request waits for the round trip, is counted, and goes on to
//! the real one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

pub(crate) struct Delayed {
    host: String,
    asked: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Delayed {
    /// Stands in front of the registry at `to`.
    pub(crate) async fn start(to: &str, round_trip: Duration) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (http, to, counts) = (reqwest::Client::new(), format!("http://{to}"), Arc::clone(&asked));
        let router = Router::new().fallback(move |request: Request| {
            let (http, to, counts) = (http.clone(), to.clone(), Arc::clone(&counts));
            async move {
                let path = request.uri().path_and_query().unwrap().to_string();
                *counts.lock().unwrap().entry(format!("{} {path}", request.method())).or_default() += 1;
                tokio::time::sleep(round_trip).await;
                let answer = http
                    .request(request.method().clone(), format!("{to}{path}"))
                    .headers(request.headers().clone())
                    .send()
                    .await
                    .unwrap();
                let mut response = Response::builder().status(answer.status());
                *response.headers_mut().unwrap() = answer.headers().clone();
                response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { host, asked }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }

    /// What was asked for and how often, without the probe of the version.
    pub(crate) fn asked(&self) -> Vec<(String, u32)> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(what, _)| !what.ends_with("/v2/")).map(|(what, count)| (what.clone(), *count)).collect()
    }
}
