//! Today's prices and stock for many products at once, for siblings.

use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use shop_auth::ServiceCaller;
use shop_runtime::extract::{Json, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::ProductId;
use utoipa::ToSchema;

use crate::app::AppState;
use crate::domain::product::Quoted;
use crate::error::Error;

/// Which products.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteBody {
    /// At most 500
    #[garde(length(max = 500))]
    product_ids: Vec<ProductId>,
}

/// Those of the products that are sold, sorted by id.
#[derive(Serialize, ToSchema)]
pub struct QuoteAnswer {
    products: Vec<Quoted>,
}

/// Today's prices and stock; products that are not sold are absent
#[utoipa::path(
    post, path = "/internal/products/quote", operation_id = "quote_products", tag = "internal",
    request_body = QuoteBody, security(("service" = [])),
    responses((status = OK, body = QuoteAnswer), (status = UNAUTHORIZED, body = ProblemDocument))
)]
pub async fn quote(
    State(state): State<AppState>,
    _: ServiceCaller,
    ValidJson(body): ValidJson<QuoteBody>,
) -> Result<Json<QuoteAnswer>, Error> {
    Ok(Json(QuoteAnswer { products: state.reads.quote(&body.product_ids).await? }))
}
