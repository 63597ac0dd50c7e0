//! The cart of whoever asks.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::ETAG;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shop_cache::Cached;
use shop_runtime::conditional::IfMatch;
use shop_runtime::extract::{Json, Path};
use shop_runtime::problem::ProblemDocument;
use shop_types::{ProductId, Quantity};
use utoipa::ToSchema;

use super::idempotency_key;
use super::visitor::{Guest, Visitor};
use crate::app::App;
use crate::domain::cart::{Cart, ChangedLine, Item};
use crate::domain::merge::LeftOut;
use crate::error::{Error, check_version, version_tag};

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

/// What became of the cart of before the login.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergeReport {
    /// The version of the customer's cart.
    version: i64,
    /// What came into it with this request; nothing if there was nothing to merge any more.
    merged: Vec<Item>,
    /// What found no place, now or before, and was not dismissed since.
    left_out: Vec<LeftOut>,
}

/// Reads the cart: the customer's, or that of the cookie `shop_cart`
#[utoipa::path(get, path = "/cart-api/cart", operation_id = "get_cart", tag = "cart", security((), ("bearer" = [])), responses(
    (status = 200, body = Cart, headers(
        ("Cache-Status" = String, description = "what the cache did for the answer (RFC 9211)"),
        ("ETag" = String, description = "the version of the cart, for If-Match"))),
    (status = 401, description = "the access token is not valid", body = ProblemDocument),
    (status = 503, description = "the catalog or the database is away", body = ProblemDocument)))]
pub(crate) async fn read(State(app): State<App>, visitor: Visitor) -> Result<Response, Error> {
    let (status, cart) = app.carts.read(visitor.cart()).await?;
    let answer = ([(ETAG, version_tag(cart.version).to_header())], Json(&*cart));
    Ok(match status {
        Some(status) => Cached(status, answer).into_response(),
        None => answer.into_response(),
    })
}

/// Puts pieces of a product into the cart, on top of those that are in it
///
/// Without an access token they go into the cart of the cookie `shop_cart`, which is set if there is none yet.
#[utoipa::path(post, path = "/cart-api/cart/items", operation_id = "add_cart_item", tag = "cart", request_body = AddItem,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "names this addition for a day; a retry with the same key adds nothing and gets the same answer"),
        ("If-Match" = Option<String>, Header, description = "the version that the change is meant for")),
    security((), ("bearer" = [])), responses(
    (status = 200, body = ChangedLine, headers(("ETag" = String, description = "the new version of the cart"))),
    (status = 400, description = "an Idempotency-Key or If-Match that is none", body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "product-not-found", body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`), cart-full, or cart-merged: the cookie's cart was taken over at login", body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument),
    (status = 422, description = "invalid-input, too-many-pieces, or idempotency-key-reused", body = ProblemDocument),
    (status = 429, description = "too-many-carts: new ones from one address; with `Retry-After`", body = ProblemDocument)))]
pub(crate) async fn add_item(
    State(app): State<App>,
    visitor: Visitor,
    seen: IfMatch,
    headers: HeaderMap,
    Json(item): Json<AddItem>,
) -> Result<Response, Error> {
    let key = idempotency_key(&headers)?;
    let changed = visitor.put(&app, async |cart| app.carts.add(cart, item.into(), &seen, key.as_ref()).await).await?;
    Ok(line(&changed))
}

/// Makes it so many pieces of a product
#[utoipa::path(put, path = "/cart-api/cart/items/{product_id}", operation_id = "set_cart_item", tag = "cart",
    params(("product_id" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "the version that the change is meant for")),
    request_body = SetQuantity, security((), ("bearer" = [])), responses(
    (status = 200, body = ChangedLine, headers(("ETag" = String, description = "the new version of the cart"))),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "product-not-found", body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`), cart-full or cart-merged", body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument),
    (status = 422, description = "invalid-input", body = ProblemDocument),
    (status = 429, description = "too-many-carts: new ones from one address; with `Retry-After`", body = ProblemDocument)))]
pub(crate) async fn set_item(
    State(app): State<App>,
    visitor: Visitor,
    seen: IfMatch,
    Path(product_id): Path<ProductId>,
    Json(SetQuantity { quantity }): Json<SetQuantity>,
) -> Result<Response, Error> {
    let item = Item { product_id, quantity };
    let changed = visitor.put(&app, async |cart| app.carts.set(cart, item, &seen).await).await?;
    Ok(line(&changed))
}

