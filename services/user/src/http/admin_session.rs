//! Whether the gateway may let a browser in to dashboards and tools.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shop_auth::VerifyError;
use shop_runtime::Problem;

use super::admin_login::cookie;
use crate::admin_sessions::Refusal;
use crate::app::AppState;
use crate::error::ApiError;

/// Where the gateway finds who it lets in.
const USER: HeaderName = HeaderName::from_static("x-shop-user");

/// Answers nginx's `auth_request` with 204 and who it is, 401 or 403.
///
/// nginx has no service token, so anybody in the shop's network may ask. It is told nothing that it does not know: only whether a cookie
/// that it has is good, and whose it is, which it hears at every dashboard as well. Nothing is changed, and nothing costs more than a look
/// at a signature, unless that is right.
pub(crate) async fn get(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    let username = HeaderValue::try_from(admitted(&state, &headers).await?).map_err(Problem::internal)?;
    Ok((StatusCode::NO_CONTENT, [(USER, username)]).into_response())
}

/// The name of the administrator whom a cookie of the request lets in.
pub(super) async fn admitted(state: &AppState, headers: &HeaderMap) -> Result<String, Problem> {
    let mut refused = login_needed();
    for token in cookie::tokens(headers) {
        match state.admins.admitted(token).await {
            Ok(username) => return Ok(username),
            Err(refusal) => refused = problem(refusal),
        }
    }
    Err(refused)
}

fn login_needed() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "You have to log in first")
        .detail("no cookie of an administrator's login that is valid (any more)")
}

fn problem(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NotAdmin => ApiError::NotAdmin.into(),
        Refusal::Token(VerifyError::NotKnownYet(error)) => {
            Problem::unavailable("sessions-unknown", "Nobody who has logged in can be served at the moment")
                .caused_by(error)
        }
        refusal => login_needed().caused_by(refusal),
    }
}
