//! Products as everyone may see them.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Deserialize;
use shop_cache::Cached;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, Page, PageLimit, ProductId};
use utoipa::IntoParams;

use super::version;
use crate::app::AppState;
use crate::domain::listing::Position;
use crate::domain::product::Product;
use crate::error::Error;

/// Which products to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The slug of a category; products of all categories without it
    #[param(example = "fruit")]
    category: Option<String>,
    /// How many products a page has
    #[serde(default)]
    limit: PageLimit,
    /// Where to go on: `next_cursor` of the page before
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// A page of products, sorted by id
#[utoipa::path(
    get, path = "/api/products", operation_id = "list_products", tag = "products", params(ListQuery),
    responses(
        (status = OK, body = Page<Product>),
        (status = BAD_REQUEST, description = "A parameter makes no sense; `errors` names it", body = ProblemDocument),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    Query(ListQuery { category, limit, cursor }): Query<ListQuery>,
) -> Result<Json<Page<Product>>, Error> {
    let category = category.as_deref();
    let after = Position::resume(cursor.as_ref(), category)?;
    Ok(Json(state.reads.page(category, after, limit).await?))
}

/// A product of the route.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProductPath {
    /// The product's number
    pub(super) id: ProductId,
}

/// One product
#[utoipa::path(
    get, path = "/api/products/{id}", operation_id = "get_product", tag = "products", params(ProductPath),
    responses(
        (status = OK, body = Product, headers(
            ("ETag" = String, description = "The product's version, for If-Match"),
            ("Cache-Status" = String, description = "What the cache did (RFC 9211)"),
        )),
        (status = NOT_FOUND, description = "It is not sold here", body = ProblemDocument),
    )
)]
pub async fn get(
    State(state): State<AppState>,
    Path(ProductPath { id }): Path<ProductPath>,
) -> Result<impl IntoResponse, Error> {
    let (status, product) = state.reads.product(id).await?;
    state.metrics.product_viewed();
    Ok(Cached(status, ([version::etag(product.version)], Json(product))))
}
