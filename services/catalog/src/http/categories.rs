//! The shelves of the shop.

use axum::extract::State;
use serde::Serialize;
use shop_runtime::extract::Json;
use utoipa::ToSchema;

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
    responses((status = OK, body = CategoriesBody))
)]
pub async fn list(State(state): State<AppState>) -> Result<Json<CategoriesBody>, Error> {
    Ok(Json(CategoriesBody { categories: state.reads.categories().await? }))
}
