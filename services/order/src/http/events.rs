//! An order's moves as they happen: server-sent events.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;
use shop_auth::Bearer;
use shop_runtime::Problem;
use shop_runtime::extract::Path;
use shop_runtime::problem::ProblemDocument;
use shop_types::{OrderId, OrderStatus};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::app::AppState;
use crate::domain::lifecycle;
use crate::domain::order::OrderDetails;
use crate::error::Error;
use crate::store::moves::Step;
use crate::streams::Told;

/// Where a client says which event was its last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Tells nginx to pass each event on at once.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// The data of an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderEvent {
    /// The order.
    order_id: OrderId,
    /// The state that it is in now.
    status: OrderStatus,
    /// The order's version in that state, which is the event's id too.
    version: i32,
    /// When it moved.
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

/// Follows an order: an event for each state that it has been in, and then for each that it comes to, until the last
///
/// Each event has the type `order_status`, the order's version as its id, and an `OrderEvent` as its data. A client that was cut off
/// says the last id that it saw in `Last-Event-ID`, as browsers do, and misses nothing. The stream also ends after ten minutes, with
/// the access token and with the session: it says then when to come back, which needs a token that is good.
#[utoipa::path(get, path = "/order-api/orders/{id}/events", operation_id = "follow_order", tag = "orders",
    params(("id" = uuid::Uuid, Path), ("Last-Event-ID" = Option<i32>, Header, description = "the last event that was seen")),
    security(("bearer" = [])), responses(
    (status = 200, description = "events, until the order is delivered or cancelled", body = OrderEvent, content_type = "text/event-stream"),
    (status = 204, description = "the last event was seen, and nothing follows: do not come back"),
    (status = 400, description = "what Last-Event-ID says is not a version", body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "order-not-found: there is none, or it is another's", body = ProblemDocument),
    (status = 429, description = "too-many-streams: of this customer", body = ProblemDocument),
    (status = 503, description = "overloaded: too many streams in all", body = ProblemDocument)))]
pub(crate) async fn follow(
    State(app): State<AppState>,
    Bearer(claims): Bearer,
    Path(id): Path<OrderId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = last_seen(&headers)?;
    let OrderDetails { order, .. } = app.orders.details(claims.sub, id).await?;
    if seen == order.version && lifecycle::is_final(order.status) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    // Who has seen more than there is has seen another shop.
    let seen = if seen > order.version { 0 } else { seen };
    let told = app.streams.follow(claims, id, seen).map_err(Error::from)?;
    let events = told.map(move |told| Ok::<_, Infallible>(event(id, told)));
    Ok(([(CACHE_CONTROL, "no-store"), UNBUFFERED], Sse::new(events)).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<i32, Problem> {
    let Some(given) = headers.get(LAST_EVENT_ID) else { return Ok(0) };
    let version = given.to_str().ok().and_then(|text| text.parse().ok()).filter(|version| *version >= 0);
    version.ok_or_else(|| Problem::bad_request("Last-Event-ID is the id of an event of this order, a whole number"))
}

fn event(id: OrderId, told: Told) -> Event {
    match told {
        Told::Moved(Step { version, status, at }) => {
            let data = OrderEvent { order_id: id, status, version, occurred_at: at };
            let event = Event::default().id(version.to_string()).event("order_status");
            // Its fields are plain values, which always have a JSON.
            event.json_data(data).unwrap_or_else(|_| Event::default().comment("unreadable"))
        }
        Told::Heartbeat => Event::default().comment("still here"),
        Told::ComeBack(after) => Event::default().comment("come back").retry(after),
    }
}
