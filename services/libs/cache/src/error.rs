//! What can fail.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use shop_runtime::Problem;
use shop_runtime::problem::Outage;
use shop_runtime::redis::RedisError;
use shop_runtime::span::Fault;

use crate::metrics::LoadOutcome;

/// Why there is no value. Everyone who waited for the same load gets the same error.
#[derive(Debug)]
pub enum LoadError<E> {
    /// The source failed.
    Source(Arc<E>),
    /// The load took longer than the policy's hard timeout.
    TimedOut(Duration),
    /// The load panicked; the panic is in the log.
    Panicked,
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Source(error) => Self::Source(Arc::clone(error)),
            Self::TimedOut(limit) => Self::TimedOut(*limit),
            Self::Panicked => Self::Panicked,
        }
    }
}

impl<E> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(_) => f.write_str("the value can't be loaded"),
            Self::TimedOut(limit) => write!(f, "the value was not loaded within {limit:?}"),
            Self::Panicked => f.write_str("the load panicked"),
        }
    }
}

impl<E> Fault for LoadError<E> {
    fn kind(&self) -> Option<Cow<'static, str>> {
        let outcome = match self {
            Self::Source(_) => LoadOutcome::Failed,
            Self::TimedOut(_) => LoadOutcome::TimedOut,
            Self::Panicked => LoadOutcome::Panicked,
        };
        Some(outcome.as_str().into())
    }
}

impl<E: std::error::Error + 'static> std::error::Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Source(error) => Some(&**error),
            Self::TimedOut(_) | Self::Panicked => None,
        }
    }
}

impl<E: std::error::Error + Outage + Send + Sync + 'static> From<LoadError<E>> for Problem {
    fn from(error: LoadError<E>) -> Self {
        let outage = match &error {
            LoadError::Source(source) => source.is_outage(),
            LoadError::TimedOut(_) => true,
            LoadError::Panicked => false,
        };
        if outage {
            Self::unavailable("database-unavailable", "The database can't be reached at the moment").caused_by(error)
        } else {
            Self::internal(error)
        }
    }
}

/// An invalidation has not reached Redis. It was noted, and is carried out when Redis is back.
#[derive(Debug, thiserror::Error)]
#[error("Redis was not told of the invalidation yet")]
pub struct InvalidationError(#[from] RedisError);

impl Fault for InvalidationError {
    fn kind(&self) -> Option<Cow<'static, str>> {
        self.0.kind()
    }
}
