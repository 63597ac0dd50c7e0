//! `/ws`: what happens in the shop, as it happens.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shop_runtime::Problem;
use shop_runtime::extract::Query;
use shop_runtime::problem::ProblemDocument;
use utoipa::IntoParams;

use crate::app::AppState;
use crate::sockets::{Arrival, LARGEST_MESSAGE};

/// Where a client goes on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The number of the last event that was seen; what came after it is sent first. Without it only what is new is sent
    since: Option<i64>,
    /// Whether the first message will be `authenticate`: it is waited for, and what was missed of one's own comes in its place
    #[serde(default)]
    own: bool,
}

/// Hear of what happens in the shop as it happens, over a WebSocket
///
/// Messages are JSON objects with `seq`, `kind` and `at`: `flash_sale_planned`, `flash_sale_started`, `flash_sale_stopped` and
/// `flash_sale_ended` with the `sale`; `stock_changed` with `product_id` and `stock`, `price_changed` with `product_id` and `price`,
/// `product_withdrawn` with `product_id`. Of the last three only the newest of a product is kept. Ignore other kinds.
///
/// With `since`, what was missed comes first, then `{"kind": "hello", "seq": n}`, or `{"kind": "gap", "seq": n}` if `since` is so long ago
/// that events are missing: read everything again then. Come back with the highest `seq` that you have seen.
///
/// `{"authenticate": "<access token>"}` also tells of one's own orders: `order_status` with `order_id`, `status` and `version`. The answer is
/// `{"kind": "authenticated", "seq": n, "gap": false}`, after what was missed since `since` (which can be in this message too), or
/// `{"kind": "authentication_failed", "reason": …}`. When the token is over: `{"kind": "authentication_ended", "reason": …}`; send another.
/// With `own=true` all comes in the order of the numbers; without it, keep the `since` that you came with until `authenticated`.
///
/// A replica that stops says `{"kind": "goodbye", "seq": n, "retry_in_ms": m}` and closes with code 1001: come back.
#[utoipa::path(
    get, path = "/ws", operation_id = "listen", tag = "events", params(Since),
    responses(
        (status = SWITCHING_PROTOCOLS, description = "A WebSocket from here on"),
        (status = BAD_REQUEST, body = ProblemDocument),
        (status = UPGRADE_REQUIRED, description = "Not a request for a WebSocket", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "Too many WebSockets, or the events are not known yet", body = ProblemDocument),
    )
)]
pub async fn listen(
    State(state): State<AppState>,
    Query(Since { since, own }): Query<Since>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket-required", "This address is a WebSocket")
            .detail(rejection.body_text())
    })?;
    let sockets = state.sockets.clone();
    let place = sockets
        .place()
        .ok_or_else(|| Problem::unavailable("too-many-sockets", "There are too many WebSockets at the moment"))?;
    let joined =
        sockets.join().ok_or_else(|| Problem::unavailable("database-unavailable", "The events are not known yet"))?;
    Ok(upgrade
        // The default is 128 KiB for each connection, and there may be a thousand on a pod.
        .read_buffer_size(LARGEST_MESSAGE)
        .write_buffer_size(LARGEST_MESSAGE)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(move |socket| sockets.serve(socket, Arrival { since, own }, joined, place)))
}
