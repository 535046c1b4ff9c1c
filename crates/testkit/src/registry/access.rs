//! Who may ask: Basic (RFC 7617) and tokens (distribution project, `docs/spec/auth/token.md` and
//! `oauth.md`).

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::json;

use super::Auth;
use super::faults::Plan;
use super::routes::{Ask, answer, error};
use super::state::State;

const PREFIX: &str = "token-for:";

/// `None` when the request may go on, else the refusal.
pub(super) fn refuse(state: &State, plan: &Plan, ask: &Ask, repository: Option<&str>) -> Option<Response> {
    match &state.options.auth {
        Auth::None => None,
        Auth::Basic { user, password } => (ask.authorization != Some(basic(user, password)))
            .then(|| challenge("Basic realm=\"testkit\"".to_owned(), "authentication required")),
        Auth::Token { .. } => {
            let action = if matches!(ask.method.as_str(), "GET" | "HEAD") { "pull" } else { "push" };
            let granted = ask
                .authorization
                .as_deref()
                .and_then(|a| a.strip_prefix("Bearer "))
                .and_then(|token| STANDARD.decode(token).ok())
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .and_then(|text| text.strip_prefix(PREFIX).map(str::to_owned));
            let allowed = match (&granted, repository) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(scopes), Some(repository)) => scopes.split(' ').any(|scope| {
                    scope
                        .strip_prefix(&format!("repository:{repository}:"))
                        .is_some_and(|actions| actions.split(',').any(|a| a == action))
                }),
            };
            if allowed {
                return None;
            }
            let own = format!("http://{}/token", state.host);
            let realm = plan.realm.as_deref().unwrap_or(&own);
            let mut header = format!("Bearer realm=\"{realm}\",service=\"{}\"", state.host);
            if let Some(repository) = repository {
                let actions = if action == "pull" { "pull" } else { "pull,push" };
                header.push_str(&format!(",scope=\"repository:{repository}:{actions}\""));
            }
            if granted.is_some() {
                header.push_str(",error=\"insufficient_scope\"");
            }
            Some(challenge(header, "authentication required"))
        }
    }
}

/// The token endpoint.
pub(super) fn token(state: &State, ask: &Ask) -> Response {
    let Auth::Token { user, password } = &state.options.auth else {
        return error(StatusCode::NOT_FOUND, "UNSUPPORTED", "there are no tokens here");
    };
    let parameters =
        if ask.method == "POST" { String::from_utf8_lossy(&ask.body).into_owned() } else { ask.query.clone() };
    let values = |wanted: &str| -> Vec<String> {
        parameters
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == wanted)
            .map(|(_, value)| decode(value))
            .collect()
    };
    let known = if ask.method == "POST" {
        values("grant_type") == ["refresh_token"] && values("refresh_token") == [state.identity_token()]
    } else {
        ask.authorization == Some(basic(user, password))
    };
    if values("service") != [state.host.clone()] {
        return error(StatusCode::BAD_REQUEST, "UNSUPPORTED", "the service is not this registry");
    }
    if !known {
        return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "incorrect username or password");
    }
    let token = STANDARD.encode(format!("{PREFIX}{}", values("scope").join(" ")));
    let key = if ask.method == "POST" { "access_token" } else { "token" };
    let body = serde_json::to_vec(&json!({key: token, "expires_in": 300})).unwrap();
    answer(StatusCode::OK, &[("content-type", "application/json")], body)
}

fn challenge(header: String, message: &str) -> Response {
    let mut response = error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message);
    response.headers_mut().insert("www-authenticate", header.parse().unwrap());
    response
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Percent-decoding of a query value.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
