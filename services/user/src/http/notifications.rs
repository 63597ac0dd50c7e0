//! What a user was told.

use axum::extract::State;
use serde::Deserialize;
use shop_auth::CurrentUser;
use shop_runtime::extract::{Json, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, Page, PageLimit};
use utoipa::IntoParams;

use crate::app::AppState;
use crate::domain::Notification;
use crate::error::ApiError;
use crate::store;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListInput {
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: PageLimit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// What I was told, newest first
#[utoipa::path(get, path = "/user-api/notifications", operation_id = "list_notifications", tag = "notifications",
    security(("bearer" = [])), params(ListInput),
    responses(
        (status = 200, description = "A page of notices", body = Page<Notification>),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ))]
pub(crate) async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    Query(input): Query<ListInput>,
) -> Result<Json<Page<Notification>>, ApiError> {
    let before = input.cursor.map(|cursor| cursor.decode()).transpose()?;
    let mut connection = state.pool.acquire().await?;
    let rows = store::notifications::of_user(&mut connection, user.id, before, input.limit.get_plus_one()).await?;
    Ok(Json(Page::from_rows(rows, input.limit, |notification| notification.id)?))
}
