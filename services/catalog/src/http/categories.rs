//! The shelves of the shop.

use axum::extract::State;
use axum::response::IntoResponse;
use http::HeaderMap;
use serde::Serialize;
use shop_runtime::conditional::conditional;
use shop_runtime::extract::Json;
use utoipa::ToSchema;

use super::tags::{self, fresh};
use crate::app::AppState;
use crate::domain::category::Category;
use crate::error::Error;

/// Every category.
#[derive(Serialize, ToSchema)]
pub struct CategoriesBody {
    categories: Vec<Category>,
}

/// Every category with its number of products
#[utoipa::path(
    get, path = "/api/products/categories/list", operation_id = "list_categories", tag = "products",
    params(("If-None-Match" = Option<String>, Header, description = "The tag of the list that is there already")),
    responses(
        (status = OK, body = CategoriesBody, headers(("ETag" = String, description = "The state of the list"))),
        (status = NOT_MODIFIED, description = "The list is as it was"),
    )
)]
pub async fn list(State(state): State<AppState>, headers: HeaderMap) -> Result<impl IntoResponse, Error> {
    let categories = state.reads.categories().await?;
    let etag = tags::of_categories(&categories);
    Ok(fresh(conditional(&headers, &etag, || Json(CategoriesBody { categories }))))
}