/// Takes a product out of the cart
#[utoipa::path(delete, path = "/cart-api/cart/items/{product_id}", operation_id = "remove_cart_item", tag = "cart",
    params(("product_id" = i64, Path),
        ("If-Match" = Option<String>, Header, description = "the version that the change is meant for")),
    security((), ("bearer" = [])), responses(
    (status = 204, description = "it is not in the cart, whether it was or not", headers(("ETag" = String))),
    (status = 401, body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument)))]
pub(crate) async fn remove_item(
    State(app): State<App>,
    visitor: Visitor,
    seen: IfMatch,
    Path(product_id): Path<ProductId>,
) -> Result<Response, Error> {
    emptied(visitor.take(&app, async |cart| app.carts.remove(cart, product_id, &seen).await).await?, &seen)
}

/// Takes everything out of the cart
#[utoipa::path(delete, path = "/cart-api/cart", operation_id = "clear_cart", tag = "cart",
    params(("If-Match" = Option<String>, Header, description = "the version that the change is meant for")),
    security((), ("bearer" = [])), responses(
    (status = 204, description = "the cart is empty", headers(("ETag" = String))),
    (status = 401, body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument)))]
pub(crate) async fn clear(State(app): State<App>, visitor: Visitor, seen: IfMatch) -> Result<Response, Error> {
    emptied(visitor.take(&app, async |cart| app.carts.clear(cart, &seen).await).await?, &seen)
}

/// Takes the cart of the cookie into the customer's
///
/// Any other request with a token and the cookie does it too; this one tells what came of it.
#[utoipa::path(post, path = "/cart-api/cart/merge", operation_id = "merge_cart", tag = "cart",
    params(("If-Match" = Option<String>, Header, description = "the version of the customer's cart that the change is meant for")),
    security(("bearer" = [])), responses(
    (status = 200, description = "the cart is merged, now or before", body = MergeReport, headers(("ETag" = String))),
    (status = 401, body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument),
    (status = 503, description = "the catalog or the database is away; the cart of the cookie is as it was", body = ProblemDocument)))]
pub(crate) async fn merge(State(app): State<App>, guest: Guest, seen: IfMatch) -> Result<Response, Error> {
    let user = guest.user.as_ref().map(|user| user.id).ok_or(Error::LoginNeeded)?;
    let merged = match &guest.token {
        Some(token) => app.carts.merge(user, token.cart(), &seen).await?,
        None => None,
    };
    let (version, left_out) = app.carts.left_out(user).await?;
    guest.clear_cookie();
    let merged = merged.map(|merged| merged.taken).unwrap_or_default();
    let etag = [(ETAG, version_tag(version).to_header())];
    Ok((etag, Json(MergeReport { version, merged, left_out })).into_response())
}

/// Tells no more of what a merge left out
#[utoipa::path(delete, path = "/cart-api/cart/left-out", operation_id = "dismiss_cart_left_out", tag = "cart",
    params(("If-Match" = Option<String>, Header, description = "the version that the change is meant for")),
    security((), ("bearer" = [])), responses(
    (status = 204, description = "nothing is told any more, whether it was or not", headers(("ETag" = String))),
    (status = 401, body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument)))]
pub(crate) async fn dismiss_left_out(
    State(app): State<App>,
    visitor: Visitor,
    seen: IfMatch,
) -> Result<Response, Error> {
    emptied(visitor.take(&app, async |cart| app.carts.dismiss_left_out(cart, &seen).await).await?, &seen)
}

fn line(changed: &ChangedLine) -> Response {
    ([(ETAG, version_tag(changed.version).to_header())], Json(changed)).into_response()
}

/// What was asked to be taken out is out; whoever has no cart has one at version 0.
fn emptied(version: Option<i64>, seen: &IfMatch) -> Result<Response, Error> {
    let version = match version {
        Some(version) => version,
        None => check_version(seen, 0).map(|()| 0)?,
    };
    Ok((StatusCode::NO_CONTENT, [(ETAG, version_tag(version).to_header())]).into_response())
}
