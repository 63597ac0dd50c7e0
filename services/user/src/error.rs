//! What can go wrong with a request, and what the client hears of it.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use shop_auth::SignError;
use shop_cache::LoadError;
use shop_outbox::OutboxError;
use shop_runtime::Problem;
use shop_runtime::rate_limit::Limited;
use shop_runtime::span::Fault;
use shop_types::CursorError;

use crate::passwords::PasswordError;

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Somebody else has the name.
    #[error("the username is taken")]
    UsernameTaken,
    /// No such user, or not this password: which of the two is nobody's business.
    #[error("wrong username or password")]
    BadCredentials,
    /// The old password is not the right one.
    #[error("wrong old password")]
    WrongPassword,
    /// Only administrators get in here.
    #[error("not an administrator")]
    NotAdmin,
    /// The refresh token is none, or its session is over.
    #[error("the refresh token is not valid (any more)")]
    RefreshTokenInvalid,
    /// The refresh token was used before, so its session was ended.
    #[error("the refresh token was used before")]
    RefreshTokenReused,
    /// The shop would have no administrator any more.
    #[error("the last administrator can't lose the role")]
    LastAdmin,
    /// There is no such thing, or not for this user.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Others did the same again and again at the same moment.
    #[error("others were quicker")]
    Contended,
    /// Too much of it.
    #[error("{0:?}: {1}")]
    Limited(Attempt, #[source] Limited),
    /// The token is good, but its user is gone.
    #[error("the user of the token does not exist")]
    NoSuchUser,
    /// The input breaks a rule.
    #[error("invalid input: {0}")]
    Invalid(&'static str),
    /// The cursor is not one of ours.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] sqlx::Error),
    /// The user can't be read.
    #[error(transparent)]
    Load(#[from] LoadError<sqlx::Error>),
    /// What the cache must hear of a change can't be noted.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl Fault for ApiError {
    fn kind(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Store(error) => error.kind(),
            Self::Load(error) => error.kind(),
            Self::Outbox(error) => error.kind(),
            Self::Password(PasswordError::Busy) => Some("busy".into()),
            Self::Password(_) | Self::Sign(_) => Some("unexpected".into()),
            _ => None,
        }
    }
}

/// What there is a limit of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Logging in.
    Login,
    /// Changing a password, which takes the old one.
    Password,
    /// Registering.
    Registration,
    /// Going on with a session.
    Refresh,
}

impl Attempt {
    fn problem(self) -> Problem {
        const STATUS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
        match self {
            Self::Login | Self::Password => Problem::new(STATUS, "too-many-logins", "Too many attempts to log in"),
            Self::Registration => Problem::new(STATUS, "too-many-registrations", "Too many registrations"),
            Self::Refresh => Problem::new(STATUS, "too-many-refreshes", "Too many refreshes"),
        }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::UsernameTaken => {
                Self::new(StatusCode::CONFLICT, "username-taken", "Somebody else has this username")
            }
            ApiError::BadCredentials => {
                Self::new(StatusCode::UNAUTHORIZED, "bad-credentials", "Wrong username or password")
                    .authenticate("Bearer")
            }
            ApiError::WrongPassword => {
                Self::new(StatusCode::FORBIDDEN, "wrong-password", "The old password is not the right one")
            }
            ApiError::NotAdmin => Self::new(StatusCode::FORBIDDEN, "forbidden", "Only administrators may do this"),
            ApiError::RefreshTokenInvalid => {
                Self::new(StatusCode::UNAUTHORIZED, "refresh-token-invalid", "You have to log in again")
                    .detail("the refresh token is not valid (any more)")
                    .authenticate("Bearer")
            }
            ApiError::RefreshTokenReused => {
                Self::new(StatusCode::UNAUTHORIZED, "refresh-token-reused", "You have to log in again")
                    .detail("the refresh token was used before: somebody else may have it, so its session was ended")
                    .authenticate("Bearer")
            }
            ApiError::LastAdmin => {
                Self::new(StatusCode::CONFLICT, "last-admin", "The last administrator can't lose the role")
            }
            ApiError::NotFound(what) => Self::not_found(format!("there is no such {what}")),
            ApiError::Contended => Self::unavailable("contended", "Others did the same at this moment"),
            ApiError::Limited(attempt, Limited { retry_after }) => attempt.problem().retry_after(retry_after),
            ApiError::NoSuchUser => Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "You have to log in first")
                .detail("the user of this token does not exist")
                .authenticate(r#"Bearer error="invalid_token""#),
            ApiError::Invalid(detail) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", "The request's values are not valid")
                    .detail(detail)
            }
            ApiError::Cursor(error) => Self::bad_request(error.to_string()),
            ApiError::Password(PasswordError::Busy) => {
                Self::unavailable("overloaded", "Too many requests at the moment").caused_by(PasswordError::Busy)
            }
            ApiError::Password(error) => Self::internal(error),
            ApiError::Sign(error) => Self::internal(error),
            ApiError::Store(error) => error.into(),
            ApiError::Load(error) => error.into(),
            ApiError::Outbox(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
