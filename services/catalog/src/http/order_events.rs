//! What becomes of orders, as the order service tells it. Every call may be repeated.

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::ServiceCaller;
use shop_runtime::extract::ValidJson;
use shop_runtime::problem::ProblemDocument;
use shop_types::{EventId, OrderId, OrderStatus, UserId};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::app::AppState;
use crate::domain::event::OrderNews;
use crate::error::Error;

/// An order has another status. What else an event may tell one day is not looked at.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub struct OrderEventBody {
    /// The event; it is acted on once
    event_id: EventId,
    /// Whose order; nobody else hears of it
    user_id: UserId,
    /// The order
    order_id: OrderId,
    /// What it is now
    status: OrderStatus,
    /// Grows with every change of the order: one that comes after a later one is not told
    #[garde(inner(range(min = 1)))]
    version: Option<i64>,
    /// When
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

/// Tell a customer's sockets what has become of an order
#[utoipa::path(
    post, path = "/internal/order-events", operation_id = "record_order_event", tag = "internal", request_body = OrderEventBody,
    security(("service" = [])),
    responses(
        (status = NO_CONTENT, description = "Noted, now or before"),
        (status = UNPROCESSABLE_ENTITY, description = "Not an event", body = ProblemDocument),
    )
)]
pub async fn record(
    State(state): State<AppState>,
    _: ServiceCaller,
    ValidJson(body): ValidJson<OrderEventBody>,
) -> Result<StatusCode, Error> {
    state.order_events.record(&[body.into()]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tell customers' sockets what has become of several orders: of all of them, or of none if there is something wrong with one
#[utoipa::path(
    post, path = "/internal/order-events/batch", operation_id = "record_order_events", tag = "internal",
    request_body = Vec<OrderEventBody>, security(("service" = [])),
    responses(
        (status = NO_CONTENT, description = "Noted, now or before"),
        (status = UNPROCESSABLE_ENTITY, description = "Not a list of events", body = ProblemDocument),
    )
)]
pub async fn record_all(
    State(state): State<AppState>,
    _: ServiceCaller,
    ValidJson(bodies): ValidJson<Vec<OrderEventBody>>,
) -> Result<StatusCode, Error> {
    let events: Vec<_> = bodies.into_iter().map(Into::into).collect();
    state.order_events.record(&events).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<OrderEventBody> for (EventId, OrderNews) {
    fn from(body: OrderEventBody) -> Self {
        let OrderEventBody { event_id, user_id, order_id, status, version, occurred_at } = body;
        (event_id, OrderNews { user_id, order_id, status, version, occurred_at })
    }
}
