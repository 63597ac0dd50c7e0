//! axum extractors: a handler that names one of them can only be reached by those.

use std::path::Path;

use axum::extract::{FromRef, FromRequestParts};
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use shop_runtime::Problem;
use shop_types::UserId;

use crate::claims::Role;
use crate::keys::KeyError;
use crate::service::{ServiceToken, ServiceTokenError};
use crate::verifier::Verifier;

/// What is needed to know who asks.
#[derive(Clone, Debug)]
pub struct AuthState {
    verifier: Verifier,
    service_token: ServiceToken,
}

/// What is needed to know who asks can't be read.
#[derive(Debug, thiserror::Error)]
pub enum AuthConfigError {
    /// The public keys.
    #[error("can't read the public keys of access tokens")]
    Keys(#[from] KeyError),
    /// The service token.
    #[error(transparent)]
    ServiceToken(#[from] ServiceTokenError),
}

impl AuthState {
    /// Reads the keys and the secret from where the service finds them.
    pub fn load(public_keys_dir: &Path, service_token_file: &Path) -> Result<Self, AuthConfigError> {
        Ok(Self::new(Verifier::from_dir(public_keys_dir)?, ServiceToken::from_file(service_token_file)?))
    }

    /// Believes these keys and this secret.
    pub const fn new(verifier: Verifier, service_token: ServiceToken) -> Self {
        Self { verifier, service_token }
    }

    /// The secret, to call siblings with.
    pub const fn service_token(&self) -> &ServiceToken {
        &self.service_token
    }

    /// The trusted keys.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

/// A user with a valid access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    /// Who.
    pub id: UserId,
    /// What the user may do.
    pub role: Role,
    /// The user's name.
    pub name: String,
}

/// A user with the role `admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin(pub CurrentUser);

/// Another service of this shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCaller;

fn unauthenticated(detail: &'static str, challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "You have to log in first")
        .detail(detail)
        .authenticate(challenge)
}

/// The credentials of a scheme; the scheme's name has no case.
fn credentials<'a>(parts: &'a Parts, scheme: &str) -> Option<&'a str> {
    let (presented, credentials) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    presented.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
}

impl<S: Sync> FromRequestParts<S> for CurrentUser
where
    AuthState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token =
            credentials(parts, "Bearer").ok_or_else(|| unauthenticated("an access token is missing", "Bearer"))?;
        let claims = AuthState::from_ref(state).verifier.verify(token).map_err(|error| {
            unauthenticated("the access token is not valid (any more)", r#"Bearer error="invalid_token""#)
                .caused_by(error)
        })?;
        Ok(Self { id: claims.sub, role: claims.role, name: claims.name })
    }
}

impl<S: Sync> FromRequestParts<S> for Admin
where
    AuthState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        match user.role {
            Role::Admin => Ok(Self(user)),
            Role::User => Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "Only administrators may do this")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ServiceCaller
where
    AuthState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let presented = credentials(parts, "Service");
        let known = presented.is_some_and(|token| AuthState::from_ref(state).service_token.matches(token));
        known.then_some(Self).ok_or_else(|| unauthenticated("only services of the shop may call this", "Service"))
    }
}
