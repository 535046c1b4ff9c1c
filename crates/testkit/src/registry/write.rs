//! Writing: uploads, manifests, deletion (distribution spec, "Push", "Content Management").

use axum::response::Response;
use cleanbill_model::Digest;
use http::StatusCode;
use serde_json::Value;

use super::faults::Plan;
use super::routes::{Ask, answer, error};
use super::state::State;

/// The size that every registry must take.
const MANIFEST: usize = 4 << 20;

pub(super) fn start_upload(state: &State, plan: &Plan, ask: &Ask, name: &str) -> Response {
    if let (Some(mount), Some(from)) = (ask.parameter("mount"), ask.parameter("from")) {
        let bytes = Digest::parse(&mount).ok().and_then(|d| state.change(&from, |repo| repo.blobs.get(&d).cloned()));
        if let Some(bytes) = bytes {
            return store_blob(state, name, &mount, bytes);
        }
    }
    if let Some(digest) = ask.parameter("digest") {
        return store_blob(state, name, &digest, ask.body.clone());
    }
    let session = state.next().to_string();
    state.uploads.lock().unwrap().insert(session.clone(), Vec::new());
    let own = place(name, &session);
    let location = plan.upload_location.as_deref().unwrap_or(&own);
    answer(StatusCode::ACCEPTED, &[("location", location), ("range", "0-0")], Vec::new())
}

/// A relative place with a query of its own, to which a client must add and not replace.
fn place(name: &str, session: &str) -> String {
    format!("/v2/{name}/blobs/uploads/{session}?_state=of%2F{session}")
}

fn known(ask: &Ask, session: &str) -> bool {
    ask.parameter("_state") == Some(format!("of/{session}"))
}

pub(super) fn continue_upload(state: &State, ask: &Ask, name: &str, session: &str) -> Response {
    let mut uploads = state.uploads.lock().unwrap();
    let Some(upload) = uploads.get_mut(session).filter(|_| known(ask, session)) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
    };
    let start = ask.header("content-range").and_then(|r| r.split_once('-')).and_then(|(from, _)| from.parse().ok());
    if start.is_some_and(|s: usize| s != upload.len()) {
        return error(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", "chunk out of order");
    }
    upload.extend_from_slice(&ask.body);
    let range = format!("0-{}", upload.len().saturating_sub(1));
    answer(StatusCode::ACCEPTED, &[("location", &place(name, session)), ("range", &range)], Vec::new())
}

pub(super) fn finish_upload(state: &State, ask: &Ask, name: &str, session: &str) -> Response {
    let Some(digest) = ask.parameter("digest") else {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "no digest");
    };
    let upload = if known(ask, session) { state.uploads.lock().unwrap().remove(session) } else { None };
    let Some(mut bytes) = upload else {
        return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
    };
    if ask.header("content-type") != Some("application/octet-stream") && !ask.body.is_empty() {
        return error(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", "content type is not application/octet-stream");
    }
    bytes.extend_from_slice(&ask.body);
    store_blob(state, name, &digest, bytes)
}

fn store_blob(state: &State, name: &str, digest: &str, bytes: Vec<u8>) -> Response {
    match Digest::parse(digest) {
        Ok(digest) if digest.matches(&bytes) => {
            state.change(name, |repo| repo.blobs.insert(digest.clone(), bytes));
            let headers =
                [("location", format!("/v2/{name}/blobs/{digest}")), ("docker-content-digest", digest.to_string())];
            answer(StatusCode::CREATED, &[(headers[0].0, &headers[0].1), (headers[1].0, &headers[1].1)], Vec::new())
        }
        _ => error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "provided digest did not match uploaded content"),
    }
}

pub(super) fn manifest(state: &State, ask: &Ask, name: &str, selector: &str) -> Response {
    if ask.body.len() > MANIFEST {
        return error(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", "manifest is too big");
    }
    let Some(media_type) = ask.header("content-type") else {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "no content type");
    };
    let Ok(json) = serde_json::from_slice::<Value>(&ask.body) else {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "not JSON");
    };
    if json["mediaType"].as_str().is_some_and(|m| m != media_type) {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "mediaType is not the content type");
    }
    let by_digest = Digest::parse(selector).ok();
    if selector.contains(':') && !by_digest.as_ref().is_some_and(|d| d.matches(&ask.body)) {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    let names = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|d| d["digest"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let mut blobs = names(&json["layers"]);
    blobs.extend(json["config"]["digest"].as_str().map(str::to_owned));
    let manifests = names(&json["manifests"]);
    let missing = state.change(name, |repo| {
        blobs
            .iter()
            .find(|text| !Digest::parse(text).is_ok_and(|d| repo.blobs.contains_key(&d)))
            .or_else(|| {
                manifests.iter().find(|text| !Digest::parse(text).is_ok_and(|d| repo.manifests.contains_key(&d)))
            })
            .cloned()
    });
    if let Some(missing) = missing {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_BLOB_UNKNOWN", &format!("{missing} is not in the repository"));
    }
    let digest = state.change(name, |repo| {
        let digest = repo.add_manifest(media_type, ask.body.clone());
        if by_digest.is_none() {
            repo.tags.insert(selector.to_owned(), digest.clone());
        }
        digest
    });
    let (location, text) = (format!("/v2/{name}/manifests/{digest}"), digest.to_string());
    let mut headers = vec![("location", location.as_str()), ("docker-content-digest", text.as_str())];
    if let Some(subject) = json["subject"]["digest"].as_str().filter(|_| state.options.referrers_api) {
        headers.push(("oci-subject", subject));
    }
    answer(StatusCode::CREATED, &headers, Vec::new())
}

pub(super) fn delete_manifest(state: &State, name: &str, selector: &str) -> Response {
    if state.change(name, |repo| repo.delete(selector)) {
        answer(StatusCode::ACCEPTED, &[], Vec::new())
    } else {
        error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown")
    }
}

pub(super) fn delete_blob(state: &State, name: &str, digest: &str) -> Response {
    let gone = Digest::parse(digest).is_ok_and(|d| state.change(name, |repo| repo.blobs.remove(&d).is_some()));
    if gone {
        answer(StatusCode::ACCEPTED, &[], Vec::new())
    } else {
        error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry")
    }
}
