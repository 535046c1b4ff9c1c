//! What is attached to a digest (distribution spec, "Listing Referrers", "Referrers Tag Schema").

use std::collections::HashSet;

use cleanbill_image::Descriptor;
use cleanbill_model::{Digest, Platform, Reference};
use http::{Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use crate::error::OciError;
use crate::pull::ACCEPT;
use crate::transport::{Call, Client, DOCUMENT};

/// Referrers of one digest that are read, and pages they may come in (A21).
const REFERRERS: usize = 200;
const PAGES: usize = 100;
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Something attached to a digest.
#[derive(Debug, Clone)]
pub struct Referrer {
    /// Its descriptor. The artifact type of a list is a hint: open the manifest and look.
    pub descriptor: Descriptor,
    /// `referrers` or `fallback tag`.
    pub found_by: &'static str,
}

/// What is attached to a digest.
#[derive(Debug, Clone, Default)]
pub struct Referrers {
    /// In the registry's order, without repetition.
    pub list: Vec<Referrer>,
    /// More were there than are read (200), or the list did not come to its end.
    pub truncated: bool,
}

impl Client {
    /// What is attached to the reference's digest: referrers API with Link paging, and the fallback
    /// tag where the API is missing. Entries whose manifest names another subject do not count (A22):
    /// the caller that opens them checks.
    pub async fn referrers(&self, subject: &Reference) -> Result<Referrers, OciError> {
        let digest = match subject.digest() {
            Some(digest) => digest.clone(),
            None => self.resolve(subject).await?.digest,
        };
        let what = format!("list what is attached to {}@{digest}", subject.name());
        if let Some(found) = self.by_api(subject, &digest, &what).await? {
            return Ok(found);
        }
        let mut found = Referrers::default();
        if let Some(index) = self.fallback_index(subject, &digest, &what).await? {
            add(&mut found, &index, "fallback tag");
        }
        Ok(found)
    }

    /// `None` where the registry has no referrers API.
    async fn by_api(&self, subject: &Reference, digest: &Digest, what: &str) -> Result<Option<Referrers>, OciError> {
        let path = format!("{}/referrers/{digest}", subject.repository());
        let mut found = Referrers::default();
        let mut seen: HashSet<Url> = HashSet::new();
        let mut next: Option<Url> = None;
        loop {
            let mut call = Call::new(self, subject, Method::GET, &path, what.to_owned())?.header(header::ACCEPT, INDEX);
            let first = next.is_none();
            if let Some(url) = next.take() {
                call.url = url;
            }
            let url = call.url.clone();
            seen.insert(url.clone());
            let answer = self.send(call).await?;
            if first {
                let missing = matches!(
                    answer.status(),
                    StatusCode::NOT_FOUND
                        | StatusCode::METHOD_NOT_ALLOWED
                        | StatusCode::BAD_REQUEST
                        | StatusCode::NOT_ACCEPTABLE
                );
                // Registries that do not know the path may answer it with a page for people.
                if missing || (answer.status().is_success() && answer.media_type().as_deref() != Some(INDEX)) {
                    return Ok(None);
                }
            }
            let answer = answer.good(what).await?;
            let links: Vec<String> = answer
                .response
                .headers()
                .get_all(header::LINK)
                .iter()
                .filter_map(|v| v.to_str().ok().map(str::to_owned))
                .collect();
            let body = answer.body(DOCUMENT, what).await?;
            let index = parse_index(&body).ok_or_else(|| OciError::invalid(what, "the list is not an image index"))?;
            add(&mut found, &index, "referrers");
            let Some(link) = links.iter().find_map(|l| next_link(l)) else { return Ok(Some(found)) };
            match url.join(&link) {
                Ok(target) if target.origin() != url.origin() => {
                    return Err(OciError::invalid(what, "the next page of the list is on another host"));
                }
                Ok(target) if !found.truncated && seen.len() < PAGES && !seen.contains(&target) => next = Some(target),
                // A list that is too long, or leads back to itself: what was read stays.
                _ => {
                    found.truncated = true;
                    return Ok(Some(found));
                }
            }
        }
    }

    /// The index under the fallback tag, if there is one.
    pub(crate) async fn fallback_index(
        &self,
        subject: &Reference,
        digest: &Digest,
        what: &str,
    ) -> Result<Option<Value>, OciError> {
        let path = format!("{}/manifests/{}", subject.repository(), fallback_tag(digest));
        // Everything is accepted, or a registry answers "not found" to an image under this tag, and the
        // tag would be overwritten.
        let call = Call::new(self, subject, Method::GET, &path, what.to_owned())?.header(header::ACCEPT, ACCEPT);
        let answer = self.send(call).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = answer.good(what).await?;
        let stated = answer.digest(what)?;
        let body = answer.body(DOCUMENT, what).await?;
        if let Some(stated) = stated {
            crate::pull::check_bytes(&stated, &body, what)?;
        }
        let refuse =
            || OciError::invalid(what, format!("the tag {} does not name an image index", fallback_tag(digest)));
        parse_index(&body).map(Some).ok_or_else(refuse)
    }
}

/// `sha256-HEX`: the algorithm cut to 32, the digest to 64 characters.
pub(crate) fn fallback_tag(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}-{}", digest.algorithm().name(), hex.get(..64).unwrap_or(hex))
}

