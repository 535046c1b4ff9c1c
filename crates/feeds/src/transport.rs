//! One try for one file: conditional, redirected by hand, bounded, written beside its place.

use std::sync::OnceLock;
use std::time::Duration;

use cleanbill_model::Timestamp;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::Response;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use url::Url;

use crate::address::{is_loopback, redirect, shown};
use crate::cache::{Held, Place};
use crate::error::{causes, plain};
use crate::{ErrorKind, FeedError, Fetch, Form, Progress, retry, shape};

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Bytes of an `ETag` or a date that are kept.
const VALIDATOR: usize = 1024;

/// The connections. Made when they are first needed: certificate authorities are read then.
#[derive(Debug)]
pub(crate) struct Http {
    timeout: Duration,
    /// For this machine: no proxy.
    near: OnceLock<Result<reqwest::Client, String>>,
    /// For all others; proxies as the environment says.
    far: OnceLock<Result<reqwest::Client, String>>,
}

/// What is asked for.
pub(crate) struct Ask<'a> {
    pub(crate) fetch: &'a Fetch,
    pub(crate) address: &'a Url,
    pub(crate) place: &'a Place,
    /// What is there already.
    pub(crate) held: Option<&'a Held>,
    pub(crate) timeout: Duration,
    pub(crate) limit: u64,
    pub(crate) now: Timestamp,
}

pub(crate) enum Answer {
    /// What is there is current.
    Unchanged,
    /// Another file.
    New(New),
}

pub(crate) struct New {
    pub(crate) part: NamedTempFile,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    /// Whether every address on the way was asked by TLS.
    pub(crate) authenticated: bool,
}

/// Why one try failed.
pub(crate) struct Failure {
    pub(crate) error: FeedError,
    /// Whether another try may go better, and after how long at least.
    pub(crate) again: Option<Option<Duration>>,
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        Self { error, again: None }
    }
}

impl Http {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, near: OnceLock::new(), far: OnceLock::new() }
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, String> {
        let near = is_loopback(url);
        let kept = if near { &self.near } else { &self.far };
        kept.get_or_init(|| connect(self.timeout, near)).as_ref().map_err(String::clone)
    }

    /// One try: redirects included.
    pub(crate) async fn once(&self, ask: &Ask<'_>, progress: &dyn Progress) -> Result<Answer, Failure> {
        let first = shown(ask.address);
        let error = |kind, why: String| FeedError::new(kind, &first, why);
        let conditions = conditions(ask, &first);
        let conditional =
            conditions.contains_key(header::IF_NONE_MATCH) || conditions.contains_key(header::IF_MODIFIED_SINCE);
        let mut url = ask.address.clone();
        let mut authenticated = true;
        for _ in 0..=REDIRECTS {
            authenticated &= url.scheme() == "https";
            let client = self.client(&url).map_err(|why| error(ErrorKind::Unreachable, why))?;
            let request = client.get(url.clone()).headers(conditions.clone()).send();
            let response = timeout(ask.timeout, request)
                .await
                .map_err(|_| passing(error(ErrorKind::Unreachable, late("no answer", ask.timeout))))?
                .map_err(|e| passing(error(ErrorKind::Unreachable, causes(&e))))?;
            let status = response.status();
            match status.as_u16() {
                200 => return self::body(ask, response, authenticated, progress).await.map(Answer::New),
                304 if conditional => return Ok(Answer::Unchanged),
                301 | 302 | 303 | 307 | 308 => {
                    let location = response.headers().get(header::LOCATION).and_then(|v| v.to_str().ok());
                    url = redirect(&url, location).map_err(|why| error(ErrorKind::Forbidden, why))?;
                }
                408 | 429 | 500..=599 => {
                    let after = text(response.headers(), &header::RETRY_AFTER).and_then(|t| retry::after(&t, ask.now));
                    let error = error(ErrorKind::Unreachable, answers(&url, &first, status));
                    return Err(Failure { error, again: Some(after) });
                }
                _ => return Err(refusal(ask, &first, answers(&url, &first, status), status).into()),
            }
        }
        Err(error(ErrorKind::Invalid, format!("more than {REDIRECTS} redirects")).into())
    }
}

fn connect(timeout: Duration, near: bool) -> Result<reqwest::Client, String> {
    // Fails when another part of the program installed one already: the same, there is only one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let base = || {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("cleanbill/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            // What the server sends is what is kept and hashed.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if near { builder.no_proxy() } else { builder }
    };
    base().build().or_else(|error| {
        // A machine without certificate authorities can still ask a mirror by plain HTTP.
        tracing::warn!(error = %causes(&error), "no certificate authorities: every TLS connection will fail");
        base().tls_certs_only([]).build().map_err(|error| causes(&error))
    })
}

/// The headers of a request. What the server called the file that is there is told to the address it came
/// from, not to another.
fn conditions(ask: &Ask<'_>, from: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // A feed in JSON is a tenth of its size under gzip, which every reader of ours reads.
    let encoding = if ask.fetch.form == Form::Json { "gzip" } else { "identity" };
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    let Some(held) = ask.held.filter(|held| held.url == from) else { return headers };
    if let Some(etag) = &held.etag {
        // Servers of the Apache family call what they compress themselves "x-gzip" where the file is "x",
        // and do not know it again.
        let plain = etag.strip_suffix("-gzip\"").map(|start| format!("{etag}, {start}\""));
        if let Ok(value) = HeaderValue::from_str(plain.as_deref().unwrap_or(etag)) {
            headers.insert(header::IF_NONE_MATCH, value);
        }
    }
    if let Some(value) = held.last_modified.as_deref().and_then(|date| HeaderValue::from_str(date).ok()) {
        headers.insert(header::IF_MODIFIED_SINCE, value);
    }
    headers
}

