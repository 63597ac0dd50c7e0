//! The customer's own cart.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shop_auth::CurrentUser;
use shop_cache::Cached;
use shop_runtime::extract::{Json, Path};
use shop_runtime::problem::ProblemDocument;
use shop_types::{ProductId, Quantity};
use utoipa::ToSchema;

use crate::app::App;
use crate::carts::ChangedLine;
use crate::domain::cart::{Cart, CartLine, Item};
use crate::error::Error;

/// Pieces of a product to put into the cart.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddItem {
    product_id: ProductId,
    quantity: Quantity,
}

impl From<AddItem> for Item {
    fn from(add: AddItem) -> Self {
        Self { product_id: add.product_id, quantity: add.quantity }
    }
}

/// How many pieces there are to be.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetQuantity {
    quantity: Quantity,
}

/// A line after it was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineChanged {
    /// The version of the cart that the change made.
    version: i64,
    /// The line as it is now.
    line: CartLine,
}

impl From<ChangedLine> for LineChanged {
    fn from(changed: ChangedLine) -> Self {
        Self { version: changed.version, line: changed.line }
    }
}

/// Reads the cart
#[utoipa::path(get, path = "/cart-api/cart", operation_id = "get_cart", tag = "cart", security(("bearer" = [])), responses(
    (status = 200, body = Cart, headers(("Cache-Status" = String, description = "what the cache did for the answer (RFC 9211)"))),
    (status = 401, body = ProblemDocument),
    (status = 503, description = "the catalog or the database is away", body = ProblemDocument)))]
pub(crate) async fn read(State(app): State<App>, user: CurrentUser) -> Result<Response, Error> {
    let (status, cart) = app.carts.read(user.id).await?;
    Ok(Cached(status, Json(&*cart)).into_response())
}

/// Puts pieces of a product into the cart, on top of those that are in it
#[utoipa::path(post, path = "/cart-api/cart/items", operation_id = "add_cart_item", tag = "cart", request_body = AddItem,
    security(("bearer" = [])), responses(
    (status = 200, body = LineChanged),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "product-not-found", body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`) or cart-full", body = ProblemDocument),
    (status = 422, description = "invalid-input or too-many-pieces", body = ProblemDocument)))]
pub(crate) async fn add_item(
    State(app): State<App>,
    user: CurrentUser,
    Json(item): Json<AddItem>,
) -> Result<Json<LineChanged>, Error> {
    app.carts.add(user.id, item.into()).await.map(|changed| Json(changed.into()))
}

/// Makes it so many pieces of a product
#[utoipa::path(put, path = "/cart-api/cart/items/{product_id}", operation_id = "set_cart_item", tag = "cart",
    params(("product_id" = i64, Path)), request_body = SetQuantity, security(("bearer" = [])), responses(
    (status = 200, body = LineChanged),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "product-not-found", body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`) or cart-full", body = ProblemDocument),
    (status = 422, description = "invalid-input", body = ProblemDocument)))]
pub(crate) async fn set_item(
    State(app): State<App>,
    user: CurrentUser,
    Path(product_id): Path<ProductId>,
    Json(SetQuantity { quantity }): Json<SetQuantity>,
) -> Result<Json<LineChanged>, Error> {
    app.carts.set(user.id, Item { product_id, quantity }).await.map(|changed| Json(changed.into()))
}

/// Takes a product out of the cart
#[utoipa::path(delete, path = "/cart-api/cart/items/{product_id}", operation_id = "remove_cart_item", tag = "cart",
    params(("product_id" = i64, Path)), security(("bearer" = [])), responses(
    (status = 204, description = "it is not in the cart, whether it was or not"),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn remove_item(
    State(app): State<App>,
    user: CurrentUser,
    Path(product_id): Path<ProductId>,
) -> Result<StatusCode, Error> {
    app.carts.remove(user.id, product_id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Takes everything out of the cart
#[utoipa::path(delete, path = "/cart-api/cart", operation_id = "clear_cart", tag = "cart", security(("bearer" = [])), responses(
    (status = 204, description = "the cart is empty"),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn clear(State(app): State<App>, user: CurrentUser) -> Result<StatusCode, Error> {
    app.carts.clear(user.id).await.map(|()| StatusCode::NO_CONTENT)
}
