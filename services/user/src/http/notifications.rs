//! What a user was told.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shop_auth::CurrentUser;
use shop_runtime::extract::{Json, Path, Query};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, EventId, Page, PageLimit};
use utoipa::{IntoParams, ToSchema};

use crate::app::AppState;
use crate::domain::Notification;
use crate::error::ApiError;
use crate::store;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListInput {
    /// Only those that are unread.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    unread: bool,
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: PageLimit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// A page of notices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationPage {
    #[serde(flatten)]
    page: Page<Notification>,
    /// How many are unread in all; there may be more than 99 when it says 100.
    #[schema(maximum = 100)]
    unread: i64,
}

/// The unread ones are counted so far.
const MOST_UNREAD: i64 = 100;

/// What I was told, newest first
#[utoipa::path(get, path = "/user-api/notifications", operation_id = "list_notifications", tag = "notifications",
    security(("bearer" = [])), params(ListInput),
    responses(
        (status = 200, description = "A page of notices", body = NotificationPage),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ))]
pub(crate) async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    Query(input): Query<ListInput>,
) -> Result<Json<NotificationPage>, ApiError> {
    let ListInput { unread, limit, cursor } = input;
    let before = cursor.map(|cursor| cursor.decode()).transpose()?;
    let mut connection = state.pool.acquire().await?;
    let rows = store::notifications::of_user(&mut connection, user.id, unread, before, limit.get_plus_one()).await?;
    let unread = store::notifications::count_unread(&mut connection, user.id, MOST_UNREAD).await?;
    let page = Page::from_rows(rows, limit, Notification::position)?;
    Ok(Json(NotificationPage { page, unread }))
}

/// Takes note of a notice, however often
#[utoipa::path(post, path = "/user-api/notifications/{id}/read", operation_id = "read_notification",
    tag = "notifications", params(("id" = EventId, Path, description = "The notice")), security(("bearer" = [])),
    responses(
        (status = 204, description = "It is read"),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "No such notice of this user", body = ProblemDocument),
    ))]
pub(crate) async fn read(
    State(state): State<AppState>,
    user: CurrentUser,
    Path(id): Path<EventId>,
) -> Result<StatusCode, ApiError> {
    let mut connection = state.pool.acquire().await?;
    let is_theirs = store::notifications::mark_read(&mut connection, user.id, id).await?;
    is_theirs.then_some(StatusCode::NO_CONTENT).ok_or(ApiError::NotFound("notice"))
}
