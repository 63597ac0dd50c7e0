//! The operational port: probes and metrics. It is never behind the gateway.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use prometheus::Registry;

use crate::extract::Json;
use crate::health::Health;
use crate::problem::Problem;

/// `/livez`, `/readyz` and `/metrics`.
pub fn router(health: Health, registry: Registry) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(metrics).with_state(registry))
}

/// The process runs. That it can't do much without its database is no reason to kill it.
async fn live() -> &'static str {
    "ok"
}

async fn ready(State(health): State<Health>) -> Response {
    let readiness = health.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics(State(registry): State<Registry>, headers: HeaderMap) -> Result<Response, Problem> {
    let page = crate::metrics::Page::of(&registry, &headers).map_err(Problem::internal)?;
    Ok(([(http::header::CONTENT_TYPE, page.content_type)], page.text).into_response())
}
