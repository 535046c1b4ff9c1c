//! What every request passes before anything else: the name it was sent to, the site it comes from, and
//! the headers that every answer carries.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::Refusal;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The port the hub listens on.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnPort(pub(super) u16);

/// Refuses requests sent to a name that is not this machine's own (DNS rebinding, attack A81) and
/// changes asked for by another site.
pub(super) async fn guard(State(OwnPort(port)): State<OwnPort>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let host = request
        .headers()
        .get(HOST)
        .and_then(|h| h.to_str().ok())
        .map(str::to_owned)
        .or_else(|| uri.authority().map(ToString::to_string));
    let mut response = if !host.as_deref().is_some_and(|h| is_own(h, port)) {
        let hint = format!("open http://127.0.0.1:{port}/");
        Refusal::new(StatusCode::FORBIDDEN, &uri, "the request was sent to a name that is not this hub's", hint)
            .into_response()
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) && is_foreign(&request, port) {
        Refusal::new(
            StatusCode::FORBIDDEN,
            &uri,
            "the request comes from another site",
            "send it from the hub's own pages",
        )
        .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_own(host: &str, port: u16) -> bool {
    let (name, given) = match host.rsplit_once(':') {
        Some((name, given)) if !given.ends_with(']') => (name, given.parse().ok()),
        _ => (host, Some(80)),
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") && given == Some(port)
}

/// Whether a browser says that another site made it send this.
fn is_foreign(request: &Request, port: u16) -> bool {
    let text = |name: &HeaderName| request.headers().get(name).map(|v| v.to_str().unwrap_or("?"));
    let foreign_origin =
        text(&ORIGIN).is_some_and(|origin| !origin.strip_prefix("http://").is_some_and(|host| is_own(host, port)));
    let foreign_site = text(&FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
    foreign_origin || foreign_site
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn a81_only_loopback_names_with_the_own_port_count() {
        for host in ["127.0.0.1:8420", "localhost:8420", "[::1]:8420"] {
            assert!(is_own(host, 8420), "{host}");
        }
        for host in ["127.0.0.1", "localhost:1", "evil.example:8420", "127.0.0.1.evil.example:8420", "[::1]", ""] {
            assert!(!is_own(host, 8420), "{host}");
        }
    }
}
