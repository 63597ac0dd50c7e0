//! Another password.

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use shop_auth::{Bearer, Claims};
use shop_runtime::extract::ValidJson;
use shop_runtime::problem::ProblemDocument;
use utoipa::ToSchema;

use super::users::check_password;
use crate::app::AppState;
use crate::error::ApiError;

/// The password that is known, and the one to be.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    old_password: SecretString,
    /// At least 8 signs, at most 128 bytes.
    #[garde(custom(check_password))]
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new_password: SecretString,
}

/// Changes the password and ends all other sessions of this user
#[utoipa::path(post, path = "/user-api/users/me/password", operation_id = "change_password", tag = "users",
    request_body = PasswordChange, security(("bearer" = [])),
    responses(
        (status = 204, description = "Changed; this session goes on, the others are over"),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 403, description = "The old password is not the right one", body = ProblemDocument),
        (status = 422, description = "A value breaks a rule", body = ProblemDocument),
        (status = 429, description = "Too many attempts", body = ProblemDocument),
    ))]
pub(crate) async fn change(
    State(state): State<AppState>,
    Bearer(Claims { sub, sid, .. }): Bearer,
    ValidJson(change): ValidJson<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    state.logins.change_password(sub, sid, &change.old_password, change.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
