//! What an outcome says of the work that had it.

use std::borrow::Cow;

use crate::client::SiblingError;
use crate::problem::{Outage, Problem};

/// How work has ended.
pub trait Ended {
    /// How it went wrong, in a word of a bounded set; none if it did not, or if it was right to refuse.
    fn fault(&self) -> Option<Cow<'static, str>>;
}

/// An error, of which some are faults and some are refusals: that something is not there, or not allowed, is an answer like any other.
pub trait Fault {
    /// What kind of fault it is, in a word of a bounded set; none if it is a refusal.
    fn kind(&self) -> Option<Cow<'static, str>>;
}

impl<T, E: Fault> Ended for Result<T, E> {
    fn fault(&self) -> Option<Cow<'static, str>> {
        self.as_ref().err().and_then(Fault::kind)
    }
}

impl Fault for sqlx::Error {
    fn kind(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::RowNotFound => return None,
            // Never what it says beside its code: there are values in it.
            Self::Database(error) => error.code().map_or("database".into(), |code| code.into_owned().into()),
            Self::PoolTimedOut => "pool_timed_out".into(),
            Self::PoolClosed => "pool_closed".into(),
            Self::Io(_) => "io".into(),
            _ if self.is_outage() => "unavailable".into(),
            _ => "unexpected".into(),
        })
    }
}

impl Fault for Problem {
    fn kind(&self) -> Option<Cow<'static, str>> {
        self.status().is_server_error().then(|| self.status().as_str().to_owned().into())
    }
}

impl Fault for SiblingError {
    fn kind(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused { .. } => None,
            Self::Unavailable { .. } => Some("unavailable".into()),
            Self::Unreadable { .. } => Some("unreadable".into()),
        }
    }
}
