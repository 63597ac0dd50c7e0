//! What other services of the shop call; never behind the gateway.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::{RevocationPage, ServiceCaller};
use shop_runtime::extract::{Json, Query};
use shop_types::{EventId, OrderId, UserId};
use time::OffsetDateTime;

use crate::app::AppState;
use crate::domain::Notification;
use crate::error::ApiError;
use crate::store;

/// The longest kind or status.
const MAX_WORD: usize = 64;

/// An event that a user should hear of.
#[derive(Debug, Deserialize)]
pub(crate) struct NotificationInput {
    event_id: EventId,
    user_id: UserId,
    kind: String,
    order_id: OrderId,
    status: String,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

/// Keeps a notice, once for each event however often it is delivered.
pub(crate) async fn notify(
    State(state): State<AppState>,
    _caller: ServiceCaller,
    Json(input): Json<NotificationInput>,
) -> Result<StatusCode, ApiError> {
    keep(&state, vec![input]).await
}

/// Keeps several notices, each once, or none of them if there is something wrong with one.
pub(crate) async fn notify_all(
    State(state): State<AppState>,
    _caller: ServiceCaller,
    Json(inputs): Json<Vec<NotificationInput>>,
) -> Result<StatusCode, ApiError> {
    keep(&state, inputs).await
}

async fn keep(state: &AppState, inputs: Vec<NotificationInput>) -> Result<StatusCode, ApiError> {
    let is_word = |text: &String| !text.is_empty() && text.len() <= MAX_WORD && !text.contains('\0');
    if !inputs.iter().flat_map(|input| [&input.kind, &input.status]).all(is_word) {
        return Err(ApiError::Invalid("kind and status are words"));
    }
    let told = inputs.into_iter().map(|input| {
        let NotificationInput { event_id, user_id, kind, order_id, status, occurred_at } = input;
        (user_id, Notification { id: event_id, kind, order_id, status, occurred_at, read: false })
    });
    let told: Vec<_> = told.collect();
    let notices = told.len();
    store::notifications::receive(&state.pool, told).await?;
    tracing::info!(notices, "customers were told of their orders");
    Ok(StatusCode::NO_CONTENT)
}

/// From where on.
#[derive(Debug, Deserialize)]
pub(crate) struct SinceInput {
    #[serde(default)]
    since: i64,
}

/// Sessions that were ended while access tokens of theirs are good.
pub(crate) async fn revocations(
    State(state): State<AppState>,
    _caller: ServiceCaller,
    Query(input): Query<SinceInput>,
) -> Result<Json<RevocationPage>, ApiError> {
    Ok(Json(store::revocations::since(&mut *state.pool.acquire().await?, input.since).await?))
}
