//! What becomes of a login: tokens, their refreshing and their end.

use secrecy::SecretString;
use shop_auth::{AuthState, Claims, LiveSigner, Role};
use shop_runtime::{ClientIp, traced};
use shop_types::{SessionId, UserId};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::domain::{EndedBy, Lifetimes, PasswordHash, Presented, RefreshToken, SessionSecret, User, Verdict};
use crate::error::ApiError;
use crate::limits::UserLimits;
use crate::metrics::{Refresh, UserMetrics};
use crate::store::revocations::{Counter, Which};
use crate::store::{self, sessions::NewSession};

/// How often a refresh looks again when another one was quicker. Each time the session has moved on, so one is enough but for a crowd.
const ATTEMPTS: usize = 3;

/// The sessions of all users.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    pub(crate) pool: PgPool,
    pub(crate) auth: AuthState,
    pub(crate) signer: LiveSigner,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) limits: UserLimits,
    pub(crate) metrics: UserMetrics,
}

/// What a client goes on with.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    /// Seconds until the access token ends.
    pub(crate) access_seconds: u64,
    pub(crate) refresh: RefreshToken,
    /// Seconds until the session ends unless it is refreshed.
    pub(crate) refresh_seconds: u64,
}

impl Sessions {
    /// Begins a session of a user whose password was found to match this hash. None if it does not any more.
    pub(crate) async fn begin(&self, user: UserId, checked: &PasswordHash) -> Result<Option<Tokens>, ApiError> {
        let (refresh, secret) = (RefreshToken::generate(), SessionSecret::generate());
        let new = NewSession { id: SessionId::generate(), secret, hash: Some(refresh.hash()) };
        let mut connection = self.pool.acquire().await?;
        let begun = store::sessions::begin(&mut connection, user, checked, &new, self.lifetimes).await?;
        let Some((user, until)) = begun else { return Ok(None) };
        let User { id, full_name, role, .. } = user;
        self.tokens(new.id, (id, &full_name, role), refresh, until).map(Some)
    }

    /// Goes on with the session of a refresh token.
    #[traced("refresh_session")]
    pub(crate) async fn refresh(&self, client: ClientIp, token: &SecretString) -> Result<Tokens, ApiError> {
        let refreshed = self.try_refresh(client, token).await;
        match &refreshed {
            Err(ApiError::RefreshTokenReused) => self.metrics.refresh(Refresh::Reused),
            Err(ApiError::RefreshTokenInvalid) => self.metrics.refresh(Refresh::Rejected),
            Err(ApiError::Limited(..)) => self.metrics.refresh(Refresh::Limited),
            Ok(_) | Err(_) => {}
        }
        refreshed
    }

    async fn try_refresh(&self, client: ClientIp, token: &SecretString) -> Result<Tokens, ApiError> {
        let token = RefreshToken::read(token).ok_or(ApiError::RefreshTokenInvalid)?;
        self.limits.refresh(client).await?;
        for attempt in 0..ATTEMPTS {
            let presented = store::sessions::present(&mut *self.pool.acquire().await?, &token.hash()).await?;
            let presented = presented.ok_or(ApiError::RefreshTokenInvalid)?;
            let successor = token.successor(&presented.secret);
            let (until, how) = match presented.verdict() {
                Verdict::Over => return Err(ApiError::RefreshTokenInvalid),
                Verdict::Stolen => return self.end_stolen(&presented).await,
                Verdict::Rotate => {
                    if attempt == 0 {
                        self.limits.rotation(presented.session).await?;
                    }
                    let (hash, mut connection) = (successor.hash(), self.pool.acquire().await?);
                    let until = store::sessions::rotate(&mut connection, &presented, &hash, self.lifetimes).await?;
                    (until, Refresh::Rotated)
                }
                Verdict::Repeat => {
                    let (access, mut connection) = (self.lifetimes.access, self.pool.acquire().await?);
                    (store::sessions::repeat(&mut connection, &presented, access).await?, Refresh::Repeated)
                }
            };
            if let Some(until) = until {
                self.metrics.refresh(how);
                let Presented { session, user, full_name, role, .. } = presented;
                return self.tokens(session, (user, &full_name, role), successor, until);
            }
        }
        Err(ApiError::Contended)
    }

    async fn end_stolen(&self, presented: &Presented) -> Result<Tokens, ApiError> {
        let Presented { session, user, generation, newest, .. } = presented;
        tracing::warn!(%session, %user, generation, newest, "a refresh token came back that was used up: its session ends");
        self.end(Which::One(*session), EndedBy::Reuse).await?;
        Err(ApiError::RefreshTokenReused)
    }

    /// Ends sessions, here at once and everywhere else within about a second.
    pub(crate) async fn end(&self, which: Which, by: EndedBy) -> Result<(), ApiError> {
        let mut transaction = self.pool.begin().await?;
        let revocations = Counter::lock(&mut transaction).await?.end(which, by).await?;
        transaction.commit().await?;
        self.auth.revocations().note(revocations);
        Ok(())
    }

    /// Keeps a new password's hash in the place of the one that was checked, and ends all sessions but this one, or nothing of both. False
    /// if somebody else has changed the password meanwhile.
    pub(crate) async fn change_password(
        &self,
        user: UserId,
        but: Option<SessionId>,
        checked: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, ApiError> {
        let mut transaction = self.pool.begin().await?;
        let mut counter = Counter::lock(&mut transaction).await?;
        if !store::users::replace_password(counter.connection(), user, checked, new).await? {
            return Ok(false);
        }
        let revocations = counter.end(Which::OthersOf(user, but), EndedBy::Password).await?;
        transaction.commit().await?;
        self.auth.revocations().note(revocations);
        Ok(true)
    }

    fn tokens(
        &self,
        session: SessionId,
        (user, full_name, role): (UserId, &str, Role),
        refresh: RefreshToken,
        until: OffsetDateTime,
    ) -> Result<Tokens, ApiError> {
        let claims = Claims::lasting(self.lifetimes.access, user, full_name, role).of_session(session);
        let left = until - OffsetDateTime::now_utc();
        Ok(Tokens {
            access: self.signer.current().sign(&claims)?,
            access_seconds: self.lifetimes.access.as_secs(),
            refresh,
            refresh_seconds: u64::try_from(left.whole_seconds()).unwrap_or(0),
        })
    }
}
