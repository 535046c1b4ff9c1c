//! The JSON API. Every document names its schema; every error is `{"error", "hint"}`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::Refusal;
use super::auth::{Acknowledge, Authorized, View};
use crate::answer::Page;
use crate::hub::HubError;

#[derive(Debug, Deserialize)]
pub(super) struct WhereQuery {
    #[serde(default)]
    q: String,
    limit: Option<usize>,
    cursor: Option<String>,
}

pub(super) async fn where_(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Query(query): Query<WhereQuery>,
) -> Result<Json<Value>, Refusal> {
    let page = Page::new(query.limit, query.cursor);
    match shared.hub.where_(&query.q, &page).await {
        Ok(answer) => Ok(Json(answer.to_json())),
        Err(error) => Err(Refusal::new(StatusCode::BAD_REQUEST, &uri, error.message, error.hint)),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct AlertsQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

pub(super) async fn alerts(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
    Query(query): Query<AlertsQuery>,
) -> Result<Json<Value>, Refusal> {
    let before = cursor(query.cursor.as_deref(), &uri)?;
    let page = shared.hub.alerts(before, query.limit.unwrap_or(200)).await.map_err(|e| broken(&uri, &e))?;
    Ok(Json(page.to_json()))
}

/// A cursor of the list of alerts.
pub(super) fn cursor(text: Option<&str>, uri: &Uri) -> Result<Option<i64>, Refusal> {
    text.map(str::parse).transpose().map_err(|_| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            uri,
            "the cursor is not one of this list",
            "take `next` of the page before",
        )
    })
}

pub(super) async fn acknowledge(
    who: Authorized<Acknowledge>,
    State(shared): State<Shared>,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    if shared.hub.acknowledge(&id, who.by).await.map_err(|e| broken(&uri, &e))? {
        Ok(Json(json!({"schema": "cleanbill/acknowledged/v1", "id": id})))
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, &uri, format!("there is no alert {id}"), "cleanbill alerts lists them"))
    }
}

pub(super) async fn status(
    _view: Authorized<View>,
    State(shared): State<Shared>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(shared.hub.status().await.map_err(|e| broken(&uri, &e))?.to_json()))
}

/// The store failed: what it says is logged and told; it holds no secrets.
pub(super) fn broken(uri: &Uri, error: &HubError) -> Refusal {
    tracing::error!("{error}");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, uri, error.to_string(), "see the log of the hub")
}
