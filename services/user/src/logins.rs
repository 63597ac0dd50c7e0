//! Proving who one is: with a name and a password, and with the old password for a new one.

use secrecy::{ExposeSecret as _, SecretString};
use shop_auth::Role;
use shop_runtime::{ClientIp, traced};
use shop_types::{SessionId, UserId};
use sqlx::PgPool;

use crate::admin_sessions::{AdminSessions, AdminToken};
use crate::domain::{PasswordHash, User, is_username};
use crate::error::ApiError;
use crate::limits::UserLimits;
use crate::metrics::{Login, UserMetrics};
use crate::passwords::{Checked, Passwords};
use crate::sessions::{Sessions, Tokens};
use crate::store;

/// Longer passwords can't be right and are not worth a hash.
const MAX_PASSWORD: usize = 128;

/// How often a login begins anew because the kept hash changed under it: another login of the user may have upgraded it.
const ATTEMPTS: usize = 3;

/// Where passwords are presented.
#[derive(Clone, Debug)]
pub(crate) struct Logins {
    pub(crate) pool: PgPool,
    pub(crate) passwords: Passwords,
    pub(crate) sessions: Sessions,
    pub(crate) admins: AdminSessions,
    pub(crate) limits: UserLimits,
    pub(crate) metrics: UserMetrics,
}

impl Logins {
    /// Begins a session for a name and a password.
    #[traced("login")]
    pub(crate) async fn log_in(
        &self,
        client: ClientIp,
        username: &str,
        password: &SecretString,
    ) -> Result<Tokens, ApiError> {
        self.counted(self.try_log_in(client, username, password).await)
    }

    async fn try_log_in(&self, client: ClientIp, username: &str, password: &SecretString) -> Result<Tokens, ApiError> {
        self.check_attempt(client, username, password).await?;
        for _ in 0..ATTEMPTS {
            let Some((user, kept)) = self.prove(username, password).await? else { continue };
            if let Some(tokens) = self.sessions.begin(user.id, &kept).await? {
                return Ok(tokens);
            }
        }
        Err(ApiError::Contended)
    }

    /// Lets an administrator's browser in for a name and a password.
    #[traced("login_admin")]
    pub(crate) async fn log_in_admin(
        &self,
        client: ClientIp,
        username: &str,
        password: &SecretString,
    ) -> Result<AdminToken, ApiError> {
        self.counted(self.try_log_in_admin(client, username, password).await)
    }

    async fn try_log_in_admin(
        &self,
        client: ClientIp,
        username: &str,
        password: &SecretString,
    ) -> Result<AdminToken, ApiError> {
        self.check_attempt(client, username, password).await?;
        for _ in 0..ATTEMPTS {
            let Some((user, kept)) = self.prove(username, password).await? else { continue };
            if user.role != Role::Admin {
                return Err(ApiError::NotAdmin);
            }
            if let Some(token) = self.admins.begin(user.id, &kept).await? {
                return Ok(token);
            }
        }
        Err(ApiError::Contended)
    }

    fn counted<T>(&self, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
        match &outcome {
            Ok(_) => self.metrics.login(Login::Succeeded),
            Err(ApiError::BadCredentials | ApiError::NotAdmin) => self.metrics.login(Login::Rejected),
            Err(ApiError::Limited(..)) => self.metrics.login(Login::Limited),
            Err(_) => self.metrics.login(Login::Failed),
        }
        outcome
    }

    /// Whether there may be an attempt with this name and password at all.
    async fn check_attempt(&self, client: ClientIp, username: &str, password: &SecretString) -> Result<(), ApiError> {
        // Nobody is called so, or has such a password: that is no secret, so it may be answered quickly.
        if !is_username(username) || password.expose_secret().len() > MAX_PASSWORD {
            return Err(ApiError::BadCredentials);
        }
        self.limits.login(client, &username.to_lowercase()).await
    }

    /// Who has the name and the password, and the hash of it that is kept. None if that has changed meanwhile.
    async fn prove(&self, username: &str, password: &SecretString) -> Result<Option<(User, PasswordHash)>, ApiError> {
        // The connection goes back before the slow part.
        let found = store::users::by_username(&mut *self.pool.acquire().await?, username).await?;
        let (user, kept) = found.unzip();
        let Checked { right, better } = self.passwords.check(password.clone(), kept.clone()).await?;
        let (Some(user), Some(kept)) = (user.filter(|_| right), kept) else { return Err(ApiError::BadCredentials) };
        let kept = self.upgraded(user.id, kept, better).await?;
        Ok(kept.map(|kept| (user, kept)))
    }

    /// Keeps a better hash of the same password, if there is one; the hash that is kept then. None if it has changed meanwhile.
    async fn upgraded(
        &self,
        user: UserId,
        kept: PasswordHash,
        better: Option<PasswordHash>,
    ) -> Result<Option<PasswordHash>, ApiError> {
        let Some(better) = better else { return Ok(Some(kept)) };
        let mut connection = self.pool.acquire().await?;
        let replaced = store::users::replace_password(&mut connection, user, &kept, &better).await?;
        Ok(replaced.then_some(better))
    }

    /// Changes a user's password and ends all of their sessions but this one.
    #[traced("change_password")]
    pub(crate) async fn change_password(
        &self,
        user: UserId,
        session: Option<SessionId>,
        old: &SecretString,
        new: SecretString,
    ) -> Result<(), ApiError> {
        self.limits.password(user).await?;
        let kept = store::users::password(&mut *self.pool.acquire().await?, user).await?;
        let kept = kept.ok_or(ApiError::NoSuchUser)?;
        let too_long = old.expose_secret().len() > MAX_PASSWORD;
        if too_long || !self.passwords.check(old.clone(), Some(kept.clone())).await?.right {
            return Err(ApiError::WrongPassword);
        }
        let new = self.passwords.hash(new).await?;
        let changed = self.sessions.change_password(user, session, &kept, &new).await?;
        changed.then_some(()).ok_or(ApiError::Contended)
    }
}
