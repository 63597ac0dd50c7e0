//! What administrators may do with orders.

use std::time::Duration;

use axum::extract::State;
use serde::Deserialize;
use shop_auth::Admin;
use shop_runtime::Problem;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, OrderId, OrderStatus, Page, PageLimit, UserId};
use utoipa::{IntoParams, ToSchema};

use crate::app::AppState;
use crate::domain::order::{Order, OrderDetails};
use crate::error::Error;
use crate::figures::Figures;
use crate::store::orders::Filter;

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only those in this state.
    status: Option<OrderStatus>,
    /// Only this customer's.
    #[param(value_type = Option<uuid::Uuid>)]
    user_id: Option<UserId>,
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: PageLimit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Lists everybody's orders, newest first
#[utoipa::path(get, path = "/order-api/admin/orders", operation_id = "list_all_orders", tag = "admin", params(ListQuery),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<Order>),
    (status = 400, description = "the limit, the status, the customer or the cursor is not one", body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "forbidden: for administrators only", body = ProblemDocument)))]
pub(crate) async fn list(
    _admin: Admin,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Order>>, Error> {
    let before = query.cursor.map(|cursor| cursor.decode::<OrderId>()).transpose()?;
    app.orders.list(Filter { user: query.user_id, status: query.status }, before, query.limit).await.map(Json)
}

/// Where an order is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdvanceBody {
    /// The state: the next one, or `CANCELLED` as long as the order is not shipped.
    to: OrderStatus,
}

/// Moves an order now instead of when its time comes; one that is there already stays as it is
#[utoipa::path(post, path = "/order-api/admin/orders/{id}/advance", operation_id = "advance_order", tag = "admin",
    params(("id" = uuid::Uuid, Path)), request_body = AdvanceBody, security(("bearer" = [])), responses(
    (status = 200, description = "it is in that state, now or since before", body = OrderDetails),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "forbidden: for administrators only", body = ProblemDocument),
    (status = 404, description = "order-not-found", body = ProblemDocument),
    (status = 409, description = "illegal-step: no step leads there, with `order_status`", body = ProblemDocument),
    (status = 422, description = "not a state", body = ProblemDocument)))]
pub(crate) async fn advance(
    _admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<OrderId>,
    Json(AdvanceBody { to }): Json<AdvanceBody>,
) -> Result<Json<OrderDetails>, Error> {
    app.orders.advance(id, to).await.map(Json)
}

/// Which time the figures are of.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FiguresQuery {
    /// The last so many hours, 1 to 720; 24 unless said otherwise.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 720)]
    hours: Option<u32>,
}

/// Counts orders and their money by state, how long deliveries took, and what is overdue
#[utoipa::path(get, path = "/order-api/admin/figures", operation_id = "get_order_figures", tag = "admin",
    params(FiguresQuery), security(("bearer" = [])), responses(
    (status = 200, body = Figures),
    (status = 400, description = "that many hours are not looked at", body = ProblemDocument),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "forbidden: for administrators only", body = ProblemDocument)))]
pub(crate) async fn figures(
    _admin: Admin,
    State(app): State<AppState>,
    Query(query): Query<FiguresQuery>,
) -> Result<Json<Figures>, Problem> {
    let hours = query.hours.unwrap_or(24);
    if !(1..=720).contains(&hours) {
        return Err(Problem::bad_request("hours is a whole number from 1 to 720"));
    }
    Ok(Json(app.figures.of_the_last(Duration::from_secs(u64::from(hours) * 3600)).await?))
}
