//! What other services of the shop call; never behind the gateway.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::ServiceCaller;
use shop_outbox::inbox;
use shop_runtime::extract::Json;
use shop_types::{EventId, OrderId, UserId};
use time::OffsetDateTime;

use crate::app::AppState;
use crate::domain::Notification;
use crate::error::ApiError;
use crate::store;

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
    let NotificationInput { event_id, user_id, kind, order_id, status, occurred_at } = input;
    let notification = Notification { id: event_id, kind, order_id, status, occurred_at };
    let mut transaction = state.pool.begin().await?;
    if inbox::first_time(&mut transaction, event_id).await? {
        store::notifications::insert(&mut transaction, user_id, &notification).await?;
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
