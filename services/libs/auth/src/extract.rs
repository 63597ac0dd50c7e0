//! axum extractors: a handler that names one of them can only be reached by those.

use std::path::Path;
use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use shop_runtime::Problem;
use shop_runtime::client::{Sibling, SiblingConfigError};
use shop_types::UserId;
use tokio_util::sync::CancellationToken;

use crate::claims::{AUDIENCE, Claims, Role};
use crate::keys::KeyError;
use crate::revocations::Revocations;
use crate::service::{ServiceToken, ServiceTokenError};
use crate::verifier::{Verifier, VerifyError};

/// How long the list of ended sessions is waited for.
const PULL_TIMEOUT: Duration = Duration::from_secs(1);

/// What is needed to know who asks.
#[derive(Clone, Debug)]
pub struct AuthState {
    verifier: Verifier,
    service_token: ServiceToken,
    revocations: Revocations,
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
    /// Reads the keys and the secret from where the service finds them, and follows the keys when they change.
    pub fn load(public_keys_dir: &Path, service_token_file: &Path) -> Result<Self, AuthConfigError> {
        Ok(Self::new(Verifier::watching(public_keys_dir)?, ServiceToken::from_file(service_token_file)?))
    }

    /// Believes these keys and this secret.
    pub fn new(verifier: Verifier, service_token: ServiceToken) -> Self {
        Self { verifier, service_token, revocations: Revocations::default() }
    }

    /// The ended sessions that this process knows of; the service has to have it follow them.
    pub const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Follows the user service's list of ended sessions until `stop`. Without an address for it no session is known to have ended, and tokens are
    /// good until they are over by themselves.
    pub fn follow_revocations(
        &self,
        user_url: Option<&str>,
        stop: CancellationToken,
    ) -> Result<impl Future<Output = ()> + Send + use<>, SiblingConfigError> {
        // A sibling of its own, so that the breaker of other calls knows nothing of these.
        let sibling = |url| Sibling::new("user", url, self.service_token.secret(), PULL_TIMEOUT);
        let users = user_url.map(sibling).transpose()?;
        // At once, so that nobody is believed before the task runs.
        let following = users.map(|users| self.revocations.clone().follow(users, stop));
        Ok(async move {
            if let Some(following) = following {
                following.await;
            } else {
                tracing::warn!("no address of the user service: ended sessions are not heard of");
            }
        })
    }

    /// What the access token says, if it can be believed and its session was not ended. Right after the start that may take a moment.
    pub async fn authenticate(&self, token: &str) -> Result<Claims, VerifyError> {
        self.authenticate_for(AUDIENCE, token).await
    }

    /// The same for a token of another audience.
    pub async fn authenticate_for(&self, audience: &str, token: &str) -> Result<Claims, VerifyError> {
        let claims = self.verifier.verify_for(audience, token)?;
        if claims.sid.is_some() {
            self.revocations.known().await?;
        }
        if self.is_revoked(&claims) { Err(VerifyError::Revoked) } else { Ok(claims) }
    }

    /// Whether what was believed a while ago still is: for whoever holds on to a token, such as a socket.
    pub fn still_believes(&self, claims: &Claims) -> bool {
        !claims.is_over() && !self.is_revoked(claims)
    }

    fn is_revoked(&self, claims: &Claims) -> bool {
        claims.sid.is_some_and(|session| self.revocations.contains(session))
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

impl From<Claims> for CurrentUser {
    fn from(claims: Claims) -> Self {
        Self { id: claims.sub, role: claims.role, name: claims.name }
    }
}

/// A user with a valid access token, if there is a token at all. One that is not valid is refused all the same: whoever sends it would be
/// surprised to be taken for nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionalUser(pub Option<CurrentUser>);

/// All that a valid access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer(pub Claims);

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

impl<S: Sync> FromRequestParts<S> for Bearer
where
    AuthState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let token =
            credentials(parts, "Bearer").ok_or_else(|| unauthenticated("an access token is missing", "Bearer"))?;
        AuthState::from_ref(state).authenticate(token).await.map(Self).map_err(|error| match error {
            VerifyError::NotKnownYet(_) => {
                Problem::unavailable("sessions-unknown", "Nobody who has logged in can be served at the moment")
                    .detail("this process has just started and does not know yet which sessions have ended")
                    .caused_by(error)
            }
            error => unauthenticated("the access token is not valid (any more)", r#"Bearer error="invalid_token""#)
                .caused_by(error),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentUser
where
    AuthState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Bearer(claims) = Bearer::from_request_parts(parts, state).await?;
        Ok(claims.into())
    }
}

impl<S: Sync> FromRequestParts<S> for OptionalUser
where
    AuthState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.headers.contains_key(AUTHORIZATION) {
            CurrentUser::from_request_parts(parts, state).await.map(|user| Self(Some(user)))
        } else {
            Ok(Self(None))
        }
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
