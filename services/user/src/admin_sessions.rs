//! Logins of administrators in a browser: what the gateway lets in to dashboards and tools.
//!
//! The browser holds a token of an audience of its own, so it is never an access token, nor is one of those it. It belongs to a session like
//! any other, and ends with it. Access tokens may outlive their user by a quarter of an hour; this one would by eight hours, so it is not
//! enough that the list of ended sessions does not have it: the database is asked as well, every few seconds for each session. While that is away,
//! the list decides alone, since that is when somebody has to look at the dashboards.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use shop_auth::{ADMIN_AUDIENCE, Claims, Revocation, Role, VerifyError};
use shop_types::{SessionId, UserId};
use tokio::sync::OnceCell;

use crate::domain::{EndedBy, Lifetimes, PasswordHash, SessionSecret};
use crate::error::ApiError;
use crate::sessions::Sessions;
use crate::store;
use crate::store::revocations::Which;
use crate::store::sessions::{NewSession, Standing};

/// How long a browser is let in after a login: a day's work. Nothing prolongs it.
pub(crate) const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

/// How old what is known of a session may be. A page of a dashboard makes dozens of requests at once.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How long the database is waited for, and so how long a page is held up now and then while it is away.
const PATIENCE: Duration = Duration::from_millis(500);

/// How much longer than its token a session that is over is remembered.
const CLOCKS_DIFFER_SECONDS: i64 = 60;

/// The sessions that something is known of, of some hundred bytes each.
const REMEMBERED: u64 = 1024;

/// What a browser is let in with.
pub(crate) struct AdminToken(pub(crate) String);

/// Why a token lets nobody in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is not good, or not yet.
    #[error(transparent)]
    Token(#[from] VerifyError),
    /// It belongs to no session, so it is none of those that are given out.
    #[error("the token belongs to no session")]
    NoSession,
    /// Its session is over, or its user is gone.
    #[error("the session of the token is over")]
    Over,
    /// Its user is no administrator any more.
    #[error("the user of the token is not an administrator")]
    NotAdmin,
}

/// The sessions of administrators' browsers.
#[derive(Clone, Debug)]
pub(crate) struct AdminSessions {
    sessions: Sessions,
    looks: Cache<(SessionId, UserId), Arc<OnceCell<Option<Standing>>>>,
}

impl AdminSessions {
    pub(crate) fn new(sessions: Sessions) -> Self {
        let looks = Cache::builder().max_capacity(REMEMBERED).time_to_live(LOOK_AGAIN).build();
        Self { sessions, looks }
    }

    /// Begins a session of an administrator whose password was found to match this hash. None if it does not any more.
    pub(crate) async fn begin(&self, user: UserId, checked: &PasswordHash) -> Result<Option<AdminToken>, ApiError> {
        const LASTS: Lifetimes = Lifetimes { access: LIFETIME, idle: LIFETIME, absolute: LIFETIME };
        let new = NewSession { id: SessionId::generate(), secret: SessionSecret::generate(), hash: None };
        let mut connection = self.sessions.pool.acquire().await?;
        let begun = store::sessions::begin(&mut connection, user, checked, &new, LASTS).await?;
        drop(connection);
        let Some((user, _)) = begun else { return Ok(None) };
        if user.role != Role::Admin {
            // The role was lost since it was looked at.
            self.sessions.end(Which::One(new.id), EndedBy::Role).await?;
            return Err(ApiError::NotAdmin);
        }
        tracing::info!(user = %user.id, session = %new.id, "an administrator logged in with a browser");
        let claims = Claims::lasting(LIFETIME, user.id, &user.username, user.role).of_session(new.id);
        let token = self.sessions.signer.current().sign(&claims.for_audience(ADMIN_AUDIENCE))?;
        Ok(Some(AdminToken(token)))
    }

    /// The name of the administrator whom the token lets in.
    pub(crate) async fn admitted(&self, token: &str) -> Result<String, Refusal> {
        let claims = self.sessions.auth.authenticate_for(ADMIN_AUDIENCE, token).await?;
        let session = claims.sid.ok_or(Refusal::NoSession)?;
        match self.standing(session, claims.sub).await.unwrap_or(Standing::Open(claims.role)) {
            Standing::Open(Role::Admin) => Ok(claims.name),
            Standing::Open(Role::User) => Err(Refusal::NotAdmin),
            Standing::Over => {
                // So that it stays over when the database goes away before the list has it, or if the list never will.
                let until = claims.exp.saturating_add(CLOCKS_DIFFER_SECONDS);
                self.sessions.auth.revocations().note([Revocation { session, until }]);
                Err(Refusal::Over)
            }
        }
    }

    /// Ends the session of a token, if it is one.
    pub(crate) async fn end(&self, token: &str) -> Result<(), ApiError> {
        let claims = self.sessions.auth.verifier().verify_for(ADMIN_AUDIENCE, token).ok();
        match claims.and_then(|claims| claims.sid) {
            Some(session) => self.sessions.end(Which::One(session), EndedBy::Logout).await,
            None => Ok(()),
        }
    }

    /// How it stands with a session, as it was a moment ago; none if nobody can tell. The first who asks looks, and all others wait for it.
    async fn standing(&self, session: SessionId, user: UserId) -> Option<Standing> {
        let look = self.looks.get_with((session, user), Arc::default);
        *look.get_or_init(|| self.look(session, user)).await
    }

    async fn look(&self, session: SessionId, user: UserId) -> Option<Standing> {
        let asked = async {
            let mut connection = self.sessions.pool.acquire().await?;
            store::sessions::standing(&mut connection, session, user).await
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(standing)) => return Some(standing),
            Ok(Err(error)) => tracing::warn!(%error, "an administrator is believed without the database"),
            Err(_elapsed) => tracing::warn!("an administrator is believed without the database, which is slow"),
        }
        None
    }
}
