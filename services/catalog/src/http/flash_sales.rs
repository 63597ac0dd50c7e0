//! Flash sales.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::Admin;
use shop_cache::Cached;
use shop_runtime::extract::{Json, Path, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{FlashSaleId, Money, ProductId};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::admin::is_price;
use crate::app::AppState;
use crate::cached::flash_sales::OpenSales;
use crate::domain::flash_sale::{FlashSale, NewSale};
use crate::error::Error;

/// A sale to start.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// Of which product
    #[garde(skip)]
    product_id: ProductId,
    /// What one piece costs meanwhile, less than otherwise
    #[garde(custom(is_price))]
    price: Money,
    /// When it begins, not in the past; left out: at once
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option")]
    starts_at: Option<OffsetDateTime>,
    /// When it ends, at most 30 days later
    #[garde(skip)]
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
}

impl From<StartBody> for NewSale {
    fn from(body: StartBody) -> Self {
        let StartBody { product_id, price, starts_at, ends_at } = body;
        Self { product: product_id, price, starts_at, ends_at }
    }
}

/// A sale of the route.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SalePath {
    /// The sale's id
    sale_id: FlashSaleId,
}

/// The flash sales that run or are planned
#[utoipa::path(
    get, path = "/api/flash-sales", operation_id = "list_flash_sales", tag = "flash-sales",
    responses(
        (status = OK, body = OpenSales, headers(("Cache-Status" = String, description = "What the cache did (RFC 9211)"))),
    )
)]
pub async fn list(State(state): State<AppState>) -> Result<Cached<Json<Arc<OpenSales>>>, Error> {
    let (status, sales) = state.flash_sales.open().await?;
    Ok(Cached(status, Json(sales)))
}

/// Start a flash sale, or plan one; a product has at most one at a time
#[utoipa::path(
    post, path = "/api/flash-sales", operation_id = "start_flash_sale", tag = "admin", request_body = StartBody,
    security(("bearer" = [])),
    responses(
        (status = CREATED, body = FlashSale),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, description = "`product-not-found`", body = ProblemDocument),
        (status = CONFLICT, description = "`flash-sale-overlaps`", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
    )
)]
pub async fn start(
    State(state): State<AppState>,
    _: Admin,
    ValidJson(body): ValidJson<StartBody>,
) -> Result<impl IntoResponse, Error> {
    let sale = state.flash_sales.start(&body.into()).await?;
    Ok((StatusCode::CREATED, Json(sale)))
}

/// Stop a flash sale, or call a planned one off
#[utoipa::path(
    delete, path = "/api/flash-sales/{sale_id}", operation_id = "stop_flash_sale", tag = "admin", params(SalePath),
    security(("bearer" = [])),
    responses(
        (status = NO_CONTENT),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, description = "`flash-sale-not-found`: it is over, or never was", body = ProblemDocument),
    )
)]
pub async fn stop(
    State(state): State<AppState>,
    _: Admin,
    Path(SalePath { sale_id }): Path<SalePath>,
) -> Result<StatusCode, Error> {
    state.flash_sales.stop(sale_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
