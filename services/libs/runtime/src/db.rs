//! PostgreSQL: a pool with short timeouts, and what its errors mean to a client.

mod query;

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

pub use self::query::Query;
use crate::problem::{Outage, Problem};

/// A connection that was idle this long is tried before it is used: the server may have gone and come back meanwhile, which takes it
/// longer than this. A ping at every acquire, as is sqlx's default, would cost a third of the processor time of a small request; under
/// load no connection is idle for so long.
const PING_AFTER_IDLE: Duration = Duration::from_secs(1);

/// How a service uses its database.
#[derive(Clone, Debug)]
pub struct DbConfig {
    /// `postgres://role:password@host:port/database`.
    pub url: SecretString,
    /// The schema of this service: all that its SQL sees.
    pub schema: &'static str,
    /// What the server's lists of connections call this service.
    pub application: &'static str,
    /// The most connections of this process.
    pub max_connections: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may run.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a lock.
    pub lock_timeout: Duration,
    /// How long a transaction may do nothing.
    pub idle_in_transaction_timeout: Duration,
}

impl DbConfig {
    /// The defaults for a service that answers people.
    pub fn new(url: SecretString, application: &'static str, schema: &'static str) -> Self {
        Self {
            url,
            schema,
            application,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
            idle_in_transaction_timeout: Duration::from_secs(10),
        }
    }

    /// What a connection is opened with.
    pub fn connect_options(&self) -> Result<PgConnectOptions, DbConfigError> {
        let options = PgConnectOptions::from_str(self.url.expose_secret()).map_err(|_| DbConfigError)?;
        let millis = |timeout: Duration| timeout.as_millis().to_string();
        Ok(options.application_name(self.application).options([
            ("search_path", self.schema.to_owned()),
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_timeout)),
            ("idle_in_transaction_session_timeout", millis(self.idle_in_transaction_timeout)),
        ]))
    }
}

/// The address of the database can't be read. The address is not shown, since it has the password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database's URL is not of the form postgres://role:password@host:port/database")]
pub struct DbConfigError;

/// A pool that connects when it is first used, so that a service starts without its database.
pub fn connect(config: &DbConfig) -> Result<PgPool, DbConfigError> {
    Ok(PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout)
        .idle_timeout(Duration::from_secs(5 * 60))
        .max_lifetime(Duration::from_secs(30 * 60))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > PING_AFTER_IDLE {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(config.connect_options()?))
}

/// Whether the database is away or too busy, rather than the statement wrong: trying again later may help.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            // Connection trouble, out of resources, an operator's or a timeout's interruption, locks, serialization, read-only standby.
            matches!(&code[..2], "08" | "53" | "57" | "58") || matches!(&*code, "55P03" | "40001" | "40P01" | "25006")
        }),
        _ => false,
    }
}

impl Outage for sqlx::Error {
    fn is_outage(&self) -> bool {
        is_unavailable(self)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            Self::unavailable("database-unavailable", "The database can't be reached at the moment").caused_by(error)
        } else {
            Self::internal(error)
        }
    }
}

/// Gives a broken rule of the database a meaning.
pub trait OnConstraint<T> {
    /// Turns the violation of the constraint (or unique index) of this name into another error.
    fn on_constraint<E: From<sqlx::Error>>(self, name: &str, meaning: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T, sqlx::Error> {
    fn on_constraint<E: From<sqlx::Error>>(self, name: &str, meaning: impl FnOnce() -> E) -> Result<T, E> {
        self.map_err(|error| match &error {
            sqlx::Error::Database(database) if database.constraint() == Some(name) => meaning(),
            _ => error.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn a_wrong_url_is_refused_without_showing_its_password() {
        let config = DbConfig::new("postgres//u:hunter2@h".into(), "test", "test");
        let error = connect(&config).expect_err("not a URL");
        assert!(!error.to_string().contains("hunter2"));
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_pool_that_timed_out_is_a_503_and_a_missing_column_is_not() {
        assert_eq!(Problem::from(sqlx::Error::PoolTimedOut).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(Problem::from(sqlx::Error::ColumnNotFound("x".into())).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