/// An index as JSON: an object whose `manifests` is a list.
pub(crate) fn parse_index(body: &[u8]) -> Option<Value> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let has_list = matches!(json.get("manifests"), Some(Value::Array(_) | Value::Null));
    let is_index = json.get("mediaType").is_none_or(|m| m == INDEX);
    (json.is_object() && has_list && is_index).then_some(json)
}

/// Adds the entries of `index` that are descriptors; one that is not hides no other (A17).
fn add(found: &mut Referrers, index: &Value, found_by: &'static str) {
    for entry in index.get("manifests").and_then(Value::as_array).into_iter().flatten() {
        let Some(descriptor) = parse_descriptor(entry) else {
            tracing::debug!("an entry of a referrers list is not a descriptor");
            continue;
        };
        if found.list.iter().any(|r| r.descriptor.digest == descriptor.digest) {
            continue;
        }
        if found.list.len() == REFERRERS {
            found.truncated = true;
            return;
        }
        found.list.push(Referrer { descriptor, found_by });
    }
}

fn parse_descriptor(json: &Value) -> Option<Descriptor> {
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
    let platform = json.get("platform").and_then(|p| {
        let part = |key: &str| p.get(key).and_then(Value::as_str);
        Some(Platform {
            os: part("os")?.to_owned(),
            architecture: part("architecture")?.to_owned(),
            variant: part("variant").map(str::to_owned),
        })
    });
    let annotations = json
        .get("annotations")
        .and_then(Value::as_object)
        .map(|map| map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect());
    Some(Descriptor {
        media_type: text("mediaType")?,
        digest: Digest::parse(json.get("digest")?.as_str()?).ok()?,
        size: json.get("size")?.as_u64()?,
        artifact_type: text("artifactType").filter(|t| !t.is_empty()),
        platform,
        annotations: annotations.unwrap_or_default(),
        urls: Vec::new(),
    })
}

/// The target of `rel="next"` in a `Link` header (RFC 8288).
fn next_link(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let behind = &rest[start + 1..];
        let end = behind.find('>')?;
        let target = &behind[..end];
        let after = &behind[end + 1..];
        let parameters = &after[..after.find('<').unwrap_or(after.len())];
        let is_next = parameters.split([';', ',']).any(|p| {
            p.split_once('=').is_some_and(|(key, value)| {
                key.trim().eq_ignore_ascii_case("rel")
                    && value.trim().trim_matches('"').split(' ').any(|r| r.eq_ignore_ascii_case("next"))
            })
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_links() {
        let check = |header: &str, expect: Option<&str>| assert_eq!(next_link(header).as_deref(), expect, "{header}");
        check("</v2/x?last=1>; rel=\"next\"", Some("/v2/x?last=1"));
        check("<a>; rel=prev, <b>;title=x;REL=\"last next\"", Some("b"));
        check("<a>; rel=\"prev\"", None);
        check("<a", None);
        check("", None);
        check("<a>", None);
    }

    #[test]
    fn the_fallback_tag_fits_a_tag() {
        let digest = Digest::parse(&format!("sha512:{}", "ab".repeat(64))).unwrap();
        assert_eq!(fallback_tag(&digest), format!("sha512-{}", "ab".repeat(32)));
    }

    #[test]
    fn a17_an_entry_that_is_no_descriptor_hides_no_other() {
        let good = Digest::sha256(b"x");
        let index = serde_json::json!({"manifests": [
            7, {"digest": "x"}, {"mediaType": "m", "digest": good.to_string(), "size": -1},
            {"mediaType": "m", "digest": good.to_string(), "size": 1, "annotations": {"a": "b", "c": 1}},
            {"mediaType": "again", "digest": good.to_string(), "size": 1},
        ]});
        let mut found = Referrers::default();
        add(&mut found, &index, "referrers");
        assert_eq!(found.list.len(), 1);
        assert_eq!(found.list[0].descriptor.media_type, "m");
        assert_eq!(found.list[0].descriptor.annotations.len(), 1);
    }
}
