//! What can be measured of the webhook, for Prometheus (OpenMetrics text), on a port of its own: whoever
//! may call the webhook need not read this, and whoever reads this cannot call the webhook.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use cleanbill_model::{AdmissionAnswer, Timestamp};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::Phase;

type Labels = Vec<(&'static str, &'static str)>;

/// Counts of one webhook. Names begin with `cleanbill_admission_`; no label holds what a tenant writes.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    verdicts: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    pub(crate) fetches: Family<Labels, Counter>,
    pub(crate) cache_hits: Counter,
    break_glass: Counter,
    break_glass_open: Gauge,
    policies: Gauge,
    certificate_expiry: Gauge<i64>,
    up_to_date: Gauge<f64, AtomicU64>,
}

/// From a quarter of a millisecond to 16 s.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 17))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("cleanbill_admission");
        let it = Self {
            requests: Family::default(),
            verdicts: Family::default(),
            seconds: Family::new_with_constructor(buckets as fn() -> Histogram),
            fetches: Family::default(),
            cache_hits: Counter::default(),
            break_glass: Counter::default(),
            break_glass_open: Gauge::default(),
            policies: Gauge::default(),
            certificate_expiry: Gauge::default(),
            up_to_date: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests by phase and answer", it.requests.clone());
        registry.register("verdicts", "Verdicts on images by decision and reason", it.verdicts.clone());
        registry.register("request_seconds", "Time to an answer", it.seconds.clone());
        registry.register("registry_fetches", "Questions to registries by what was asked", it.fetches.clone());
        registry.register("cache_hits", "Images whose facts were known", it.cache_hits.clone());
        registry.register("break_glass_uses", "Images let in by break-glass", it.break_glass.clone());
        registry.register("break_glass_open", "Break-glass objects that hold now", it.break_glass_open.clone());
        registry.register("policies", "Policies in force", it.policies.clone());
        let name = "certificate_expiry_timestamp_seconds";
        registry.register(name, "When the serving certificate ends", it.certificate_expiry.clone());
        registry.register("clock_believed", "1: the clock is not below its floor", it.up_to_date.clone());
        it.up_to_date.set(1.0);
        Self { registry, ..it }
    }
}

impl Metrics {
    /// One answer.
    pub(crate) fn answered(&self, phase: Phase, answer: &AdmissionAnswer, took: Duration) {
        let decision = match (answer.allowed, answer.code) {
            (true, _) => "admitted",
            (false, 500) => "undecided",
            (false, _) => "refused",
        };
        let labels = vec![("phase", phase.name()), ("decision", decision)];
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&vec![("phase", phase.name())]).observe(took.as_secs_f64());
        for verdict in &answer.verdicts {
            let decision = verdict.decision.name();
            for reason in &verdict.reasons {
                self.verdicts.get_or_create(&vec![("decision", decision), ("reason", reason.code.name())]).inc();
                if reason.code == cleanbill_model::ReasonCode::BreakGlass {
                    self.break_glass.inc();
                }
            }
        }
    }

    pub(crate) fn fetched(&self, what: &'static str) {
        self.fetches.get_or_create(&vec![("what", what)]).inc();
    }

    pub(crate) fn policies(&self, number: usize) {
        self.policies.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    pub(crate) fn certificate(&self, expires: Timestamp) {
        self.certificate_expiry.set(expires.as_second());
    }

    pub(crate) fn clock(&self, believed: bool) {
        self.up_to_date.set(f64::from(u8::from(believed)));
    }

    /// How many break-glass objects hold now.
    pub fn break_glass_open(&self, number: usize) {
        self.break_glass_open.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// `GET /metrics` and nothing else.
fn router(metrics: Arc<Metrics>) -> Router {
    async fn show(State(metrics): State<Arc<Metrics>>) -> Response {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], metrics.text()).into_response()
    }
    Router::new()
        .route("/metrics", get(show))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .method_not_allowed_fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(metrics)
}

/// Where metrics are read.
pub struct MetricsServer {
    listener: tokio::net::TcpListener,
    metrics: Arc<Metrics>,
}

impl MetricsServer {
    /// Listens on `address`.
    pub async fn bind(metrics: Arc<Metrics>, address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { listener: tokio::net::TcpListener::bind(address).await?, metrics })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is dropped.
    pub async fn run(self) -> std::io::Result<()> {
        axum::serve(self.listener, router(self.metrics)).await
    }
}
