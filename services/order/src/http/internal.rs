//! What siblings ask; the gateway leads nobody here.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use shop_auth::ServiceCaller;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{OrderId, Page, PageLimit, UserId};
use utoipa::IntoParams;

use crate::app::AppState;
use crate::domain::order::{NewOrder, Order};
use crate::error::Error;
use crate::orders::Made;
use crate::store::orders::Filter;

/// Whose orders, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Whose.
    #[param(value_type = uuid::Uuid)]
    user_id: UserId,
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    limit: PageLimit,
}

/// Makes an order under an identifier of the caller's choice; the same request again finds it made
#[utoipa::path(put, path = "/internal/orders/{id}", operation_id = "put_internal_order", tag = "internal",
    params(("id" = uuid::Uuid, Path)), request_body = NewOrder, security(("service" = [])), responses(
    (status = 201, description = "made", body = Order),
    (status = 200, description = "made before, by the same request", body = Order),
    (status = 401, body = ProblemDocument),
    (status = 409, description = "order-differs: made before, by another request", body = ProblemDocument),
    (status = 410, description = "order-deleted: made before, and deleted since", body = ProblemDocument),
    (status = 422, description = "invalid-order, for example a total that is not the sum of the lines", body = ProblemDocument)))]
pub(crate) async fn put(
    State(app): State<AppState>,
    _caller: ServiceCaller,
    Path(id): Path<OrderId>,
    Json(request): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), Error> {
    Ok(match app.orders.make(id, &request).await? {
        Made::Now(order) => (StatusCode::CREATED, Json(order)),
        Made::Before(order) => (StatusCode::OK, Json(order)),
    })
}

/// Lists a customer's orders, newest first
#[utoipa::path(get, path = "/internal/orders", operation_id = "list_internal_orders", tag = "internal", params(ListQuery),
    security(("service" = [])), responses(
    (status = 200, body = Page<Order>),
    (status = 401, body = ProblemDocument)))]
pub(crate) async fn list(
    State(app): State<AppState>,
    _caller: ServiceCaller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Order>>, Error> {
    app.orders.list(Filter { user: Some(query.user_id), status: None }, None, query.limit).await.map(Json)
}
