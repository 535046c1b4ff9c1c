//! The pages: an answer as one sentence first, then the table, readable without JavaScript.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use cleanbill_model::Timestamp;
use serde::Deserialize;

use super::Shared;
use super::answer::Refusal;
use super::api::{broken, cursor};
use super::auth::{Acknowledge, Authorized, View};
use crate::answer::{Match, Page, WhereAnswer};
use crate::status::Status;

/// What every page shows at its top.
pub(super) struct Frame {
    pub(super) query: String,
    pub(super) clusters: String,
    pub(super) feeds: String,
    /// Something is wrong with the data, for people.
    pub(super) trouble: Option<String>,
    pub(super) demo: bool,
}

impl Frame {
    pub(super) async fn new(shared: &Shared, query: &str, uri: &Uri) -> Result<(Self, Status), Refusal> {
        let status = shared.hub.status().await.map_err(|e| broken(uri, &e))?;
        let clusters = match status.clusters.len() {
            1 => "1 cluster".to_owned(),
            n => format!("{n} clusters"),
        };
        let feeds = match status.advisories_loaded_at() {
            Some(at) => format!("advisories read {}", ago(at, status.as_of)),
            None => "no advisories".to_owned(),
        };
        let frame = Self {
            query: query.to_owned(),
            clusters,
            feeds,
            trouble: status.advisories.error.clone(),
            demo: shared.hub.is_demo(),
        };
        Ok((frame, status))
    }
}

/// How long ago, in one unit.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second()).max(0);
    let (count, unit) = match seconds {
        0..=59 => return "just now".to_owned(),
        60..=3599 => (seconds / 60, "min"),
        3600..=86_399 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit} ago")
}

/// Makes characters visible that change how text is shown: control characters and bidirectional marks.
pub(super) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    status: Status,
    alerts: Vec<AlertRow>,
}

struct AlertRow {
    id: String,
    kind: &'static str,
    vulnerability: String,
    at: String,
    ago: String,
    pods: Vec<String>,
    count: usize,
    acknowledged: bool,
}

pub(super) async fn home(_view: Authorized<View>, State(shared): State<Shared>, uri: Uri) -> Result<Response, Refusal> {
    let (frame, status) = Frame::new(&shared, "", &uri).await?;
    let (alerts, _) = alert_rows(&shared, None, 5, status.as_of, &uri).await?;
    render(&Home { frame, status, alerts }, &uri)
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    answer: WhereAnswer,
    rows: Vec<Row>,
    uncovered: Vec<(String, String, String)>,
    next: Option<String>,
    api: String,
}

/// A match as the table shows it.
pub(super) struct Row {
    pub(super) cluster: String,
    pub(super) namespace: String,
    pub(super) workload: String,
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) image: String,
    pub(super) digest: String,
    pub(super) short: String,
    pub(super) packages: Vec<(String, String)>,
    pub(super) state: &'static str,
}

