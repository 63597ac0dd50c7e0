//! What sells best.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use shop_cache::Cached;
use shop_runtime::Problem;
use shop_runtime::extract::{Json, Query};
use shop_runtime::problem::ProblemDocument;
use utoipa::IntoParams;

use crate::app::AppState;
use crate::cached::bestsellers::BestsellerList;
use crate::domain::bestseller::BestsellersLimit;

/// How many.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BestsellersQuery {
    /// How many products to show, 1 to 50
    #[serde(default)]
    limit: BestsellersLimit,
}

/// What has sold best in the last 30 days
#[utoipa::path(
    get, path = "/api/bestsellers", operation_id = "list_bestsellers", tag = "suggestions", params(BestsellersQuery),
    responses(
        (status = OK, body = BestsellerList, headers(("Cache-Status" = String, description = "What the cache did (RFC 9211)"))),
        (status = BAD_REQUEST, description = "`limit` is no number from 1 to 50", body = ProblemDocument),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    Query(BestsellersQuery { limit }): Query<BestsellersQuery>,
) -> Result<impl IntoResponse, Problem> {
    let served = state.bestsellers.get(&limit).await?;
    Ok(Cached(served.status, Json(served.value.as_deref()).into_response()))
}
