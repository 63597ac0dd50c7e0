//! Products as administrators change them.

use axum::extract::State;
use axum::response::IntoResponse;
use garde::Validate;
use http::StatusCode;
use http::header::{ETAG, LOCATION};
use serde::Deserialize;
use shop_auth::Admin;
use shop_runtime::conditional::IfMatch;
use shop_runtime::extract::{Json, Path, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{LocalizedText, Money};
use utoipa::ToSchema;

use super::products::ProductPath;
use super::tags;
use crate::app::AppState;
use crate::assortment::Seen;
use crate::domain::category::is_slug;
use crate::domain::listing::HIGHEST_PRICE;
use crate::domain::product::{NewProduct, Product, ProductChange, StockChange};
use crate::domain::text;
use crate::error::Error;

const NAME_LENGTH: usize = 200;
const DESCRIPTION_LENGTH: usize = 4000;
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

/// What a product is to be from now on: everything about it.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceBody {
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
    /// The version that is to be replaced, unless If-Match names it
    #[garde(inner(range(min = 1)))]
    #[schema(minimum = 1)]
    version: Option<i64>,
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
    /// The version that is to be changed; whichever there is without it, unless If-Match names one
    #[garde(inner(range(min = 1)))]
    #[schema(minimum = 1)]
    version: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of a rule of garde")]
fn at_most<const LENGTH: usize>(text: &LocalizedText, (): &()) -> garde::Result {
    for (language, text) in [("en", &text.en), ("ru", &text.ru)] {
        text::check(text, LENGTH).map_err(|error| garde::Error::new(format!("`{language}` {error}")))?;
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

fn texts(text: &LocalizedText) -> LocalizedText {
    LocalizedText { en: text::cleaned(&text.en), ru: text::cleaned(&text.ru) }
}

impl From<CreateBody> for NewProduct {
    fn from(body: CreateBody) -> Self {
        let CreateBody { name, description, category, price, stock } = body;
        Self { name: texts(&name), description: texts(&description), category, price, stock }
    }
}

impl From<ReplaceBody> for NewProduct {
    fn from(body: ReplaceBody) -> Self {
        let ReplaceBody { name, description, category, price, stock, version: _ } = body;
        Self { name: texts(&name), description: texts(&description), category, price, stock }
    }
}

impl From<PatchBody> for ProductChange {
    fn from(body: PatchBody) -> Self {
        let PatchBody { name, description, category, price, stock, stock_change, version: _ } = body;
        let stock = stock.map(StockChange::Set).or(stock_change.map(StockChange::Add));
        Self { name: name.as_ref().map(texts), description: description.as_ref().map(texts), category, price, stock }
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
    Ok((StatusCode::CREATED, [location], [(ETAG, tags::of_product(&product).to_header())], Json(product)))
}

/// Replace all of a product
#[utoipa::path(
    put, path = "/api/products/{id}", operation_id = "replace_product", tag = "admin", request_body = ReplaceBody,
    security(("bearer" = [])),
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "Replace it only if this is its tag")),
    responses(
        (status = OK, body = Product, headers(("ETag" = String, description = "Its state now"))),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
        (status = CONFLICT, description = "`version-conflict`: it has another version than `version`", body = ProblemDocument),
        (status = PRECONDITION_FAILED, description = "It has another tag than If-Match names", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
        (status = PRECONDITION_REQUIRED, description = "Neither If-Match nor `version` is there", body = ProblemDocument),
    )
)]
pub async fn replace(
    State(state): State<AppState>,
    _: Admin,
    Path(ProductPath { id }): Path<ProductPath>,
    states: IfMatch,
    ValidJson(body): ValidJson<ReplaceBody>,
) -> Result<impl IntoResponse, Error> {
    let seen = Seen { states, version: body.version };
    let product = state.assortment.replace(id, &seen, body.into()).await?;
    Ok(([(ETAG, tags::of_product(&product).to_header())], Json(product)))
}

/// Change a product
#[utoipa::path(
    patch, path = "/api/products/{id}", operation_id = "update_product", tag = "admin", request_body = PatchBody,
    security(("bearer" = [])),
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "Change it only if this is its tag")),
    responses(
        (status = OK, body = Product),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
        (status = CONFLICT, description = "The stock can't become that, or `version-conflict`", body = ProblemDocument),
        (status = PRECONDITION_FAILED, description = "It has another tag than If-Match names", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`errors` names the fields", body = ProblemDocument),
    )
)]
pub async fn patch(
    State(state): State<AppState>,
    _: Admin,
    Path(ProductPath { id }): Path<ProductPath>,
    states: IfMatch,
    ValidJson(body): ValidJson<PatchBody>,
) -> Result<impl IntoResponse, Error> {
    let seen = Seen { states, version: body.version };
    let product = state.assortment.change(id, &seen, body.into()).await?;
    Ok(([(ETAG, tags::of_product(&product).to_header())], Json(product)))
}

/// Take a product off the shelf
#[utoipa::path(
    delete, path = "/api/products/{id}", operation_id = "delete_product", tag = "admin", security(("bearer" = [])),
    params(ProductPath, ("If-Match" = Option<String>, Header, description = "Delete it only if this is its tag")),
    responses(
        (status = NO_CONTENT),
        (status = UNAUTHORIZED, body = ProblemDocument),
        (status = FORBIDDEN, body = ProblemDocument),
        (status = NOT_FOUND, body = ProblemDocument),
        (status = PRECONDITION_FAILED, description = "It has another tag than If-Match names", body = ProblemDocument),
    )
)]
pub async fn delete(
    State(state): State<AppState>,
    _: Admin,
    Path(ProductPath { id }): Path<ProductPath>,
    states: IfMatch,
) -> Result<StatusCode, Error> {
    state.assortment.remove(id, &Seen { states, version: None }).await?;
    Ok(StatusCode::NO_CONTENT)
}
