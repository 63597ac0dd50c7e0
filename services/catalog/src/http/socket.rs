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
use crate::sockets::LARGEST_MESSAGE;

/// Where a client goes on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The number of the last event that was seen; what came after it is sent first. Without it only what is new is sent
    since: Option<i64>,
}

/// Hear of flash sales as they start and end, over a WebSocket
///
/// Messages are JSON objects with `seq`, `kind` and `at`. After what was missed comes `{"kind": "hello", "seq": n}`, or
/// `{"kind": "resync", "seq": n}` if `since` is so long ago that events are missing: read everything again then. Events are
/// `flash_sale_planned`, `flash_sale_started`, `flash_sale_stopped` and `flash_sale_ended`, with the `sale`. Ignore other kinds.
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
    Query(Since { since }): Query<Since>,
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
    let subscription = sockets
        .subscribe(since)
        .ok_or_else(|| Problem::unavailable("database-unavailable", "The events are not known yet"))?;
    Ok(upgrade
        // The default is 128 KiB for each connection, and there may be a thousand on a pod.
        .read_buffer_size(LARGEST_MESSAGE)
        .write_buffer_size(LARGEST_MESSAGE)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE)
        .on_upgrade(move |socket| sockets.serve(socket, subscription, place)))
}