impl Row {
    pub(super) fn new(m: &Match) -> Self {
        let packages = m.packages.iter().map(|p| (visible(&p.purl), visible(&p.fixed.join(", ")))).collect();
        Self {
            cluster: visible(&m.cluster),
            namespace: visible(&m.namespace),
            workload: visible(&format!("{}/{}", m.workload.kind, m.workload.name)),
            pod: visible(&m.pod),
            container: visible(&m.container),
            image: visible(m.image.split('@').next().unwrap_or_default()),
            digest: m.digest.clone(),
            short: m.digest.split_once(':').map_or("", |(_, hex)| hex.get(..12).unwrap_or(hex)).to_owned(),
            packages,
            state: m.state,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct SearchQuery {
    #[serde(default)]
    q: String,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct Wrong {
    frame: Frame,
    message: String,
    hint: String,
}

pub(super) async fn search(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Query(query): Query<SearchQuery>,
) -> Result<Response, Refusal> {
    if query.q.trim().is_empty() {
        return Ok(Redirect::to("/").into_response());
    }
    let (frame, _) = Frame::new(&shared, &query.q, &uri).await?;
    let answer = match shared.hub.where_(&query.q, &Page::new(Some(200), query.cursor)).await {
        Ok(answer) => answer,
        Err(error) => {
            let page = Wrong { frame, message: visible(&error.message), hint: visible(&error.hint) };
            return Ok((StatusCode::BAD_REQUEST, render(&page, &uri)?).into_response());
        }
    };
    let rows = answer.matches.iter().map(Row::new).collect();
    let uncovered = answer.uncovered.iter().map(|u| {
        let place = format!("{}/{} {}", u.cluster, u.namespace, u.pod);
        (visible(&place), visible(&u.image), visible(&u.why))
    });
    let encoded: String = form_encode(&query.q);
    let next = answer.next.as_ref().map(|cursor| format!("/search?q={encoded}&cursor={}", form_encode(cursor)));
    let page =
        Search { frame, uncovered: uncovered.collect(), rows, next, api: format!("/api/v1/where?q={encoded}"), answer };
    render(&page, &uri)
}

/// For a value in a query string.
pub(super) fn form_encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Alerts {
    frame: Frame,
    alerts: Vec<AlertRow>,
    next: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AlertsQuery {
    cursor: Option<String>,
}

pub(super) async fn alerts(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Query(query): Query<AlertsQuery>,
) -> Result<Response, Refusal> {
    let (frame, status) = Frame::new(&shared, "", &uri).await?;
    let before = cursor(query.cursor.as_deref(), &uri)?;
    let (alerts, next) = alert_rows(&shared, before, 50, status.as_of, &uri).await?;
    render(&Alerts { frame, alerts, next }, &uri)
}

async fn alert_rows(
    shared: &Shared,
    before: Option<i64>,
    limit: usize,
    now: Timestamp,
    uri: &Uri,
) -> Result<(Vec<AlertRow>, Option<i64>), Refusal> {
    const SHOWN: usize = 12;
    let page = shared.hub.alerts(before, limit).await.map_err(|e| broken(uri, &e))?;
    let rows = page.alerts.iter().map(|alert| AlertRow {
        id: alert.id.clone(),
        kind: alert.kind.name(),
        vulnerability: visible(&alert.vulnerability),
        at: alert.at.to_string(),
        ago: ago(alert.at, now),
        pods: alert
            .pods
            .iter()
            .take(SHOWN)
            .map(|p| visible(&format!("{}/{}/{}", p.cluster, p.namespace, p.pod)))
            .collect(),
        count: alert.pods.len(),
        acknowledged: alert.acknowledged.is_some(),
    });
    Ok((rows.collect(), page.next))
}

pub(super) async fn acknowledge(
    who: Authorized<Acknowledge>,
    State(shared): State<Shared>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    if shared.hub.acknowledge(&id, who.by).await.map_err(|e| broken(&uri, &e))? {
        Ok(Redirect::to("/alerts").into_response())
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, &uri, "there is no such alert", "go back to the list of alerts"))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct LoginQuery {
    #[serde(default)]
    code: String,
    next: Option<String>,
}

/// Uses the link up. Leads on to a page of this hub and nowhere else.
pub(super) async fn login(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    Query(query): Query<LoginQuery>,
) -> Result<Response, Refusal> {
    if method == Method::HEAD {
        // Whatever previews links asks like this; the link is for the person behind it.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    match shared.auth.log_in(&query.code).map_err(|e| broken(&uri, &e))? {
        Some(cookie) => {
            let inside =
                |next: &String| next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n']);
            let next = query.next.filter(inside).unwrap_or_else(|| "/".to_owned());
            Ok(([(SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
        }
        None => Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            &uri,
            "this login link was used already, or is too old",
            "start `cleanbill up` again: each start prints a new one",
        )),
    }
}

pub(super) async fn not_found(uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, &uri, "there is no such page", "go to the first page and search")
}

pub(super) fn render(page: &impl Template, uri: &Uri) -> Result<Response, Refusal> {
    match page.render() {
        Ok(page) => Ok(Html(page).into_response()),
        Err(error) => {
            tracing::error!("could not make a page: {error}");
            Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                uri,
                "the page could not be made",
                "see the log of the hub",
            ))
        }
    }
}
