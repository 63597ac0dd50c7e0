//! Products as administrators change them.

use axum::extract::State;
use axum::response::IntoResponse;
use garde::Validate;
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;
use shop_auth::Admin;
use shop_runtime::extract::{Json, Path, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{LocalizedText, Money};
use utoipa::ToSchema;

use super::products::ProductPath;
use super::version::{self, IfMatch};
use crate::app::AppState;
use crate::domain::category::is_slug;
use crate::domain::product::{NewProduct, Product, ProductChange, StockChange};
use crate::error::Error;

const NAME_LENGTH: usize = 200;
const DESCRIPTION_LENGTH: usize = 4000;
const HIGHEST_PRICE: i64 = 10_000_000_000;
const LARGEST_STOCK: i32 = 1_000_000;

/// A product to add.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBody {
    /// What it is called, in up to 200 characters
    #[garde(custom(at_most::<NAME_LENGTH>))]
    name: LocalizedText,
    /// What is said about it, in up to 4,000 characters
    #[garde(custom(at_most::<DESCRIPTION_LENGTH>))]
    description: LocalizedText,
    /// The slug of its category
    #[garde(custom(is_category))]
    #[schema(example = "fruit")]
    category: String,
    /// What one piece costs, more than nothing
    #[garde(custom(is_price))]
    price: Money,
    /// How many pieces there are
    #[garde(range(min = 0, max = LARGEST_STOCK))]
    #[schema(minimum = 0, maximum = 1_000_000)]
    stock: i32,
}

/// What is to become different about a product; what is left out stays.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchBody {
    /// Another name
    #[garde(inner(custom(at_most::<NAME_LENGTH>)))]
    name: Option<LocalizedText>,
    /// Another description
    #[garde(inner(custom(at_most::<DESCRIPTION_LENGTH>)))]
    description: Option<LocalizedText>,
    /// The slug of another category
    #[garde(inner(custom(is_category)))]
    category: Option<String>,
    /// Another price
    #[garde(inner(custom(is_price)))]
    price: Option<Money>,
    /// Exactly so many pieces from now on. What was sold since you looked is forgotten unless you send If-Match; `stock_change` is
    /// always right
    #[garde(inner(range(min = 0, max = LARGEST_STOCK)))]
    #[schema(minimum = 0, maximum = 1_000_000)]
    stock: Option<i32>,
    /// So many pieces more, or fewer if negative
    #[garde(inner(range(min = -LARGEST_STOCK, max = LARGEST_STOCK)), custom(only_without(self.stock)))]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    stock_change: Option<i32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a rule of garde")]
fn at_most<const LENGTH: usize>(text: &LocalizedText, (): &()) -> garde::Result {
    for (language, text) in [("en", &text.en), ("ru", &text.ru)] {
        if text.trim().is_empty() || text.chars().count() > LENGTH {
            return Err(garde::Error::new(format!("`{language}` has from 1 to {LENGTH} characters")));
        }
        // PostgreSQL has no text with a NUL in it, and nothing else of the kind belongs into a shop window.
        if text.contains(|sign: char| sign.is_control() && sign != '\n') {
            return Err(garde::Error::new(format!("`{language}` has a control character in it")));
        }
    }
    Ok(())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a rule of garde")]
fn is_category(slug: &str, (): &()) -> garde::Result {
    if is_slug(slug) { Ok(()) } else { Err(garde::Error::new("is the slug of no category")) }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a rule of garde")]
pub(super) fn is_price(price: &Money, (): &()) -> garde::Result {
    if (1..=HIGHEST_PRICE).contains(&price.amount) {
        Ok(())
    } else {
        Err(garde::Error::new(format!("`amount` is from 1 to {HIGHEST_PRICE} minor units")))
    }
}

fn only_without(stock: Option<i32>) -> impl FnOnce(&Option<i32>, &()) -> garde::Result {
    move |change, ()| {
        if stock.is_some() && change.is_some() {
            return Err(garde::Error::new("can't go together with `stock`"));
        }
        Ok(())
    }
}

impl From<CreateBody> for NewProduct {
    fn from(body: CreateBody) -> Self {
        let CreateBody { name, description, category, price, stock } = body;
        Self { name, description, category, price, stock }
    }
}

impl From<PatchBody> for ProductChange {
    fn from(body: PatchBody) -> Self {
        let PatchBody { name, description, category, price, stock, stock_change } = body;
        let stock = stock.map(StockChange::Set).or(stock_change.map(StockChange::Add));
        Self { name, description, category, price, stock }
    }
}

/// Add a product
#[utoipa::path(
    post, path = "/api/products", operation_id = "create_product", tag = "admin", request_body = CreateBody,
    security(("bearer" = [])),
    responses(
        (status = CREATED, body = Product),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
    )
)]
pub async fn create(
    State(state): State<AppState>,
    _: Admin,
    ValidJson(body): ValidJson<CreateBody>,
) -> Result<impl IntoResponse, Error> {
    let product = state.assortment.create(&body.into()).await?;
    let location = (LOCATION, format!("/api/products/{}", product.id));
    Ok((StatusCode::CREATED, [location], [version::etag(product.version)], Json(product)))
}

/// Change a product
#[utoipa::path(
    patch, path = "/api/products/{id}", operation_id = "update_product", tag = "admin", request_body = PatchBody,
    security(("bearer" = [])),
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "Change this version only")),
    responses(
        (status = OK, body = Product),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
        (status = CONFLICT, description = "The stock can't become that", body = ProblemDocument),
        (status = PRECONDITION_FAILED, description = "It has another version", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
    )
)]
pub async fn patch(
    State(state): State<AppState>,
    _: Admin,
    Path(ProductPath { id }): Path<ProductPath>,
    IfMatch(version): IfMatch,
    ValidJson(body): ValidJson<PatchBody>,
) -> Result<impl IntoResponse, Error> {
    let product = state.assortment.change(id, version, body.into()).await?;
    Ok(([version::etag(product.version)], Json(product)))
}

/// Take a product off the shelf
#[utoipa::path(
    delete, path = "/api/products/{id}", operation_id = "delete_product", tag = "admin", security(("bearer" = [])),
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "Delete this version only")),
    responses(
        (status = NO_CONTENT),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
        (status = PRECONDITION_FAILED, description = "It has another version", body = ProblemDocument),
    )
)]
pub async fn delete(
    State(state): State<AppState>,
    _: Admin,
    Path(ProductPath { id }): Path<ProductPath>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Error> {
    state.assortment.remove(id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
