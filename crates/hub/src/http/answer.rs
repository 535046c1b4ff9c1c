//! What a request that is not served is told: JSON under `/api/`, a page elsewhere.

use askama::Template;
use axum::Json;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

/// Why a request is not served.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    message: String,
    hint: String,
    api: bool,
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage<'a> {
    title: &'a str,
    message: &'a str,
    hint: &'a str,
}

/// Whether a program asks.
pub(super) fn is_api(uri: &Uri) -> bool {
    uri.path().starts_with("/api/")
}

impl Refusal {
    /// A refusal of a request for `uri`.
    pub(super) fn new(status: StatusCode, uri: &Uri, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: hint.into(), api: is_api(uri) }
    }

    /// Nobody is logged in.
    pub(super) fn unauthorized(parts: &Parts) -> Self {
        let (message, hint) = if is_api(&parts.uri) {
            (
                "no valid token",
                "send `Authorization: Bearer TOKEN`; the token stands in the file `token` of the data directory",
            )
        } else {
            (
                "you are not logged in",
                "open the link that `cleanbill up` prints; each start prints a new one, and it works once",
            )
        };
        Self::new(StatusCode::UNAUTHORIZED, &parts.uri, message, hint)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.api {
            return (self.status, Json(json!({"error": self.message, "hint": self.hint}))).into_response();
        }
        let title = self.status.canonical_reason().unwrap_or("Error");
        let page = RefusalPage { title, message: &self.message, hint: &self.hint };
        match page.render() {
            Ok(page) => (self.status, Html(page)).into_response(),
            Err(_) => (self.status, self.message).into_response(),
        }
    }
}
