//! Products as everyone may see them.

use axum::extract::State;
use axum::response::IntoResponse;
use http::HeaderMap;
use serde::Deserialize;
use shop_cache::Cached;
use shop_runtime::conditional::conditional;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, Page, PageLimit, ProductId};
use utoipa::IntoParams;

use super::tags::{self, fresh};
use crate::app::AppState;
use crate::domain::listing::{Asked, Language, Listing, Sort};
use crate::domain::product::Product;
use crate::error::Error;

/// Which products to list, and in which order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// What to search for in the names, in up to 100 characters: words in any order and form or the begin of words, of either language.
    /// A word that no name has is taken for those that are most like it
    #[param(example = "choc", max_length = 100)]
    q: Option<String>,
    /// The slug of a category; products of all categories without it
    #[param(example = "fruit")]
    category: Option<String>,
    /// Only what costs at least so much now, in minor units (kopeks)
    #[param(minimum = 0, maximum = 10_000_000_000_i64)]
    min_price: Option<i64>,
    /// Only what costs at most so much now, in minor units (kopeks)
    #[param(minimum = 0, maximum = 10_000_000_000_i64)]
    max_price: Option<i64>,
    /// Only what can be bought now
    #[serde(default)]
    in_stock: bool,
    /// In which order: `relevance` of a search, `id` of everything else unless told otherwise
    #[param(inline)]
    sort: Option<Sort>,
    /// Of which language the names are that `sort=name` sorts by
    #[serde(default)]
    #[param(inline)]
    lang: Language,
    /// How many products a page has
    #[serde(default)]
    limit: PageLimit,
    /// Where to go on: `next_cursor` of the page before, with all the other parameters but `limit` as they were
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// A page of products: of a category or all of them, that are found, filtered and sorted
#[utoipa::path(
    get, path = "/api/products", operation_id = "list_products", tag = "products",
    params(ListQuery, ("If-None-Match" = Option<String>, Header, description = "The tag of the page that is there already")),
    responses(
        (status = OK, body = Page<Product>, headers(
            ("ETag" = String, description = "The state of the page's products"),
            ("Cache-Control" = String, description = "To be asked for anew each time"),
        )),
        (status = NOT_MODIFIED, description = "The page is as it was"),
        (status = BAD_REQUEST, description = "A parameter makes no sense; `errors` names it", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "`too-many-searches` at a time; with `Retry-After`", body = ProblemDocument),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<impl IntoResponse, Error> {
    let ListQuery { q, category, min_price, max_price, in_stock, sort, lang, limit, cursor } = query;
    let listing = Listing::try_from(Asked { q, category, min_price, max_price, in_stock, sort, lang })?;
    let page = state.reads.page(&listing, cursor.as_ref(), limit).await?;
    Ok(fresh(conditional(&headers, &tags::of_page(&page), || Json(page))))
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
    get, path = "/api/products/{id}", operation_id = "get_product", tag = "products",
    params(ProductPath, ("If-None-Match" = Option<String>, Header, description = "The tag of the product that is there already")),
    responses(
        (status = OK, body = Product, headers(
            ("ETag" = String, description = "The product's version and, while a sale runs, its price; for If-Match too"),
            ("Cache-Control" = String, description = "To be asked for anew each time"),
            ("Cache-Status" = String, description = "What the cache did (RFC 9211)"),
        )),
        (status = NOT_MODIFIED, description = "The product is as it was"),
        (status = NOT_FOUND, description = "It is not sold here", body = ProblemDocument),
    )
)]
pub async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(ProductPath { id }): Path<ProductPath>,
) -> Result<impl IntoResponse, Error> {
    let (status, product) = state.reads.product(id).await?;
    state.metrics.product_viewed();
    Ok(Cached(status, fresh(conditional(&headers, &tags::of_product(&product), || Json(product)))))
}
