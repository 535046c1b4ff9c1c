//! One request to a registry: guarded, authenticated, redirected by hand, tried again, bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cleanbill_model::{Digest, Reference};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Response;
use tokio::time::Instant;
use url::Url;

use crate::ClientOptions;
use crate::challenge::{self, Challenge};
use crate::credentials::Login;
use crate::error::{ErrorKind, OciError, messages, plain};
use crate::guard::{self, GuardedResolver, Refused};
use crate::retry;
use crate::token::{self, Grant};

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Bytes of an error's body that are read.
const ERROR_BODY: u64 = 8192;
/// Bytes of a manifest, index or list: what registries must take (distribution spec, "Pushing Manifests").
pub(crate) const DOCUMENT: u64 = 4 << 20;

/// A registry client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: ClientOptions,
    /// For loopback hosts: no proxy, no TLS.
    direct: reqwest::Client,
    /// For all others.
    outer: OnceLock<reqwest::Client>,
    grants: Mutex<HashMap<(String, String), Grant>>,
    /// One writer a fallback tag.
    pub(crate) tags: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// A request in the making.
pub(crate) struct Call<'a> {
    pub(crate) reference: &'a Reference,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// `pull`, or `pull,push`; none for `/v2/` alone.
    pub(crate) actions: Option<&'static str>,
    /// Tries after the first.
    pub(crate) retries: u32,
    /// What is tried, for errors.
    pub(crate) what: String,
}

/// An answer, whatever its status, without what may pass by itself.
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) deadline: Instant,
    /// Why credentials were not sent or found, for the text of a refusal.
    note: Option<String>,
}

/// Why one try failed.
struct Failure {
    error: OciError,
    /// Whether another try may go better, and after how long at least.
    again: Option<Option<Duration>>,
}

impl From<OciError> for Failure {
    fn from(error: OciError) -> Self {
        Self { error, again: None }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        client: &Client,
        reference: &'a Reference,
        method: Method,
        path: &str,
        what: String,
    ) -> Result<Self, OciError> {
        let url = client.url(reference, path, &what)?;
        let retries = client.inner.options.retries;
        Ok(Self { reference, method, url, headers: HeaderMap::new(), body: None, actions: Some("pull"), retries, what })
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.append(name, HeaderValue::from_static(value));
        self
    }
}

/// What all connections have in common.
fn base(options: &ClientOptions) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("cleanbill/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.timeout.min(Duration::from_secs(10)))
        .dns_resolver(GuardedResolver { allow_loopback: options.allow_loopback })
}

