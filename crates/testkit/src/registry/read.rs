//! Reading: manifests, blobs, tags, referrers (distribution spec, "Pull", "Content Discovery").

use axum::response::Response;
use cleanbill_model::Digest;
use http::StatusCode;
use serde_json::json;

use super::faults::Plan;
use super::routes::{Ask, answer, error};
use super::state::State;
use crate::image::media_type;

pub(super) fn manifest(state: &State, plan: &Plan, ask: &Ask, name: &str, selector: &str) -> Response {
    let found = state.change(name, |repo| repo.find(selector).map(|(digest, m)| (digest, m.clone())));
    let Some((digest, manifest)) = found else {
        return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown");
    };
    let accepted: Vec<&str> = ask
        .headers
        .get_all("accept")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|v| v.split(';').next().unwrap_or_default().trim())
        .collect();
    if !accepted.is_empty() && !accepted.iter().any(|a| *a == manifest.media_type || *a == "*/*") {
        return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "the Accept header does not name the media type");
    }
    let bytes = plan.other_bytes.get(&digest).cloned().unwrap_or(manifest.bytes);
    let stated = if plan.lie_about_digest { Digest::sha256(b"a lie") } else { digest };
    let length = bytes.len().to_string();
    let headers = [
        ("content-type", plan.content_type.as_deref().unwrap_or(&manifest.media_type)),
        ("docker-content-digest", &stated.to_string()),
        ("content-length", &length),
    ];
    answer(StatusCode::OK, &headers, if ask.method == "HEAD" { Vec::new() } else { bytes })
}

pub(super) fn blob(state: &State, plan: &Plan, ask: &Ask, name: &str, digest: &str) -> Response {
    let Ok(digest) = Digest::parse(digest) else {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "invalid digest");
    };
    if plan.redirect_loop || plan.redirect_blobs.is_some() {
        let base = plan.redirect_blobs.clone().unwrap_or_else(|| format!("http://{}", state.host));
        return answer(StatusCode::TEMPORARY_REDIRECT, &[("location", &format!("{base}{}", ask.path))], Vec::new());
    }
    let Some(bytes) = state.change(name, |repo| repo.blobs.get(&digest).cloned()) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry");
    };
    let bytes = plan.other_bytes.get(&digest).cloned().unwrap_or(bytes);
    let total = bytes.len();
    let text = digest.to_string();
    let mut headers = vec![
        ("content-type", "application/octet-stream".to_owned()),
        ("docker-content-digest", text),
        ("accept-ranges", "bytes".to_owned()),
    ];
    let range = ask.header("range").and_then(|r| r.strip_prefix("bytes=")).and_then(|r| r.split_once('-'));
    let (status, body) = match range {
        None => (StatusCode::OK, bytes),
        Some((from, to)) => {
            let from = from.parse::<usize>().unwrap_or(usize::MAX);
            let to = to.parse::<usize>().unwrap_or(usize::MAX).min(total.saturating_sub(1));
            if from > to || from >= total {
                return error(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_INVALID", "no such bytes");
            }
            headers.push(("content-range", format!("bytes {from}-{to}/{total}")));
            (StatusCode::PARTIAL_CONTENT, bytes[from..=to].to_vec())
        }
    };
    headers.push(("content-length", body.len().to_string()));
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    answer(status, &headers, if ask.method == "HEAD" { Vec::new() } else { body })
}

pub(super) fn referrers(state: &State, plan: &Plan, ask: &Ask, name: &str, digest: &str) -> Response {
    if !state.options.referrers_api {
        return error(StatusCode::NOT_FOUND, "UNSUPPORTED", "there is no referrers API");
    }
    let Ok(digest) = Digest::parse(digest) else {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "invalid digest");
    };
    let mut list = state.change(name, |repo| repo.referrers(&digest));
    if plan.drop_referrers {
        list.clear();
    }
    let wanted = ask.parameter("artifactType");
    if let Some(wanted) = &wanted {
        list.retain(|entry| entry["artifactType"] == wanted.as_str());
    }
    let start = ask.parameter("last").and_then(|n| n.parse().ok()).unwrap_or(0usize).min(list.len());
    let end = state.options.page_size.map_or(list.len(), |size| (start + size).min(list.len()));
    let next = if plan.pagination_loop { Some(start) } else { (end < list.len()).then_some(end) };
    let mut headers = vec![("content-type", media_type::INDEX.to_owned())];
    if wanted.is_some() {
        headers.push(("oci-filters-applied", "artifactType".to_owned()));
    }
    if let Some(link) = &plan.link {
        headers.push(("link", link.clone()));
    } else if let Some(next) = next {
        let filter = wanted.map_or_else(String::new, |w| format!("artifactType={w}&"));
        headers.push(("link", format!("</v2/{name}/referrers/{digest}?{filter}last={next}>; rel=\"next\"")));
    }
    let body = plan.referrers_body.clone().unwrap_or_else(|| {
        let index = json!({"schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": &list[start..end]});
        serde_json::to_vec(&index).unwrap()
    });
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    answer(StatusCode::OK, &headers, body)
}

pub(super) fn tags(state: &State, plan: &Plan, ask: &Ask, name: &str) -> Response {
    let all: Vec<String> = state.change(name, |repo| repo.tags.keys().cloned().collect());
    let last = ask.parameter("last").filter(|_| !plan.pagination_loop);
    let mut tags: Vec<String> = all.into_iter().filter(|t| last.as_ref().is_none_or(|l| t > l)).collect();
    let size = ask.parameter("n").and_then(|n| n.parse().ok()).or(state.options.page_size).unwrap_or(usize::MAX);
    let more = tags.len() > size || plan.pagination_loop;
    tags.truncate(size);
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if let (true, Some(end)) = (more, tags.last()) {
        headers.push(("link", format!("</v2/{name}/tags/list?n={size}&last={end}>; rel=\"next\"")));
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    answer(StatusCode::OK, &headers, serde_json::to_vec(&json!({"name": name, "tags": tags})).unwrap())
}
