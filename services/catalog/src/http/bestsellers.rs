//! What sells best.

use axum::extract::State;
use axum::response::IntoResponse;
use http::HeaderMap;
use serde::Deserialize;
use shop_cache::Cached;
use shop_runtime::Problem;
use shop_runtime::conditional::conditional;
use shop_runtime::extract::{Json, Query};
use shop_runtime::problem::ProblemDocument;
use utoipa::IntoParams;

use super::tags::{self, fresh};
use crate::app::AppState;
use crate::cached::bestsellers::BestsellerList;
use crate::domain::bestseller::BestsellersLimit;

/// How many.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BestsellersQuery {
    /// How many products to show, 1 to 50
    #[serde(default)]
    limit: BestsellersLimit,
}

/// What has sold best in the last 30 days
#[utoipa::path(
    get, path = "/api/bestsellers", operation_id = "list_bestsellers", tag = "suggestions",
    params(BestsellersQuery, ("If-None-Match" = Option<String>, Header, description = "The tag of the list that is there already")),
    responses(
        (status = OK, body = BestsellerList, headers(
            ("ETag" = String, description = "The state of the list"),
            ("Cache-Status" = String, description = "What the cache did (RFC 9211)"),
        )),
        (status = NOT_MODIFIED, description = "The list is as it was"),
        (status = BAD_REQUEST, description = "`limit` is no number from 1 to 50", body = ProblemDocument),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(BestsellersQuery { limit }): Query<BestsellersQuery>,
) -> Result<impl IntoResponse, Problem> {
    let served = state.bestsellers.get(&limit).await?;
    let list = served.value.as_deref();
    let answer = match list {
        Some(known) => conditional(&headers, &tags::of_bestsellers(known), || Json(list)),
        None => Json(list).into_response(),
    };
    Ok(Cached(served.status, fresh(answer)))
}
