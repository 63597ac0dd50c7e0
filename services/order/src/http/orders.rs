//! The customer's own orders.

use axum::extract::State;
use serde::Deserialize;
use shop_auth::CurrentUser;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, OrderId, OrderStatus, Page, PageLimit};
use utoipa::IntoParams;

use crate::app::AppState;
use crate::domain::order::{Order, OrderDetails};
use crate::error::Error;
use crate::store::orders::Filter;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Only those in this state.
    status: Option<OrderStatus>,
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    limit: PageLimit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists the customer's orders, newest first
#[utoipa::path(get, path = "/order-api/orders", operation_id = "list_orders", tag = "orders", params(PageQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<Order>),
    (status = 400, description = "the limit, the status or the cursor is not one", body = ProblemDocument),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    user: CurrentUser,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Order>>, Error> {
    let before = page.cursor.map(|cursor| cursor.decode::<OrderId>()).transpose()?;
    app.orders.list(Filter { user: Some(user.id), status: page.status }, before, page.limit).await.map(Json)
}

/// Reads one of the customer's orders and the way that it has come
#[utoipa::path(get, path = "/order-api/orders/{id}", operation_id = "get_order", tag = "orders",
    params(("id" = uuid::Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, body = OrderDetails),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "order-not-found: there is none, or it is another's", body = ProblemDocument)))]
pub(crate) async fn get(
    State(app): State<AppState>,
    user: CurrentUser,
    Path(id): Path<OrderId>,
) -> Result<Json<OrderDetails>, Error> {
    app.orders.details(user.id, id).await.map(Json)
}

/// Calls one of the customer's orders off, as long as it is not shipped; asked again, it stays called off
///
/// Its stock goes back to the shelves in a moment.
#[utoipa::path(post, path = "/order-api/orders/{id}/cancel", operation_id = "cancel_order", tag = "orders",
    params(("id" = uuid::Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "it is cancelled, now or since before", body = OrderDetails),
    (status = 401, body = ProblemDocument),
    (status = 404, description = "order-not-found: there is none, or it is another's", body = ProblemDocument),
    (status = 409, description = "cannot-cancel: it is too late, with `order_status`", body = ProblemDocument)))]
pub(crate) async fn cancel(
    State(app): State<AppState>,
    user: CurrentUser,
    Path(id): Path<OrderId>,
) -> Result<Json<OrderDetails>, Error> {
    app.orders.cancel(user.id, id).await.map(Json)
}