/// Writes the body beside its place and judges it.
async fn body(
    ask: &Ask<'_>,
    mut response: Response,
    authenticated: bool,
    progress: &dyn Progress,
) -> Result<New, Failure> {
    let url = shown(ask.address);
    let invalid = |why: String| Failure::from(FeedError::new(ErrorKind::Invalid, &url, why));
    let disk = |error: std::io::Error| Failure::from(FeedError::disk(&url, &ask.place.file, &error));
    let too_big = || invalid(format!("it is bigger than {} bytes", ask.limit));
    let total = response.content_length();
    if total.is_some_and(|total| total > ask.limit) {
        return Err(too_big());
    }
    if let Some(encoding) = text(response.headers(), &header::CONTENT_ENCODING)
        && !matches!(encoding.trim().to_ascii_lowercase().as_str(), "" | "identity" | "gzip" | "x-gzip")
    {
        return Err(invalid(format!("it comes in the encoding `{}`, which was not asked for", plain(&encoding))));
    }
    let etag = text(response.headers(), &header::ETAG);
    let last_modified = text(response.headers(), &header::LAST_MODIFIED);
    let part = ask.place.part().map_err(disk)?;
    let mut file = tokio::fs::File::from_std(part.as_file().try_clone().map_err(disk)?);
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut size = 0_u64;
    progress.bytes(ask.fetch, 0, total);
    loop {
        let chunk = timeout(ask.timeout, response.chunk())
            .await
            .map_err(|_| passing(FeedError::new(ErrorKind::Unreachable, &url, late("nothing more came", ask.timeout))))?
            .map_err(|e| {
                passing(FeedError::new(ErrorKind::Unreachable, &url, format!("it was cut: {}", causes(&e))))
            })?;
        let Some(chunk) = chunk else { break };
        size = size.saturating_add(chunk.len() as u64);
        if size > ask.limit {
            return Err(too_big());
        }
        if head.len() < shape::HEAD {
            head.extend_from_slice(&chunk);
            if head.len() >= shape::HEAD {
                shape::begins(ask.fetch.form, &head).map_err(invalid)?;
            }
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(disk)?;
        progress.bytes(ask.fetch, size, total);
    }
    shape::begins(ask.fetch.form, &head).map_err(invalid)?;
    if let Some(total) = total.filter(|total| *total != size) {
        let why = format!("it was cut: {size} of {total} bytes came");
        return Err(passing(FeedError::new(ErrorKind::Unreachable, &url, why)));
    }
    file.flush().await.map_err(disk)?;
    drop(file);
    let (form, path) = (ask.fetch.form, part.path().to_owned());
    let judged = tokio::task::spawn_blocking(move || shape::whole(form, &path)).await;
    match judged {
        Ok(Ok(Ok(()))) => {}
        // A body without a stated length that was cut: another try may bring all of it.
        Ok(Ok(Err(why))) if total.is_none() => return Err(passing(FeedError::new(ErrorKind::Invalid, &url, why))),
        Ok(Ok(Err(why))) => return Err(invalid(why)),
        Ok(Err(error)) => return Err(disk(error)),
        Err(error) => return Err(disk(std::io::Error::other(error))),
    }
    Ok(New { part, etag, last_modified, sha256: hex::encode(hash.finalize()), size, authenticated })
}

/// A header that is text and not too long.
fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().filter(|text| text.len() <= VALIDATOR).map(str::to_owned)
}

fn passing(error: FeedError) -> Failure {
    Failure { error, again: Some(None) }
}

fn late(what: &str, time: Duration) -> String {
    format!("{what} within {} s", time.as_secs_f32())
}

/// `answers 404`, and who where that is not the one who was asked.
fn answers(url: &Url, first: &str, status: StatusCode) -> String {
    let here = shown(url);
    let who = if here == first { "the server".to_owned() } else { format!("{here}, where it is redirected to,") };
    format!("{who} answers {}", status.as_u16())
}

/// What a status that will not pass by itself means.
fn refusal(ask: &Ask<'_>, first: &str, answers: String, status: StatusCode) -> FeedError {
    let mirrored = first != ask.fetch.url;
    let (kind, hint) = match status.as_u16() {
        404 | 410 if mirrored => (
            ErrorKind::Refused,
            "\nhint: a mirror holds every publisher's files as HOST/PATH; this one lacks this file",
        ),
        401 | 403 if mirrored => (ErrorKind::Refused, "\nhint: a user name and password can stand in the mirror's URL"),
        407 => (ErrorKind::Refused, "\nhint: the proxy wants a user name and password, in its URL in HTTPS_PROXY"),
        401 | 403 | 404 | 410 | 451 => (ErrorKind::Refused, ""),
        _ => (ErrorKind::Invalid, ""),
    };
    FeedError::new(kind, first, format!("{answers}{hint}"))
}
