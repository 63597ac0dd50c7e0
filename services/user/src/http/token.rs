//! Logging in.

use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shop_runtime::ClientIp;
use shop_runtime::extract::{Form, Json};
use shop_runtime::problem::ProblemDocument;
use utoipa::ToSchema;

use super::sessions::TokenAnswer;
use crate::app::AppState;
use crate::error::ApiError;

/// A name and a password, as OAuth 2's password grant sends them; other fields of that form are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TokenInput {
    #[schema(example = "user1")]
    username: String,
    #[schema(value_type = String, format = Password, example = "user123")]
    password: SecretString,
}

/// Logs in
#[utoipa::path(post, path = "/user-api/token", operation_id = "create_token", tag = "users",
    request_body(content = TokenInput, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The tokens of a new session", body = TokenAnswer),
        (status = 401, description = "Wrong username or password", body = ProblemDocument),
        (status = 429, description = "Too many attempts", body = ProblemDocument),
        (status = 503, description = "Too many passwords are being checked", body = ProblemDocument),
    ))]
pub(crate) async fn create(
    State(state): State<AppState>,
    client: ClientIp,
    Form(input): Form<TokenInput>,
) -> Result<Json<TokenAnswer>, ApiError> {
    Ok(Json(state.logins.log_in(client, &input.username, &input.password).await?.into()))
}