impl Client {
    /// A client.
    pub fn new(options: ClientOptions) -> Result<Self, OciError> {
        // Fails when another part of the program installed one already: the same, there is only one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let fail = |e: reqwest::Error| OciError::new(ErrorKind::Unreachable, "prepare the registry client", causes(&e));
        let direct = base(&options).no_proxy().tls_certs_only([]).build().map_err(fail)?;
        let inner = Inner { options, direct, outer: OnceLock::new(), grants: Mutex::default(), tags: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// `SCHEME://HOST/v2/` and `path`.
    fn url(&self, reference: &Reference, path: &str, what: &str) -> Result<Url, OciError> {
        let host = reference.api_host();
        let fail = |_| OciError::new(ErrorKind::Forbidden, what, format!("`{host}` is not a host that can be asked"));
        let mut url = Url::parse(&format!("https://{host}/v2/{path}")).map_err(fail)?;
        if guard::is_loopback(&url) || self.is_insecure(&url) {
            url = Url::parse(&format!("http://{host}/v2/{path}")).map_err(fail)?;
        }
        Ok(url)
    }

    fn is_insecure(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let name = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        self.inner.options.insecure.iter().any(|i| i.eq_ignore_ascii_case(&name))
    }

    /// Sends a request; tries again what may pass by itself, until the timeout.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, OciError> {
        // A large body gets the time that a slow line needs, one MiB a second.
        let size = call.body.as_ref().map_or(0, |b| b.len() as u64);
        let time = self.inner.options.timeout + Duration::from_secs(size >> 20);
        let deadline = Instant::now() + time;
        let mut attempt = 0;
        loop {
            let failure = match tokio::time::timeout_at(deadline, self.once(&call, deadline)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => return Err(late(&call.what, time)),
            };
            let (Some(asked), true) = (failure.again, attempt < call.retries) else { return Err(failure.error) };
            let pause = asked.unwrap_or_else(|| retry::pause(attempt));
            if pause >= deadline.saturating_duration_since(Instant::now()) {
                let mut error = failure.error;
                error.why =
                    format!("{}; another try would come after the timeout of {} s", error.why, time.as_secs_f32());
                return Err(error);
            }
            tracing::debug!(what = call.what, why = failure.error.why, ?pause, "trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One try: redirects and a challenge included.
    async fn once(&self, call: &Call<'_>, deadline: Instant) -> Result<Answer, Failure> {
        let what = call.what.as_str();
        let registry = self.url(call.reference, "", what)?;
        let scope = call.actions.map(|a| format!("repository:{}:{a}", call.reference.repository())).unwrap_or_default();
        let mut url = call.url.clone();
        let mut note = None;
        let mut challenged = false;
        let mut redirects = 0;
        loop {
            let own = url.origin() == registry.origin();
            self.check(&url, &registry, what)?;
            let mut request = self.http(&url).request(call.method.clone(), url.clone()).headers(call.headers.clone());
            if let Some(body) = &call.body {
                request = request.body(body.clone());
            }
            // The only place where credentials are added: to the registry itself, never to another host (A41).
            if let Some(grant) = self.grant(&registry, &scope).filter(|_| own) {
                request = request.header(header::AUTHORIZATION, grant);
            }
            let response = request.send().await.map_err(|e| unreachable(what, &e))?;
            let status = response.status();
            if status == StatusCode::UNAUTHORIZED && own && !challenged {
                challenged = true;
                if let Some(found) =
                    self.answer_challenge(call, &registry, &scope, response.headers(), &mut note).await?
                {
                    self.keep(&registry, &scope, found);
                    continue;
                }
            }
            if is_redirect(status) {
                redirects += 1;
                url = target(call, &url, &response, redirects)?;
                continue;
            }
            if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
                let after = response
                    .headers()
                    .get(header::RETRY_AFTER)
                    .and_then(|v| v.to_str().ok())
                    .and_then(|text| retry::after(text, jiff::Timestamp::now()));
                let error = Answer { response, deadline, note }.refusal(what).await;
                return Err(Failure { error, again: Some(after) });
            }
            return Ok(Answer { response, deadline, note });
        }
    }

    fn http(&self, url: &Url) -> &reqwest::Client {
        if guard::is_loopback(url) {
            return &self.inner.direct;
        }
        // Reading the certificate authorities of the machine takes longer than asking a registry that is near.
        self.inner.outer.get_or_init(|| {
            base(&self.inner.options).build().unwrap_or_else(|error| {
                // A machine without certificate authorities can still speak to plain HTTP hosts.
                tracing::warn!(error = %causes(&error), "no certificate authorities: every TLS connection will fail");
                let bare = base(&self.inner.options).tls_certs_only([]).build();
                bare.unwrap_or_else(|_| self.inner.direct.clone())
            })
        })
    }

    /// Whether `url`, named by the registry or by the user, may be asked.
    fn check(&self, url: &Url, registry: &Url, what: &str) -> Result<(), OciError> {
        let forbidden = |why: String| OciError::new(ErrorKind::Forbidden, what, why);
        guard::check(url, self.inner.options.allow_loopback).map_err(|Refused(why)| forbidden(why))?;
        if guard::is_loopback(url) && !guard::is_loopback(registry) {
            return Err(forbidden("the registry sends us to this machine".to_owned()));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if guard::is_loopback(url) || self.is_insecure(url) => Ok(()),
            _ => Err(forbidden(format!("{} would be asked without TLS", url.host_str().unwrap_or_default()))),
        }
    }

    fn grant(&self, registry: &Url, scope: &str) -> Option<HeaderValue> {
        let grants = self.inner.grants.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = registry.origin().ascii_serialization();
        let grant = grants.get(&(origin, scope.to_owned()))?;
        grant.until.is_none_or(|until| Instant::now() < until).then(|| grant.header.clone())
    }

    fn keep(&self, registry: &Url, scope: &str, grant: Grant) {
        let mut grants = self.inner.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() > 4096 {
            let now = Instant::now();
            grants.retain(|_, g| g.until.is_none_or(|until| now < until));
        }
        grants.insert((registry.origin().ascii_serialization(), scope.to_owned()), grant);
    }

    /// What to send to a registry that wants credentials; `None` where there is nothing to send.
    async fn answer_challenge(
        &self,
        call: &Call<'_>,
        registry: &Url,
        scope: &str,
        headers: &HeaderMap,
        note: &mut Option<String>,
    ) -> Result<Option<Grant>, Failure> {
        let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok());
        let Some(challenge) = challenge::choose(texts) else { return Ok(None) };
        let (login, trouble) = self.inner.options.credentials.find(call.reference).await;
        *note = trouble;
        match challenge {
            Challenge::Basic => {
                let Some(Login::Password { user, password }) = login else { return Ok(None) };
                Ok(basic(&user, &password).map(|header| Grant { header, until: None }))
            }
            Challenge::Bearer { realm, service, scope: stated } => {
                let refused = |why| OciError::new(ErrorKind::Forbidden, &call.what, why);
                let realm = token::realm(&realm, registry).map_err(refused)?;
                self.check(&realm, registry, &call.what)?;
                let mut login = login;
                if login.is_some() && !token::may_have_credentials(registry, &realm) {
                    let host = realm.host_str().unwrap_or_default();
                    *note = Some(format!(
                        "the credentials were not sent to the token service at {host}, which is not of the registry's domain"
                    ));
                    login = None;
                }
                // Our own scope where we have one: a registry does not choose what we ask for.
                let scope = if scope.is_empty() { stated.as_deref() } else { Some(scope) };
                self.token(&call.what, realm, service.as_deref(), scope, login.as_ref()).await.map(Some)
            }
        }
    }

    async fn token(
        &self,
        what: &str,
        realm: Url,
        service: Option<&str>,
        scope: Option<&str>,
        login: Option<&Login>,
    ) -> Result<Grant, Failure> {
        let host = realm.host_str().unwrap_or_default().to_owned();
        let asked = token::request(realm, service, scope, login);
        let method = if asked.form.is_some() { Method::POST } else { Method::GET };
        let mut request = self.http(&asked.url).request(method, asked.url.clone());
        if let Some(form) = asked.form {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        if let Some(value) = asked.basic.and_then(|(user, password)| basic(&user, &password)) {
            request = request.header(header::AUTHORIZATION, value);
        }
        let response = request.send().await.map_err(|e| unreachable(what, &e))?;
        let status = response.status();
        if !status.is_success() {
            let kind = match status.as_u16() {
                429 | 500..=599 => ErrorKind::Unreachable,
                400 | 401 | 403 | 404 => ErrorKind::Unauthorized,
                _ => ErrorKind::Invalid,
            };
            let said = said(response).await;
            let error =
                OciError::new(kind, what, format!("the token service at {host} answers {}{said}", status.as_u16()));
            return Err(Failure { error, again: (kind == ErrorKind::Unreachable).then_some(None) });
        }
        let body = body(response, token::SIZE, what).await?;
        let refuse = |why| OciError::invalid(what, format!("the token service at {host} cannot be used: {why}"));
        Ok(token::grant(&body).map_err(refuse)?)
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|v| v.to_str().ok())
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> Option<String> {
        let text = self.header("content-type")?.split(';').next().unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// `Docker-Content-Digest`, if there is one; an error where it is no digest.
    pub(crate) fn digest(&self, what: &str) -> Result<Option<Digest>, OciError> {
        self.header("docker-content-digest")
            .map(|text| Digest::parse(text.trim()))
            .transpose()
            .map_err(|e| OciError::invalid(what, format!("header Docker-Content-Digest: {}", plain(&e.to_string()))))
    }

    /// The answer if it is a success.
    pub(crate) async fn good(self, what: &str) -> Result<Self, OciError> {
        if self.status().is_success() { Ok(self) } else { Err(self.refusal(what).await) }
    }

    /// The whole body, at most `limit` bytes.
    pub(crate) async fn body(self, limit: u64, what: &str) -> Result<Vec<u8>, OciError> {
        tokio::time::timeout_at(self.deadline, body(self.response, limit, what)).await.unwrap_or_else(|_| {
            Err(OciError::new(ErrorKind::Unreachable, what, "the answer did not end within the timeout"))
        })
    }

    /// The error that a status without success means.
    pub(crate) async fn refusal(self, what: &str) -> OciError {
        let status = self.response.status();
        let said = tokio::time::timeout_at(self.deadline, said(self.response)).await.unwrap_or_default();
        let (kind, more) = match status.as_u16() {
            404 => (ErrorKind::NotFound, String::new()),
            401 | 403 => {
                let note = self.note.map(|n| format!(" ({n})")).unwrap_or_default();
                let hint = "hint: log in to the registry, and check the name: many registries answer so for what does not exist";
                (ErrorKind::Unauthorized, format!("{note}; {hint}"))
            }
            429 | 500..=599 => (ErrorKind::Unreachable, String::new()),
            _ => (ErrorKind::Invalid, String::new()),
        };
        OciError::new(kind, what, format!("the registry answers {}{said}{more}", status.as_u16()))
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads. Only reads are redirected: content is not pushed to a host nobody named.
fn target(call: &Call<'_>, url: &Url, response: &Response, redirects: usize) -> Result<Url, OciError> {
    let what = &call.what;
    if redirects > REDIRECTS {
        return Err(OciError::invalid(what, format!("more than {REDIRECTS} redirects")));
    }
    if !matches!(call.method, Method::GET | Method::HEAD) {
        return Err(OciError::invalid(what, "the registry redirects a write"));
    }
    response
        .headers()
        .get(header::LOCATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|text| url.join(text).ok())
        .ok_or_else(|| OciError::invalid(what, "the registry redirects to nowhere"))
}

/// A body of at most `limit` bytes.
async fn body(mut response: Response, limit: u64, what: &str) -> Result<Vec<u8>, OciError> {
    let too_big = || OciError::invalid(what, format!("the answer is bigger than {limit} bytes"));
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_big());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| unreachable(what, &e).error)? {
        if bytes.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_big());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What an error's body says, behind a colon; nothing where it is not an error body.
async fn said(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > ERROR_BODY {
            return String::new();
        }
    }
    messages(&bytes).map(|text| format!(": {text}")).unwrap_or_default()
}

fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::from_str(&format!("Basic {text}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn late(what: &str, time: Duration) -> OciError {
    OciError::new(ErrorKind::Unreachable, what, format!("no answer within {} s", time.as_secs_f32()))
}

/// A failure below HTTP.
fn unreachable(what: &str, error: &reqwest::Error) -> Failure {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(Refused(why)) = cause.downcast_ref::<Refused>() {
            return OciError::new(ErrorKind::Forbidden, what, why.clone()).into();
        }
        source = cause.source();
    }
    Failure { error: OciError::new(ErrorKind::Unreachable, what, causes(error)), again: Some(None) }
}

/// The causes of an error without its URL, whose query may hold a signature.
fn causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    if texts.is_empty() {
        texts.push(if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            "the connection failed".to_owned()
        });
    }
    plain(&texts.join(": "))
}
