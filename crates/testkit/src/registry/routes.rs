//! From a request to the code that answers it, through whatever goes wrong on the way.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use futures::StreamExt as _;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::faults::Plan;
use super::state::{Request, State};
use super::{access, read, write};

/// More than a test pushes at once.
const BODY: usize = 256 << 20;

/// A request, reduced.
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Ask {
    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| access::decode(value))
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new().fallback(move |request: axum::extract::Request| {
        let state = Arc::clone(&state);
        async move { respond(&state, request).await }
    })
}

async fn respond(state: &State, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let full_path = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
    let Ok(body) = to_bytes(body, BODY).await else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "too big");
    };
    let ask = Ask {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: head.headers.get("authorization").and_then(|v| v.to_str().ok()).map(str::to_owned),
        headers: head.headers,
        body: body.to_vec(),
    };
    if let Some(meeting) = state.faults.meeting(&ask.method, &full_path) {
        meeting.wait().await;
    }
    let plan = state.faults.plan(&full_path);
    if plan.hang {
        std::future::pending::<()>().await;
    }
    let response = if plan.too_many > 0 {
        let message = plan.error_message.as_deref().unwrap_or("too many requests");
        let mut response = error(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", message);
        if let Some(after) = &plan.retry_after {
            response.headers_mut().insert("retry-after", after.parse().unwrap());
        }
        response
    } else if plan.errors > 0 {
        let message = plan.error_message.as_deref().unwrap_or("the registry is unwell");
        error(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", message)
    } else {
        route(state, &plan, &ask)
    };
    state.log(Request {
        method: ask.method.clone(),
        path: full_path,
        has_authorization: ask.authorization.is_some(),
        status: response.status().as_u16(),
    });
    spoil(&plan, response)
}

/// Replaces the body of a good answer where the plan says so.
fn spoil(plan: &Plan, response: Response) -> Response {
    if !response.status().is_success() || !(plan.endless_body || plan.stalled_body) {
        return response;
    }
    let (mut head, _) = response.into_parts();
    head.headers.remove("content-length");
    let chunk = bytes::Bytes::from_static(&[b' '; 16384]);
    let body = if plan.endless_body {
        Body::from_stream(futures::stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone())))
    } else {
        Body::from_stream(futures::stream::iter([Ok::<_, Infallible>(chunk)]).chain(futures::stream::pending()))
    };
    Response::from_parts(head, body)
}

fn route(state: &State, plan: &Plan, ask: &Ask) -> Response {
    if ask.path == "/token" {
        return access::token(state, ask);
    }
    let Some(rest) = ask.path.strip_prefix("/v2/") else {
        return error(StatusCode::NOT_FOUND, "UNSUPPORTED", "only /v2/ is served");
    };
    if rest.is_empty() {
        return access::refuse(state, plan, ask, None).unwrap_or_else(|| {
            answer(StatusCode::OK, &[("docker-distribution-api-version", "registry/2.0")], b"{}".to_vec())
        });
    }
    let parts: Vec<&str> = rest.split('/').collect();
    let n = parts.len();
    let (name, kind, last) = if rest.ends_with("/blobs/uploads/") && n >= 4 {
        (parts[..n - 3].join("/"), "uploads", "")
    } else if n >= 4 && parts[n - 3] == "blobs" && parts[n - 2] == "uploads" {
        (parts[..n - 3].join("/"), "uploads", parts[n - 1])
    } else if n >= 3 {
        (parts[..n - 2].join("/"), parts[n - 2], parts[n - 1])
    } else {
        return error(StatusCode::NOT_FOUND, "NAME_INVALID", "no repository in the path");
    };
    if let Some(refusal) = access::refuse(state, plan, ask, Some(&name)) {
        return refusal;
    }
    if cleanbill_model::Reference::parse(&format!("{}/{name}", state.host)).is_err() {
        return error(StatusCode::BAD_REQUEST, "NAME_INVALID", "invalid repository name");
    }
    match (ask.method.as_str(), kind) {
        ("GET" | "HEAD", "manifests") => read::manifest(state, plan, ask, &name, last),
        ("GET" | "HEAD", "blobs") => read::blob(state, plan, ask, &name, last),
        ("GET", "referrers") => read::referrers(state, plan, ask, &name, last),
        ("GET", "tags") if last == "list" => read::tags(state, plan, ask, &name),
        ("PUT", "manifests") => write::manifest(state, ask, &name, last),
        ("DELETE", "manifests") => write::delete_manifest(state, &name, last),
        ("DELETE", "blobs") => write::delete_blob(state, &name, last),
        ("POST", "uploads") if last.is_empty() => write::start_upload(state, plan, ask, &name),
        ("PATCH", "uploads") => write::continue_upload(state, ask, &name, last),
        ("PUT", "uploads") => write::finish_upload(state, ask, &name, last),
        (_, "manifests" | "blobs" | "uploads" | "tags") => {
            error(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "method not allowed")
        }
        _ => error(StatusCode::NOT_FOUND, "UNSUPPORTED", "no such end point"),
    }
}

/// An answer with headers and a body.
pub(super) fn answer(status: StatusCode, headers: &[(&str, &str)], body: Vec<u8>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body)).unwrap()
}

/// An error in the specification's form.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = serde_json::to_vec(&json!({"errors": [{"code": code, "message": message, "detail": {}}]})).unwrap();
    answer(status, &[("content-type", "application/json")], body)
}
