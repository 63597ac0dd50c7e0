//! Stock for orders, for siblings. Every call may be repeated.

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shop_auth::ServiceCaller;
use shop_runtime::extract::{Json, Path, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{OrderId, OrderLine};
use utoipa::{IntoParams, ToSchema};

use crate::app::AppState;
use crate::domain::reservation::{Basket, WantedLine};
use crate::error::Error;

/// The order of the route.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrderPath {
    /// The order's id
    pub(super) order_id: OrderId,
}

/// What an order wants.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveBody {
    /// Lines of the same product are summed
    #[garde(length(min = 1, max = 500))]
    lines: Vec<WantedLine>,
}

/// What an order got.
#[derive(Serialize, ToSchema)]
pub struct ReservationAnswer {
    order_id: OrderId,
    /// Sorted by product, one line for each
    lines: Vec<OrderLine>,
}

/// Reserve stock for an order, all or nothing
#[utoipa::path(
    put, path = "/internal/reservations/{order_id}", operation_id = "reserve_stock", tag = "internal",
    params(OrderPath), request_body = ReserveBody, security(("service" = [])),
    responses(
        (status = OK, description = "Reserved, now or before", body = ReservationAnswer),
        (status = NOT_FOUND, description = "`product-not-found` with `product_ids`", body = ProblemDocument),
        (status = CONFLICT, description = "`out-of-stock` with `lines`, or `reservation-released`", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "`reservation-mismatch`: other lines than before", body = ProblemDocument),
    )
)]
pub async fn reserve(
    State(state): State<AppState>,
    _: ServiceCaller,
    Path(OrderPath { order_id }): Path<OrderPath>,
    ValidJson(body): ValidJson<ReserveBody>,
) -> Result<Json<ReservationAnswer>, Error> {
    let basket = Basket::of(body.lines)?;
    let lines = state.reservations.reserve(order_id, &basket).await?;
    Ok(Json(ReservationAnswer { order_id, lines }))
}

/// Give an order's stock back, once; a reserve that comes later fails
#[utoipa::path(
    delete, path = "/internal/reservations/{order_id}", operation_id = "release_stock", tag = "internal",
    params(OrderPath), security(("service" = [])), responses((status = NO_CONTENT))
)]
pub async fn release(
    State(state): State<AppState>,
    _: ServiceCaller,
    Path(OrderPath { order_id }): Path<OrderPath>,
) -> Result<StatusCode, Error> {
    state.reservations.release(order_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make an order's stock sold, so that it does not expire
#[utoipa::path(
    post, path = "/internal/reservations/{order_id}/commit", operation_id = "commit_stock", tag = "internal",
    params(OrderPath), security(("service" = [])),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, description = "`reservation-released`, or never reserved", body = ProblemDocument),
    )
)]
pub async fn commit(
    State(state): State<AppState>,
    _: ServiceCaller,
    Path(OrderPath { order_id }): Path<OrderPath>,
) -> Result<StatusCode, Error> {
    state.reservations.commit(order_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
