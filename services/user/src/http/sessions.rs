//! Going on with a session, and ending it.

use axum::extract::State;
use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shop_auth::{Bearer, Claims};
use shop_runtime::ClientIp;
use shop_runtime::extract::Json;
use shop_runtime::problem::ProblemDocument;
use utoipa::ToSchema;

use crate::app::AppState;
use crate::domain::EndedBy;
use crate::error::ApiError;
use crate::sessions::Tokens;
use crate::store::revocations::Which;

/// What to send as `Authorization: Bearer …` from now on, and what to get the next one with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    access_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the access token ends.
    #[schema(example = 900)]
    expires_in: u64,
    /// Good once, for `token/refresh`.
    refresh_token: String,
    /// Seconds until the session ends unless it is refreshed.
    #[schema(example = 604_800)]
    refresh_expires_in: u64,
}

impl From<Tokens> for TokenAnswer {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access,
            token_type: "bearer",
            expires_in: tokens.access_seconds,
            refresh_token: tokens.refresh.text(),
            refresh_expires_in: tokens.refresh_seconds,
        }
    }
}

/// What a session is gone on with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshInput {
    #[schema(value_type = String, format = Password)]
    refresh_token: SecretString,
}

/// Gives a new access token for a refresh token, which is used up
///
/// The same refresh token again within half a minute, from another tab or since the answer was lost, gets the same successor. Later it is taken for
/// stolen, and its session ends.
#[utoipa::path(post, path = "/user-api/token/refresh", operation_id = "refresh_token", tag = "sessions",
    request_body = RefreshInput,
    responses(
        (status = 200, description = "The next tokens", body = TokenAnswer),
        (status = 401, description = "The token is not valid any more, or was used before", body = ProblemDocument),
        (status = 429, description = "`too-many-refreshes`, from this address or of this session; with `Retry-After`", body = ProblemDocument),
    ))]
pub(crate) async fn refresh(
    State(state): State<AppState>,
    client: ClientIp,
    Json(input): Json<RefreshInput>,
) -> Result<Json<TokenAnswer>, ApiError> {
    Ok(Json(state.sessions.refresh(client, &input.refresh_token).await?.into()))
}

/// Ends the session of this access token
///
/// All of its tokens are refused from now on, by the other services within about a second.
#[utoipa::path(post, path = "/user-api/logout", operation_id = "log_out", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session is over"),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ))]
pub(crate) async fn log_out(
    State(state): State<AppState>,
    Bearer(Claims { sid, .. }): Bearer,
) -> Result<StatusCode, ApiError> {
    if let Some(session) = sid {
        state.sessions.end(Which::One(session), EndedBy::Logout).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of this user
#[utoipa::path(post, path = "/user-api/logout/everywhere", operation_id = "log_out_everywhere", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "All sessions are over"),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ))]
pub(crate) async fn log_out_everywhere(
    State(state): State<AppState>,
    Bearer(Claims { sub, .. }): Bearer,
) -> Result<StatusCode, ApiError> {
    state.sessions.end(Which::AllOf(sub), EndedBy::LogoutEverywhere).await?;
    Ok(StatusCode::NO_CONTENT)
}
