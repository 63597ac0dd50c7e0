//! Logging in.

use axum::extract::State;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shop_runtime::ClientIp;
use shop_runtime::extract::{Form, Json};
use shop_runtime::problem::ProblemDocument;
use utoipa::ToSchema;

use crate::app::AppState;
use crate::error::ApiError;
use crate::metrics::Login;
use crate::store;

/// A name and a password, as OAuth 2's password grant sends them; other fields of that form are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TokenInput {
    #[schema(example = "user1")]
    username: String,
    #[schema(value_type = String, format = Password, example = "user123")]
    password: SecretString,
}

/// What to send as `Authorization: Bearer …` from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    access_token: String,
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// Seconds until the token ends.
    #[schema(example = 900)]
    expires_in: u64,
}

/// Longer ones can't be right and are not worth a hash.
const MAX_LENGTH: usize = 128;

/// Logs in
#[utoipa::path(post, path = "/user-api/token", operation_id = "create_token", tag = "users",
    request_body(content = TokenInput, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "An access token", body = TokenAnswer),
        (status = 401, description = "Wrong username or password", body = ProblemDocument),
        (status = 429, description = "Too many attempts", body = ProblemDocument),
    ))]
pub(crate) async fn create(
    State(state): State<AppState>,
    client: ClientIp,
    Form(input): Form<TokenInput>,
) -> Result<Json<TokenAnswer>, ApiError> {
    let TokenInput { username, password } = input;
    if username.len() > MAX_LENGTH || secrecy::ExposeSecret::expose_secret(&password).len() > MAX_LENGTH {
        return Err(ApiError::BadCredentials);
    }
    if let Err(limited) = state.login_limit.check(&format!("{client}:{}", username.to_lowercase())).await {
        state.metrics.login(Login::Limited);
        return Err(limited.into());
    }
    // The connection goes back before the slow part.
    let found = store::users::by_username(&mut *state.pool.acquire().await?, &username).await?;
    let (user, kept) = found.unzip();
    let right = state.passwords.verify(password, kept).await?;
    let Some(user) = user.filter(|_| right) else {
        state.metrics.login(Login::Rejected);
        return Err(ApiError::BadCredentials);
    };
    let access_token = state.signer.issue(user.id, &user.full_name, user.role, state.token_lifetime)?;
    state.metrics.login(Login::Succeeded);
    Ok(Json(TokenAnswer { access_token, token_type: "bearer", expires_in: state.token_lifetime.as_secs() }))
}
