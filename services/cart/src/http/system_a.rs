//! The cart under the addresses of the older caching demo.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use shop_runtime::conditional::IfMatch;
use shop_runtime::extract::Json;
use shop_runtime::problem::ProblemDocument;

use super::cart::{self, AddItem};
use super::visitor::Visitor;
use crate::app::App;
use crate::domain::cart::{Cart, ChangedLine};
use crate::error::Error;

/// Reads the cart
#[utoipa::path(get, path = "/api/cart", operation_id = "get_cart_system_a", tag = "system-a", security((), ("bearer" = [])),
    responses(
    (status = 200, body = Cart, headers(("Cache-Status" = String, description = "what the cache did for the answer (RFC 9211)"))),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn read(app: State<App>, visitor: Visitor) -> Result<Response, Error> {
    cart::read(app, visitor).await
}

/// Puts pieces of a product into the cart, on top of those that are in it
#[utoipa::path(post, path = "/api/cart/add", operation_id = "add_cart_item_system_a", tag = "system-a", request_body = AddItem,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "names this addition for a day"),
        ("If-Match" = Option<String>, Header, description = "the version that the change is meant for")),
    security((), ("bearer" = [])), responses(
    (status = 200, body = ChangedLine),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "product-not-found", body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`), cart-full or cart-merged", body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument),
    (status = 422, description = "invalid-input, too-many-pieces, or idempotency-key-reused", body = ProblemDocument),
    (status = 429, description = "too-many-carts: new ones from one address; with `Retry-After`", body = ProblemDocument)))]
pub(crate) async fn add_item(
    app: State<App>,
    visitor: Visitor,
    seen: IfMatch,
    headers: HeaderMap,
    item: Json<AddItem>,
) -> Result<Response, Error> {
    cart::add_item(app, visitor, seen, headers, item).await
}
