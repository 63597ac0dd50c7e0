//! How often what may be tried, over all replicas.

use std::time::Duration;

use shop_runtime::ClientIp;
use shop_runtime::rate_limit::{Rate, RateLimiter};
use shop_runtime::redis::Redis;
use shop_types::{SessionId, UserId};

use crate::error::{ApiError, Attempt};

/// Logins of one name from one address: twenty at once, then one every three seconds.
const OF_PAIR: Rate = Rate { burst: 20, interval: Duration::from_secs(3) };

/// Logins of one name from anywhere, against guessing from many addresses. It takes several addresses that are each at their own limit to
/// keep somebody out of an account with this, and those who are logged in stay so.
const OF_NAME: Rate = Rate { burst: 100, interval: Duration::from_secs(1) };

/// Logins from one address for any name, against trying one password with many names: more than come from the people behind one router.
const OF_ADDRESS: Rate = Rate { burst: 600, interval: Duration::from_millis(100) };

/// Attempts to change one user's password.
const OF_USER: Rate = Rate { burst: 10, interval: Duration::from_secs(10) };

/// Registrations from one address, also those that fail: each costs a hash, and may tell whether a name is taken.
const REGISTRATIONS: Rate = Rate { burst: 600, interval: Duration::from_secs(1) };

/// Refreshes from one address, whatever the tokens.
const REFRESHES: Rate = Rate { burst: 600, interval: Duration::from_millis(100) };

/// New tokens of one session: each leaves a row until the session is forgotten. The same token again is not counted.
const OF_SESSION: Rate = Rate { burst: 30, interval: Duration::from_secs(10) };

/// Limits of attempts, shared by all replicas.
#[derive(Clone, Debug)]
pub(crate) struct UserLimits {
    pair: RateLimiter,
    name: RateLimiter,
    address: RateLimiter,
    user: RateLimiter,
    registrations: RateLimiter,
    refreshes: RateLimiter,
    session: RateLimiter,
}

impl UserLimits {
    pub(crate) fn new(redis: &Redis) -> Self {
        let limiter = |name, rate| RateLimiter::new(name, rate, redis.clone());
        Self {
            pair: limiter("login", OF_PAIR),
            name: limiter("login-name", OF_NAME),
            address: limiter("login-address", OF_ADDRESS),
            user: limiter("password", OF_USER),
            registrations: limiter("register", REGISTRATIONS),
            refreshes: limiter("refresh", REFRESHES),
            session: limiter("refresh-session", OF_SESSION),
        }
    }

    /// A login. The pair comes before the name, so that nobody uses up the attempts of a name alone.
    pub(crate) async fn login(&self, client: ClientIp, name: &str) -> Result<(), ApiError> {
        check(&self.address, &client.to_string(), Attempt::Login).await?;
        check(&self.pair, &format!("{client}:{name}"), Attempt::Login).await?;
        check(&self.name, name, Attempt::Login).await
    }

    /// Another password.
    pub(crate) async fn password(&self, user: UserId) -> Result<(), ApiError> {
        check(&self.user, &user.to_string(), Attempt::Password).await
    }

    /// A registration.
    pub(crate) async fn registration(&self, client: ClientIp) -> Result<(), ApiError> {
        check(&self.registrations, &client.to_string(), Attempt::Registration).await
    }

    /// A refresh with whatever looks like a token.
    pub(crate) async fn refresh(&self, client: ClientIp) -> Result<(), ApiError> {
        check(&self.refreshes, &client.to_string(), Attempt::Refresh).await
    }

    /// A refresh that will give a session new tokens.
    pub(crate) async fn rotation(&self, session: SessionId) -> Result<(), ApiError> {
        check(&self.session, &session.to_string(), Attempt::Refresh).await
    }
}

async fn check(limiter: &RateLimiter, key: &str, attempt: Attempt) -> Result<(), ApiError> {
    limiter.check(key).await.map_err(|limited| ApiError::Limited(attempt, limited))
}
