//! The listener: TLS with our own certificate, a secret path, nothing else.
//!
//! `POST /mutate/SECRET/{ignore|fail}[/audit]`, `POST /validate/…`, `POST /break-glass/SECRET`;
//! `GET /healthz`, `GET /readyz`.
//! Who does not know the secret gets 401 and has changed nothing (A71).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as Parts, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use cleanbill_cluster::{glass, review};
use cleanbill_model::{AdmissionAnswer, Timestamp};
use cleanbill_policy::FailurePolicy;

use crate::certs::{CertError, Identity};
use crate::{Admission, Hook, Metrics, Phase};

/// How often certificates are looked after.
const RENEWAL: Duration = Duration::from_secs(5);
/// How long a caller may take to send its review.
const SENDING: Duration = Duration::from_secs(10);
/// What is left for the answer to travel.
const MARGIN: Duration = Duration::from_millis(500);

/// Why the webhook does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Certificates.
    #[error(transparent)]
    Certificates(#[from] CertError),
    /// TLS.
    #[error("the webhook's certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    /// The address.
    #[error("{address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A webhook that listens.
pub struct Server {
    router: Router,
    listener: std::net::TcpListener,
    address: SocketAddr,
    tls: Tls,
}

/// The certificate in use.
struct Tls {
    config: RustlsConfig,
    data_dir: PathBuf,
    names: Vec<String>,
    identity: Identity,
    metrics: Arc<Metrics>,
}

struct Shared {
    admission: Arc<Admission>,
    secret: String,
}

impl Server {
    /// Listens on `address`, with certificates and secret from `data_dir`.
    pub async fn bind(admission: Arc<Admission>, address: SocketAddr, data_dir: &Path) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let names = vec![address.ip().to_string()];
        let identity = Identity::open(data_dir, &names, Timestamp::now())?;
        let config = RustlsConfig::from_config(identity.tls()?);
        let listener = std::net::TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let metrics = admission.metrics();
        metrics.certificate(identity.expires);
        let router = router(admission, identity.secret.clone());
        let tls = Tls { config, data_dir: data_dir.to_owned(), names, identity, metrics };
        Ok(Self { router, listener, address, tls })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of its authority and its secret.
    pub fn identity(&self) -> &Identity {
        &self.tls.identity
    }

    /// Serves until it is dropped. Certificates are renewed on the way, without a connection lost.
    pub async fn run(self) -> Result<(), ServerError> {
        let Self { router, listener, address, mut tls } = self;
        let failed = |source| ServerError::Listen { address, source };
        // An answer is two small writes: held back until the first is acknowledged, each would take 40 ms.
        let acceptor = RustlsAcceptor::new(tls.config.clone()).acceptor(NoDelayAcceptor::new());
        let serving = axum_server::from_tcp(listener).map_err(failed)?.acceptor(acceptor);
        let renewing = async move {
            let mut tick = tokio::time::interval(RENEWAL);
            loop {
                tick.tick().await;
                if let Err(error) = tls.renew(Timestamp::now()) {
                    tracing::warn!(%error, "the webhook's certificate stays as it is");
                }
            }
        };
        tokio::select! {
            served = serving.serve(router.into_make_service()) => served.map_err(failed),
            never = renewing => never,
        }
    }
}

impl Tls {
    /// Takes over a certificate that was made again, here or by another process.
    fn renew(&mut self, now: Timestamp) -> Result<bool, ServerError> {
        let identity = Identity::open(&self.data_dir, &self.names, now)?;
        if identity.certificate_pem == self.identity.certificate_pem {
            return Ok(false);
        }
        self.config.reload_from_config(identity.tls()?);
        self.metrics.certificate(identity.expires);
        self.identity = identity;
        Ok(true)
    }
}

fn router(admission: Arc<Admission>, secret: String) -> Router {
    let shared = Arc::new(Shared { admission, secret });
    Router::new()
        .route("/{phase}/{secret}/{failure}", post(reviewed))
        .route("/{phase}/{secret}/{failure}/{audit}", post(reviewed))
        .route("/break-glass/{secret}", post(broken))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .method_not_allowed_fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    match shared.admission.ready() {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn reviewed(
    State(shared): State<Arc<Shared>>,
    Parts(parts): Parts<Vec<(String, String)>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let part = |name: &str| parts.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let phase = match part("phase") {
        Some("mutate") => Phase::Mutate,
        Some("validate") => Phase::Validate,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // Before anything of the body is read.
    if !same(part("secret").unwrap_or_default(), &shared.secret) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let failure = match part("failure") {
        Some("fail") => FailurePolicy::Fail,
        Some("ignore") => FailurePolicy::Ignore,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let audit = match part("audit") {
        None => false,
        Some("audit") => true,
        Some(_) => return StatusCode::NOT_FOUND.into_response(),
    };
    let started = tokio::time::Instant::now();
    let bytes = match sent(&headers, body).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let request = match review::parse(&bytes) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let deadline = shared.admission.deadline().min(patience(query.as_deref())).saturating_sub(started.elapsed());
    let (kind, namespace, name) = (request.kind.clone(), request.namespace.clone(), request.name.clone());
    let answer = shared.admission.answer_within(deadline, phase, Hook { failure, audit }, request, true).await;
    tracing::info!(
        ?phase, ?failure, audit, kind, namespace, name,
        allowed = answer.allowed, code = answer.code, elapsed = ?started.elapsed(), "admission"
    );
    ([(header::CONTENT_TYPE, "application/json")], review::respond(&answer)).into_response()
}

/// The body of a call: JSON, bounded in size and time.
async fn sent(headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Response> {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
    if !json {
        let text = "an AdmissionReview comes as application/json\n";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response());
    }
    match tokio::time::timeout(SENDING, axum::body::to_bytes(body, review::LIMIT)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let text =
                format!("the AdmissionReview could not be read whole (at most {} bytes): {error}\n", review::LIMIT);
            Err((StatusCode::PAYLOAD_TOO_LARGE, text).into_response())
        }
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the AdmissionReview did not come in time\n").into_response()),
    }
}

/// Somebody wants to break the glass.
async fn broken(
    State(shared): State<Arc<Shared>>,
    Parts(secret): Parts<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !same(&secret, &shared.secret) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let bytes = match sent(&headers, body).await {
        Ok(bytes) => bytes,
        Err(refusal) => return refusal,
    };
    let asked = match glass::parse(&bytes) {
        Ok(asked) => asked,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let said = may_break(&shared.admission, &asked).await;
    tracing::info!(user = asked.user, allowed = said.is_ok(), "break-glass");
    let (code, message) = said.err().unwrap_or((200, String::new()));
    let answer = AdmissionAnswer {
        uid: asked.uid,
        allowed: code == 200,
        message,
        code,
        warnings: Vec::new(),
        patches: Vec::new(),
        audit_annotations: std::collections::BTreeMap::new(),
        verdicts: Vec::new(),
    };
    ([(header::CONTENT_TYPE, "application/json")], review::respond(&answer)).into_response()
}

/// Whether an object may be made; else the status and why not.
async fn may_break(admission: &Admission, asked: &glass::Asked) -> Result<(), (u16, String)> {
    let now = admission.time().map_err(|behind| (500, format!("{behind}, so nobody can say when it ends")))?;
    let Some(spec) = asked.check(now).map_err(|why| (403, why))? else { return Ok(()) };
    let Some(glass) = admission.glass() else {
        let why = "nobody here knows who may break the glass\nhint: start `cleanbill up` with exactly one --context";
        return Err((403, why.to_owned()));
    };
    match glass.may(&asked.user, &spec.groups, &spec.namespace).await {
        Ok(true) => Ok(()),
        Ok(false) => Err((
            403,
            format!(
                "`{}` may not break the glass in namespace `{}`\nhint: it needs the verb {} on pods of cleanbill.dev; where the right comes from a group, name it in spec.groups",
                asked.user,
                spec.namespace,
                glass::VERB
            ),
        )),
        Err(why) => Err((500, why)),
    }
}

/// API servers say how long they wait, in whole seconds: `?timeout=10s`.
fn patience(query: Option<&str>) -> Duration {
    query
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("timeout=")))
        .and_then(|value| value.strip_suffix('s')?.parse().ok())
        .map_or(Duration::MAX, |seconds: u64| Duration::from_secs(seconds).saturating_sub(MARGIN))
}

/// Takes the same time wherever the texts differ.
fn same(given: &str, secret: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), secret.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests;
