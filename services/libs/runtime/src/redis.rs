//! Redis, as something that may be away at any time: a command is quick or it is an error, and never holds up a start or a request.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret as _, SecretString};

use crate::breaker::Breaker;

/// How long a command may take, connecting included.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(250);

/// After so many failures in a row Redis is left alone for a while…
const FAILURES_TO_OPEN: u32 = 3;

/// …for this long.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// Why there is no answer from Redis. None of it is a reason to fail a request.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The service runs without Redis.
    #[error("Redis is not configured")]
    Absent,
    /// It failed a moment ago and is not asked again yet.
    #[error("Redis failed a moment ago")]
    Open,
    /// No answer in time.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// It answered with an error, or the connection broke.
    #[error("Redis failed")]
    Failed(#[source] redis::RedisError),
}

/// Redis' address can't be read. The address is not shown, since it has the password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis' URL is not of the form redis://:password@host:port")]
pub struct RedisConfigError;

/// A connection that is made when it is first used and made again when it breaks.
#[derive(Clone, Debug)]
pub struct Redis(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    manager: ConnectionManager,
    breaker: Breaker,
}

impl Redis {
    /// No Redis: every command is [`RedisError::Absent`].
    pub const fn absent() -> Self {
        Self(None)
    }

    /// Redis at this address, if there is one. Nothing is sent yet. Must be called within a Tokio runtime.
    pub fn new(url: Option<&SecretString>) -> Result<Self, RedisConfigError> {
        let Some(url) = url else { return Ok(Self::absent()) };
        let client = redis::Client::open(url.expose_secret()).map_err(|_| RedisConfigError)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_millis(100))
            .set_connection_timeout(Some(COMMAND_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT))
            .set_pipeline_buffer_size(1024);
        let manager = ConnectionManager::new_lazy_with_config(client, config).map_err(|_| RedisConfigError)?;
        Ok(Self(Some(Arc::new(Inner { manager, breaker: Breaker::new(FAILURES_TO_OPEN, OPEN_FOR) }))))
    }

    /// Whether there is a Redis at all.
    pub const fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Runs commands on the connection, within the time that a command may take.
    pub async fn run<T, F, Fut>(&self, commands: F) -> Result<T, RedisError>
    where
        F: FnOnce(ConnectionManager) -> Fut,
        Fut: Future<Output = redis::RedisResult<T>>,
    {
        let inner = self.0.as_deref().ok_or(RedisError::Absent)?;
        if !inner.breaker.allows() {
            return Err(RedisError::Open);
        }
        match tokio::time::timeout(COMMAND_TIMEOUT, commands(inner.manager.clone())).await {
            Ok(Ok(value)) => {
                inner.breaker.succeeded();
                Ok(value)
            }
            Ok(Err(error)) => {
                inner.breaker.failed();
                Err(RedisError::Failed(error))
            }
            Err(_elapsed) => {
                inner.breaker.failed();
                Err(RedisError::TimedOut)
            }
        }
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> bool {
        self.run(async |mut connection| redis::cmd("PING").query_async::<()>(&mut connection).await).await.is_ok()
    }
}
