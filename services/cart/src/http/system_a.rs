//! The cart under the addresses of the older caching demo.

use axum::extract::State;
use axum::response::Response;
use shop_auth::CurrentUser;
use shop_runtime::extract::Json;
use shop_runtime::problem::ProblemDocument;

use super::cart::{self, AddItem, LineChanged};
use crate::app::App;
use crate::domain::cart::Cart;
use crate::error::Error;

/// Reads the cart
#[utoipa::path(get, path = "/api/cart", operation_id = "get_cart_system_a", tag = "system-a", security(("bearer" = [])),
    responses(
    (status = 200, body = Cart, headers(("Cache-Status" = String, description = "what the cache did for the answer (RFC 9211)"))),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn read(app: State<App>, user: CurrentUser) -> Result<Response, Error> {
    cart::read(app, user).await
}

/// Puts pieces of a product into the cart, on top of those that are in it
#[utoipa::path(post, path = "/api/cart/add", operation_id = "add_cart_item_system_a", tag = "system-a", request_body = AddItem,
    security(("bearer" = [])), responses(
    (status = 200, body = LineChanged),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "product-not-found", body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`) or cart-full", body = ProblemDocument)))]
pub(crate) async fn add_item(
    app: State<App>,
    user: CurrentUser,
    item: Json<AddItem>,
) -> Result<Json<LineChanged>, Error> {
    cart::add_item(app, user, item).await
}
