//! From a cart to an order.

use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use shop_runtime::Problem;
use shop_runtime::conditional::IfMatch;
use shop_runtime::extract::{Body, from_json};
use shop_runtime::problem::{MEDIA_TYPE, ProblemDocument};

use super::idempotency_key;
use super::visitor::{Guest, Visitor};
use crate::app::App;
use crate::domain::checkout::{Answer, CheckoutRequest, Receipt};
use crate::error::Error;

/// Orders what is in the cart, once for each Idempotency-Key
#[utoipa::path(post, path = "/cart-api/cart/checkout", operation_id = "checkout_cart", tag = "checkout",
    request_body(content = CheckoutRequest, description = "may be left out"),
    params(
        ("Idempotency-Key" = String, Header, description = "names this wish; a retry with the same key gets the same answer, byte for byte"),
        ("If-Match" = Option<String>, Header, description = "the version of the cart that is to be ordered")),
    security(("bearer" = [])), responses(
    (status = 201, description = "ordered", body = Receipt),
    (status = 400, description = "no Idempotency-Key, or not one; malformed-json", body = ProblemDocument),
    (status = 401, description = "nobody is logged in; the cart stays and comes along", body = ProblemDocument),
    (status = 409, description = "out-of-stock, product-not-sold, price-changed, or lines-refused for more than one of these, each with `lines`: product_id, reason, and requested and available or expected and now; cart-changed; reservation-lost; checkout-given-up; or checkout-in-flight with Retry-After: ask again with the same key", body = ProblemDocument),
    (status = 412, description = "precondition-failed, with the present `version`", body = ProblemDocument),
    (status = 422, description = "cart-empty, invalid-input, or idempotency-key-reused with another body", body = ProblemDocument),
    (status = 429, description = "too-many-checkouts", body = ProblemDocument)))]
pub(crate) async fn checkout(
    State(app): State<App>,
    guest: Guest,
    seen: IfMatch,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let visitor = Visitor::unmerged(guest, &app);
    let user = visitor.user()?;
    let key = idempotency_key(&headers)?.ok_or(Error::KeyMissing)?;
    let request = request(&body)?;
    request.check().map_err(Error::from)?;
    // Who logs in and orders at once orders what is in both carts. A retry orders nothing, so it has nothing to merge.
    if visitor.has_cookie() && !app.checkouts.is_known(user, &key).await? {
        visitor.merge(&app).await;
    }
    Ok(response(app.checkouts.answer(user, &key, &request, &seen).await?))
}

fn request(body: &[u8]) -> Result<CheckoutRequest, Problem> {
    if body.trim_ascii().is_empty() { Ok(CheckoutRequest::default()) } else { from_json(body) }
}

/// The stored answer as it was; nothing is added that could differ from one retry to the next.
fn response(answer: Answer) -> Response {
    let made = answer.status == StatusCode::CREATED.as_u16();
    let location = made.then(|| location(&answer.body)).flatten();
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media_type = if made { "application/json" } else { MEDIA_TYPE };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Some(location) = location {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Where the order can be read.
fn location(receipt: &[u8]) -> Option<HeaderValue> {
    #[derive(serde::Deserialize)]
    struct Made {
        order_id: shop_types::OrderId,
    }
    let made: Made = serde_json::from_slice(receipt).ok()?;
    HeaderValue::from_str(&format!("/order-api/orders/{}", made.order_id)).ok()
}
