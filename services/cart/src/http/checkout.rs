//! From a cart to an order.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shop_auth::CurrentUser;
use shop_runtime::problem::{MEDIA_TYPE, ProblemDocument};

use crate::app::App;
use crate::domain::checkout::{Answer, CheckoutRequest, IdempotencyKey, Receipt};
use crate::error::Error;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Orders what is in the cart, once for each Idempotency-Key
#[utoipa::path(post, path = "/cart-api/cart/checkout", operation_id = "checkout_cart", tag = "checkout",
    request_body(content = CheckoutRequest, description = "may be left out"),
    params(("Idempotency-Key" = String, Header, description = "names this wish; a retry with the same key gets the same answer, byte for byte")),
    security(("bearer" = [])), responses(
    (status = 201, description = "ordered", body = Receipt),
    (status = 400, description = "no Idempotency-Key, or not one", body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 409, description = "out-of-stock (with `lines`), cart-changed, reservation-lost; or checkout-in-flight with Retry-After: ask again with the same key", body = ProblemDocument),
    (status = 422, description = "cart-empty, or idempotency-key-reused with another body", body = ProblemDocument),
    (status = 429, description = "too-many-checkouts", body = ProblemDocument)))]
pub(crate) async fn checkout(
    State(app): State<App>,
    user: CurrentUser,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Error> {
    let key = idempotency_key(&headers)?;
    let request = request(&body)?;
    app.checkouts.answer(user.id, &key, request).await.map(response)
}

fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Error> {
    let value = headers.get(IDEMPOTENCY_KEY).ok_or(Error::KeyMissing)?;
    // What is not ASCII is not a key either.
    Ok(value.to_str().unwrap_or_default().parse::<IdempotencyKey>()?)
}

fn request(body: &[u8]) -> Result<CheckoutRequest, Error> {
    if body.trim_ascii().is_empty() {
        return Ok(CheckoutRequest::default());
    }
    serde_json::from_slice(body).map_err(Error::Body)
}

/// The stored answer as it was; nothing is added that could differ from one retry to the next.
fn response(answer: Answer) -> Response {
    let made = answer.status == StatusCode::CREATED.as_u16();
    let location = made.then(|| location(&answer.body)).flatten();
    let mut response = Response::new(Body::from(answer.body));
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
