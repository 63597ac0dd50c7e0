//! What siblings ask; the gateway leads nobody here.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use shop_auth::ServiceCaller;
use shop_cache::Cached;
use shop_runtime::extract::{Json, Path};
use shop_runtime::problem::ProblemDocument;
use shop_types::UserId;

use crate::app::App;
use crate::domain::cart::Cart;
use crate::error::Error;

/// Reads a customer's cart
#[utoipa::path(get, path = "/internal/carts/{user_id}", operation_id = "get_internal_cart", tag = "internal",
    params(("user_id" = uuid::Uuid, Path)), security(("service" = [])), responses(
    (status = 200, body = Cart),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn read(
    State(app): State<App>,
    _caller: ServiceCaller,
    Path(user): Path<UserId>,
) -> Result<Response, Error> {
    let (status, cart) = app.carts.read(Some(user.into())).await?;
    Ok(match status {
        Some(status) => Cached(status, Json(&*cart)).into_response(),
        None => Json(&*cart).into_response(),
    })
}
