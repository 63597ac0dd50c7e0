//! Accounts.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use garde::Validate;
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use shop_auth::{CurrentUser, Role};
use shop_cache::{Cached, Served};
use shop_runtime::ClientIp;
use shop_runtime::db::OnConstraint as _;
use shop_runtime::extract::{Json, ValidJson};
use shop_runtime::problem::ProblemDocument;
use shop_runtime::traced;
use utoipa::ToSchema;

use crate::app::AppState;
use crate::domain::{NewUser, User, Username, is_full_name, is_password, is_username};
use crate::error::ApiError;
use crate::store;

/// What a new user says. A role is not among it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterInput {
    /// 3 to 32 of a-z, A-Z, 0-9, `_`, `.` and `-`; case makes no difference.
    #[garde(custom(check_username))]
    #[schema(example = "ann", min_length = 3, max_length = 32, pattern = "^[A-Za-z0-9_.-]+$")]
    username: String,
    /// At least 8 signs, at most 128 bytes.
    #[garde(custom(check_password))]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: SecretString,
    /// The name to be greeted with.
    #[garde(custom(check_full_name))]
    #[schema(example = "Ann Brown", min_length = 1, max_length = 100)]
    full_name: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde wants")]
fn check_username(name: &str, _context: &()) -> garde::Result {
    let rule = "must have 3 to 32 of a-z, A-Z, 0-9, _, . and -";
    is_username(name).then_some(()).ok_or_else(|| garde::Error::new(rule))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde wants")]
fn check_full_name(name: &str, _context: &()) -> garde::Result {
    let rule = "must have 1 to 100 signs that can be seen, and none that controls how text is shown";
    is_full_name(name).then_some(()).ok_or_else(|| garde::Error::new(rule))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde wants")]
pub(super) fn check_password(password: &SecretString, _context: &()) -> garde::Result {
    let rule = "must have at least 8 signs and at most 128 bytes";
    is_password(password).then_some(()).ok_or_else(|| garde::Error::new(rule))
}

/// Registers a new user
#[utoipa::path(post, path = "/user-api/users/register", operation_id = "register_user", tag = "users",
    request_body = RegisterInput,
    responses(
        (status = 201, description = "Registered", body = User),
        (status = 409, description = "The username is taken", body = ProblemDocument),
        (status = 422, description = "A value breaks a rule", body = ProblemDocument),
        (status = 429, description = "`too-many-registrations` from this address; with `Retry-After`", body = ProblemDocument),
        (status = 503, description = "Too many passwords are being hashed", body = ProblemDocument),
    ))]
#[traced("register_user")]
pub(crate) async fn register(
    State(state): State<AppState>,
    client: ClientIp,
    ValidJson(input): ValidJson<RegisterInput>,
) -> Result<(StatusCode, Json<User>), ApiError> {
    let username = Username::new(input.username).ok_or(ApiError::Invalid("username"))?;
    state.limits.registration(client).await?;
    // Most taken names are found before the expensive part; the index decides about the rest.
    if store::users::exists(&mut *state.pool.acquire().await?, username.as_str()).await? {
        return Err(ApiError::UsernameTaken);
    }
    let password_hash = state.passwords.hash(input.password).await?;
    let new = NewUser { username, full_name: input.full_name, role: Role::User, password_hash };
    let mut connection = state.pool.acquire().await?;
    let user = store::users::insert(&mut connection, &new)
        .await
        .on_constraint(store::users::USERNAME_KEY, || ApiError::UsernameTaken)?;
    state.metrics.registrations.inc();
    Ok((StatusCode::CREATED, Json(user)))
}

/// Who I am
#[utoipa::path(get, path = "/user-api/users/me", operation_id = "get_me", tag = "users",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The user of the token", body = User,
            headers(("Cache-Status" = String, description = "what the cache did for the answer (RFC 9211)"))),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ))]
#[traced("get_user")]
pub(crate) async fn me(State(state): State<AppState>, user: CurrentUser) -> Result<Response, ApiError> {
    let Served { value, status } = state.users.cache().get(&user.id).await?;
    let user = value.ok_or(ApiError::NoSuchUser)?;
    Ok(Cached(status, Json(&*user)).into_response())
}

/// What users may change of themselves. What is left out stays as it is.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileChange {
    /// The name to be greeted with; in access tokens from the next one on.
    #[garde(inner(custom(check_full_name)))]
    #[schema(example = "Ann Brown", min_length = 1, max_length = 100)]
    full_name: Option<String>,
}

/// Changes who I am
#[utoipa::path(patch, path = "/user-api/users/me", operation_id = "change_me", tag = "users",
    request_body = ProfileChange, security(("bearer" = [])),
    responses(
        (status = 200, description = "The user as it is now", body = User),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 422, description = "A value breaks a rule", body = ProblemDocument),
    ))]
pub(crate) async fn change_me(
    State(state): State<AppState>,
    user: CurrentUser,
    ValidJson(change): ValidJson<ProfileChange>,
) -> Result<Response, ApiError> {
    match change.full_name {
        Some(full_name) => Ok(Json(state.users.rename(user.id, &full_name).await?).into_response()),
        None => me(State(state), user).await,
    }
}
