//! API and pages over HTTP. Plain HTTP on the loopback; whoever listens elsewhere needs TLS in front,
//! which is not offered yet.

mod admissions;
mod answer;
mod api;
mod auth;
mod guard;
mod pages;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::FromRef;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

pub use auth::{Acknowledge, Action, Auth, Authorized, View};
pub(crate) use pages::ago;

use crate::hub::{Hub, HubError};
use guard::OwnPort;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) hub: Hub,
    auth: Auth,
}

impl FromRef<Shared> for Auth {
    fn from_ref(shared: &Shared) -> Self {
        shared.auth.clone()
    }
}

impl Hub {
    /// The routes, for a hub that listens on `address`.
    pub fn router(&self, auth: Auth, address: SocketAddr) -> Router {
        let shared = Shared { hub: self.clone(), auth };
        Router::new()
            .route("/", get(pages::home))
            .route("/search", get(pages::search))
            .route("/alerts", get(pages::alerts))
            .route("/alerts/{id}/ack", post(pages::acknowledge))
            .route("/admissions", get(admissions::list))
            .route("/admissions/{id}", get(admissions::one))
            .route("/images/{digest}", get(admissions::image))
            .route("/login", get(pages::login))
            .route("/api/v1/where", get(api::where_))
            .route("/api/v1/alerts", get(api::alerts))
            .route("/api/v1/alerts/{id}/ack", post(api::acknowledge))
            .route("/api/v1/admissions", get(admissions::api_list))
            .route("/api/v1/admissions/{id}", get(admissions::api_one))
            .route("/api/v1/status", get(api::status))
            .fallback(pages::not_found)
            .with_state(shared)
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(|| async { "ok\n" }))
            .route("/assets/style.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
            .route("/assets/app.js", get(|| async { ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT) }))
            .layer(from_fn_with_state(OwnPort(address.port()), guard::guard))
    }

    /// Serves API and pages until the task is dropped.
    pub async fn serve(&self, listener: TcpListener, auth: Auth) -> Result<(), HubError> {
        let failed = |source| HubError::Io { path: "the listener".to_owned(), source };
        let address = listener.local_addr().map_err(failed)?;
        // Answers go out at once, not when what went before was acknowledged.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        axum::serve(listener, self.router(auth, address)).await.map_err(failed)
    }
}

const STYLE: &str = include_str!("../../assets/style.css");
const SCRIPT: &str = include_str!("../../assets/app.js");
