//! The profile page: one answer from three services.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop_auth::CurrentUser;
use shop_cache::{Cached, Served};
use shop_runtime::client::SiblingError;
use shop_runtime::extract::Json;
use shop_runtime::problem::ProblemDocument;
use shop_runtime::traced;
use shop_types::UserId;
use utoipa::ToSchema;

use crate::app::{AppState, Siblings};
use crate::domain::User;
use crate::error::ApiError;

/// How many of the latest orders are shown.
const ORDERS: u32 = 10;

/// A user with cart and orders. What a service that is away would have told is null, and its name is in `unavailable`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    user: User,
    /// As the cart service tells it.
    #[schema(value_type = Option<Object>)]
    cart: Option<Value>,
    /// The latest orders, as the order service tells them.
    #[schema(value_type = Option<Vec<Object>>)]
    orders: Option<Vec<Value>>,
    #[schema(example = json!(["cart"]))]
    unavailable: Vec<&'static str>,
}

#[derive(Deserialize)]
struct OrderPage {
    items: Vec<Value>,
}

/// Who I am, with my cart and my latest orders
#[utoipa::path(get, path = "/user-api/users/me/profile", operation_id = "get_profile", tag = "users",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The profile, with gaps where a service is away", body = Profile,
            headers(("Cache-Status" = String, description = "what the cache did for `user` (RFC 9211); cart and orders are asked for"))),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ))]
#[traced("get_user_profile")]
pub(crate) async fn get(State(state): State<AppState>, user: CurrentUser) -> Result<Response, ApiError> {
    let (found, cart, orders) = tokio::join!(
        state.users.cache().get(&user.id),
        cart_of(&state.siblings, user.id),
        orders_of(&state.siblings, user.id),
    );
    let Served { value, status } = found?;
    let user = value.ok_or(ApiError::NoSuchUser)?;
    let mut unavailable = Vec::new();
    let cart = present("cart", cart, &mut unavailable);
    let orders = present("order", orders, &mut unavailable).map(|page| page.items);
    Ok(Cached(status, Json(Profile { user: (*user).clone(), cart, orders, unavailable })).into_response())
}

async fn cart_of(siblings: &Siblings, user: UserId) -> Result<Value, SiblingError> {
    siblings.cart.get(&format!("/internal/carts/{user}")).await
}

async fn orders_of(siblings: &Siblings, user: UserId) -> Result<OrderPage, SiblingError> {
    siblings.order.get(&format!("/internal/orders?user_id={user}&limit={ORDERS}")).await
}

/// What the sibling told, or a note that it did not.
fn present<T>(name: &'static str, told: Result<T, SiblingError>, unavailable: &mut Vec<&'static str>) -> Option<T> {
    told.inspect_err(|error| {
        tracing::warn!(%error, sibling = name, "the profile goes without it");
        unavailable.push(name);
    })
    .ok()
}
