//! Redis, as something that may be away at any time: a command is quick or it is an error, and never holds up a start or a request.
//!
//! While Redis is away, commands are refused at once. No request is sent to find out whether it is back: a task of its own asks, over a
//! new connection, with growing pauses, and only when it gets an answer are commands let through again.

mod failure;
mod link;

use std::borrow::Cow;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub use redis::aio::MultiplexedConnection as Connection;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use self::failure::is_away;
use self::link::Link;
use crate::span::{Fault, Kind, Span};

/// How long a command may take unless its caller says otherwise.
pub const COMMAND_TIMEOUT: Duration = Duration::from_millis(250);

/// Why there is no answer from Redis. None of it is a reason to fail a request.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The service runs without Redis.
    #[error("Redis is not configured")]
    Absent,
    /// It is away, and has not been asked.
    #[error("Redis is away")]
    Away,
    /// No answer in time. It may still do what it was asked for.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// It answered with an error, or the connection broke.
    #[error("Redis failed")]
    Failed(#[source] redis::RedisError),
}

impl Fault for RedisError {
    fn kind(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            // Whoever runs a shop without Redis knows it.
            Self::Absent => return None,
            Self::Away => "away",
            Self::TimedOut => "timed_out",
            Self::Failed(_) => "failed",
        }))
    }
}

/// Redis' address can't be read. The address is not shown, since it has the password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis' URL is not of the form redis://:password@host:port")]
pub struct RedisConfigError;

/// A connection that is replaced when it breaks or falls silent.
#[derive(Clone, Debug)]
pub struct Redis(Option<Arc<Link>>);

impl Redis {
    /// No Redis: every command is [`RedisError::Absent`].
    pub const fn absent() -> Self {
        Self(None)
    }

    /// Redis at this address, if there is one. It is connected to in the background, so this must be called within a Tokio runtime.
    pub fn new(url: Option<&SecretString>) -> Result<Self, RedisConfigError> {
        let Some(url) = url else { return Ok(Self::absent()) };
        let client = redis::Client::open(url.expose_secret()).map_err(|_| RedisConfigError)?;
        Ok(Self(Some(Link::connect(client))))
    }

    /// Whether there is a Redis at all.
    pub const fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Whether commands are let through at this moment.
    pub fn is_up(&self) -> bool {
        self.0.as_ref().is_some_and(|link| link.is_up())
    }

    /// Changes whenever Redis can be used again, its first time included: the moment to do what could not be done meanwhile.
    pub fn recovered(&self) -> watch::Receiver<u64> {
        // Its sender lives for ever, so who waits for a Redis that is not configured waits and does not spin.
        static NEVER: LazyLock<watch::Sender<u64>> = LazyLock::new(watch::Sender::default);
        self.0.as_ref().map_or_else(|| NEVER.subscribe(), |link| link.recovered())
    }

    /// Runs commands on the connection, within the time that a command may take.
    pub async fn run<T, F, Fut>(&self, commands: F) -> Result<T, RedisError>
    where
        F: FnOnce(Connection) -> Fut,
        Fut: Future<Output = redis::RedisResult<T>>,
    {
        self.run_within(COMMAND_TIMEOUT, commands).await
    }

    /// Runs commands on the connection, within so much time: all of them together.
    pub async fn run_within<T, F, Fut>(&self, limit: Duration, commands: F) -> Result<T, RedisError>
    where
        F: FnOnce(Connection) -> Fut,
        Fut: Future<Output = redis::RedisResult<T>>,
    {
        self.run_as("commands", limit, commands).await
    }

    /// Runs commands that traces know by this name, within so much time.
    pub fn run_as<T, F, Fut>(
        &self,
        name: &'static str,
        limit: Duration,
        commands: F,
    ) -> impl Future<Output = Result<T, RedisError>>
    where
        F: FnOnce(Connection) -> Fut,
        Fut: Future<Output = redis::RedisResult<T>>,
    {
        let span = Span::begin(Kind::Client, name).described(|open| {
            open.rename(format!("redis {name}"));
            open.set("db.system.name", "redis");
            open.set("db.operation.name", name);
        });
        span.run(self.run_on_link(limit, commands))
    }

    async fn run_on_link<T, F, Fut>(&self, limit: Duration, commands: F) -> Result<T, RedisError>
    where
        F: FnOnce(Connection) -> Fut,
        Fut: Future<Output = redis::RedisResult<T>>,
    {
        let link = self.0.as_ref().ok_or(RedisError::Absent)?;
        let deadline = Instant::now() + limit;
        // This waits for the very first connection only.
        let usable = timeout_at(deadline, link.usable()).await.map_err(|_elapsed| RedisError::TimedOut)?;
        let (connection, number) = usable.ok_or(RedisError::Away)?;
        match timeout_at(deadline, commands(connection)).await {
            Ok(Ok(value)) => {
                link.answered();
                Ok(value)
            }
            Ok(Err(error)) => {
                if is_away(&error) {
                    link.broken(number, &error);
                } else {
                    link.answered();
                }
                Err(RedisError::Failed(error))
            }
            Err(_elapsed) => {
                link.timed_out(number, limit);
                Err(RedisError::TimedOut)
            }
        }
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> bool {
        self.run(async |mut connection| redis::cmd("PING").query_async::<()>(&mut connection).await).await.is_ok()
    }
}
