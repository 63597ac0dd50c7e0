//! The exporter's only port: its metrics, and whether it runs.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use shop_runtime::Problem;
use shop_runtime::metrics::Page;

use crate::app::Figures;

/// `/livez` and `/metrics`.
pub(crate) fn router(figures: Arc<Figures>) -> Router {
    Router::new().route("/livez", get(async || "ok")).route("/metrics", get(metrics).with_state(figures))
}

async fn metrics(State(figures): State<Arc<Figures>>, headers: HeaderMap) -> Result<Response, Problem> {
    figures.refresh().await;
    let page = Page::of(&figures.registry, &headers).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, page.content_type)], page.text).into_response())
}
