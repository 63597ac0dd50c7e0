//! `/metrics`, `/livez` and `/readyz`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};

use crate::{metrics::Metrics, observed::Observed};

/// What the operational routes tell of.
#[derive(Clone)]
pub struct Ops {
    /// Figures.
    pub metrics: Metrics,
    /// What the watches saw.
    pub observed: Arc<Observed>,
    /// Whether this replica holds the Lease.
    pub leading: Arc<AtomicBool>,
}

/// The operational routes.
pub fn router(ops: Ops) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(ops)
}

async fn metrics(State(ops): State<Ops>) -> impl IntoResponse {
    match ops.metrics.render() {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, "text/plain; version=0.0.4")], text),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], error.to_string().into_bytes())
        }
    }
}

/// A replica that waits for the Lease is ready to take over; the one that works is ready when its watches are complete.
async fn ready(State(ops): State<Ops>) -> (StatusCode, &'static str) {
    if !ops.leading.load(Ordering::Relaxed) {
        (StatusCode::OK, "standing by\n")
    } else if ops.observed.is_synced() {
        (StatusCode::OK, "working\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the watches are not complete yet\n")
    }
}
