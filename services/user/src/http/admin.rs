//! Accounts, for those who run the shop.

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use shop_auth::{Admin, Role};
use shop_runtime::extract::{Json, Path, Query, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_types::{Cursor, Page, PageLimit, UserId};
use utoipa::{IntoParams, ToSchema};

use crate::app::AppState;
use crate::domain::User;
use crate::error::ApiError;
use crate::store;

/// The longest text that is searched for.
const MAX_SEARCH: usize = 100;

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListInput {
    /// A part of the username or of the name to be greeted with, in whatever case.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Only users who may do this.
    role: Option<Role>,
    /// How many, 1 to 100.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: PageLimit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// All users, in the order in which they came
#[utoipa::path(get, path = "/user-api/admin/users", operation_id = "list_users", tag = "admin",
    security(("bearer" = [])), params(ListInput),
    responses(
        (status = 200, description = "A page of users", body = Page<User>),
        (status = 400, description = "The query can't be understood", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 403, description = "Only administrators may do this", body = ProblemDocument),
        (status = 422, description = "A value breaks a rule", body = ProblemDocument),
    ))]
pub(crate) async fn list(
    State(state): State<AppState>,
    _admin: Admin,
    Query(input): Query<ListInput>,
) -> Result<Json<Page<User>>, ApiError> {
    let ListInput { q, role, limit, cursor } = input;
    let searched = q.as_deref().unwrap_or_default();
    if searched.chars().count() > MAX_SEARCH || searched.contains('\0') {
        return Err(ApiError::Invalid("q has at most 100 signs, and none of them is NUL"));
    }
    let after = cursor.map(|cursor| cursor.decode()).transpose()?;
    let mut connection = state.pool.acquire().await?;
    let rows = store::users::list(&mut connection, searched, role, after, limit.get_plus_one()).await?;
    Ok(Json(Page::from_rows(rows, limit, |user| user.id)?))
}

/// What an administrator may change of a user.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserChange {
    /// What the user may do from the next login on.
    #[garde(skip)]
    role: Role,
}

/// Changes what a user may do
///
/// A user whose role changes is logged out everywhere, since tokens say the role. The last administrator keeps the role.
#[utoipa::path(patch, path = "/user-api/admin/users/{id}", operation_id = "change_user", tag = "admin",
    params(("id" = UserId, Path, description = "The user")), request_body = UserChange, security(("bearer" = [])),
    responses(
        (status = 200, description = "The user as it is now", body = User),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 403, description = "Only administrators may do this", body = ProblemDocument),
        (status = 404, description = "No such user", body = ProblemDocument),
        (status = 409, description = "It is the last administrator", body = ProblemDocument),
        (status = 422, description = "A value breaks a rule", body = ProblemDocument),
    ))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Admin(admin): Admin,
    Path(id): Path<UserId>,
    ValidJson(change): ValidJson<UserChange>,
) -> Result<Json<User>, ApiError> {
    let (user, revocations) = state.users.change_role(id, change.role).await?;
    tracing::info!(admin = %admin.id, user = %id, role = %change.role, "an administrator set a role");
    state.revocations().note(revocations);
    Ok(Json(user))
}
