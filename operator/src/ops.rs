//! The second port: `/metrics`, `/livez`, `/readyz` and `/loglevel`.

use std::{fmt::Write as _, net::SocketAddr};

use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Query, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    heartbeat::Heartbeat,
    lease::Role,
    metrics::Metrics,
    observed::StoreName,
    telemetry::LogLevel,
    watch::{WatchState, WatchStates},
};

/// No list of log levels is longer, in bytes.
const LONGEST_LEVEL: usize = 1024;

/// What the operational routes tell of.
#[derive(Clone)]
pub struct Ops {
    /// Figures.
    pub metrics: Metrics,
    /// How the watches are.
    pub watches: WatchStates,
    /// What this replica is.
    pub role: watch::Receiver<Role>,
    /// The loops that must not stop.
    pub beats: Vec<Heartbeat>,
    /// What is logged.
    pub level: LogLevel,
}

/// Serves the operational routes for as long as the process lives.
pub async fn serve(listener: TcpListener, ops: Ops) -> std::io::Result<()> {
    axum::serve(listener, router(ops).into_make_service_with_connect_info::<SocketAddr>()).await
}

fn router(ops: Ops) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/loglevel", get(level).put(set_level))
        .layer(DefaultBodyLimit::max(LONGEST_LEVEL))
        .with_state(ops)
}

/// Which Store's figures are asked for; a shop's own Prometheus asks for no others.
#[derive(Debug, serde::Deserialize)]
struct Asked {
    namespace: Option<String>,
    store: Option<String>,
}

async fn metrics(State(ops): State<Ops>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let store = asked.namespace.zip(asked.store).map(|(namespace, name)| StoreName { namespace, name });
    match ops.metrics.page(store.as_ref(), &headers) {
        Ok(page) => ([(CONTENT_TYPE, page.content_type)], page.text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Fails when a loop that must never stop gives no sign of life, which only a new process can help.
async fn live(State(ops): State<Ops>) -> (StatusCode, String) {
    let mut text = String::new();
    let mut status = StatusCode::OK;
    for beat in &ops.beats {
        let _ = match beat.silent_for() {
            None => writeln!(text, "{}: alive", beat.name()),
            Some(silence) => {
                status = StatusCode::SERVICE_UNAVAILABLE;
                writeln!(text, "{}: no sign of life for {silence:.0?}", beat.name())
            }
        };
    }
    (status, text)
}

/// A replica is ready when all its watches are complete: one that works can see everything, one that stands by can take over at once.
async fn ready(State(ops): State<Ops>) -> (StatusCode, String) {
    let role = match *ops.role.borrow() {
        Role::StandingBy => "standing by",
        Role::Holding => "working",
        Role::Lost => "the Lease was lost",
    };
    let mut text = format!("{role}\n");
    for (what, state) in ops.watches.all() {
        let _ = match state {
            WatchState::Listing => writeln!(text, "watch of {what}: not listed yet"),
            WatchState::Watching => writeln!(text, "watch of {what}: complete"),
            WatchState::Failing(why) => writeln!(text, "watch of {what}: failed last, and was begun again: {why}"),
        };
    }
    let status = if ops.watches.are_well() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text)
}

async fn level(ConnectInfo(peer): ConnectInfo<SocketAddr>, State(ops): State<Ops>) -> Response {
    if !is_from_here(peer) {
        return not_from_here();
    }
    format!("{}\n", ops.level.get()).into_response()
}

async fn set_level(ConnectInfo(peer): ConnectInfo<SocketAddr>, State(ops): State<Ops>, asked: String) -> Response {
    if !is_from_here(peer) {
        return not_from_here();
    }
    match ops.level.set(asked.trim()) {
        Ok(()) => {
            tracing::info!(level = ops.level.get(), "the log level was changed");
            format!("{}\n", ops.level.get()).into_response()
        }
        Err(error) => problem(StatusCode::BAD_REQUEST, "This is no log level", &error.to_string()),
    }
}

/// Whoever may forward a port to the pod comes from its loopback address; everybody else in the cluster does not.
fn is_from_here(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

fn not_from_here() -> Response {
    let help = "the log level is only told to and changed by the pod itself: use kubectl port-forward";
    problem(StatusCode::FORBIDDEN, "Not from here", help)
}

/// A problem document of RFC 9457.
fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = json!({"type": "about:blank", "status": status.as_u16(), "title": title, "detail": detail});
    (status, [(CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}

#[cfg(test)]
mod tests;
