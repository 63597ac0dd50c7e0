//! What was sold, as the order service tells it. Every call may be repeated.

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::ServiceCaller;
use shop_runtime::extract::{Path, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{EventId, OrderId, UserId};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::reservations::OrderPath;
use crate::app::AppState;
use crate::domain::reservation::WantedLine;
use crate::domain::sale::Sale;
use crate::error::Error;

/// An order was placed. What else an event may tell one day is not looked at.
#[derive(Deserialize, Validate, ToSchema)]
#[garde(allow_unvalidated)]
pub struct SaleBody {
    /// The event; it is acted on once
    event_id: EventId,
    /// The order
    order_id: OrderId,
    /// Who bought
    user_id: UserId,
    /// When
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    /// What was bought, each product once
    #[garde(length(min = 1, max = 500))]
    lines: Vec<WantedLine>,
}

/// Note what an order bought
#[utoipa::path(
    post, path = "/internal/sales", operation_id = "record_sale", tag = "internal", request_body = SaleBody,
    security(("service" = [])),
    responses(
        (status = NO_CONTENT, description = "Noted, now or before"),
        (status = UNPROCESSABLE_ENTITY, description = "Not an event", body = ProblemDocument),
    )
)]
pub async fn record(
    State(state): State<AppState>,
    _: ServiceCaller,
    ValidJson(body): ValidJson<SaleBody>,
) -> Result<StatusCode, Error> {
    state.sales.record(vec![body.into()]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Note what several orders bought: all of them, or none if there is something wrong with one
#[utoipa::path(
    post, path = "/internal/sales/batch", operation_id = "record_sales", tag = "internal", request_body = Vec<SaleBody>,
    security(("service" = [])),
    responses(
        (status = NO_CONTENT, description = "Noted, now or before"),
        (status = UNPROCESSABLE_ENTITY, description = "Not a list of events", body = ProblemDocument),
    )
)]
pub async fn record_all(
    State(state): State<AppState>,
    _: ServiceCaller,
    ValidJson(bodies): ValidJson<Vec<SaleBody>>,
) -> Result<StatusCode, Error> {
    state.sales.record(bodies.into_iter().map(Into::into).collect()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<SaleBody> for (EventId, Sale) {
    fn from(body: SaleBody) -> Self {
        let SaleBody { event_id, order_id, user_id, occurred_at: sold_at, lines } = body;
        (event_id, Sale { order_id, user_id, sold_at, lines })
    }
}

/// Have a cancelled order count no more, whether its sale was told before or will be
#[utoipa::path(
    delete, path = "/internal/sales/{order_id}", operation_id = "cancel_sale", tag = "internal", params(OrderPath),
    security(("service" = [])), responses((status = NO_CONTENT))
)]
pub async fn cancel(
    State(state): State<AppState>,
    _: ServiceCaller,
    Path(OrderPath { order_id }): Path<OrderPath>,
) -> Result<StatusCode, Error> {
    state.sales.cancel(order_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
