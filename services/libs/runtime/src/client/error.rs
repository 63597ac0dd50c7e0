//! How calls to siblings fail.

use std::error::Error;

use http::StatusCode;

use crate::metrics::Outcome;
use crate::problem::{Problem, ProblemDocument};

/// A call to a sibling failed.
#[derive(Debug, thiserror::Error)]
pub enum SiblingError {
    /// It can't be reached, or too slow, or out of order: try later.
    #[error("{sibling} is not available")]
    Unavailable {
        /// Who.
        sibling: &'static str,
        /// Why, where an error says so.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It understood and said no.
    #[error("{sibling} refused with {status} {}", problem.as_ref().map_or("", |p| &p.title))]
    Refused {
        /// Who.
        sibling: &'static str,
        /// With what status.
        status: StatusCode,
        /// In its own words, if it sent a problem document.
        problem: Option<Box<ProblemDocument>>,
    },
    /// It answered what was not agreed on.
    #[error("{sibling} sent an answer that can't be read")]
    Unreadable {
        /// Who.
        sibling: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl SiblingError {
    /// The kind of problem with which the sibling refused.
    pub fn slug(&self) -> Option<&str> {
        self.problem().and_then(ProblemDocument::slug)
    }

    /// The problem document with which the sibling refused.
    pub fn problem(&self) -> Option<&ProblemDocument> {
        match self {
            Self::Refused { problem, .. } => problem.as_deref(),
            Self::Unavailable { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// The status with which the sibling refused.
    pub const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unavailable { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Whether the sibling can't be reached or is too busy, rather than stumbling over this very call.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable { source, .. } if !source.is::<Broke>())
    }

    /// Whether the call may still have had, or still get, its effect: the outcome is unknown or a later attempt may succeed.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// The sibling is there, but something went wrong in it.
#[derive(Debug, thiserror::Error)]
#[error("it answered {0}")]
pub(super) struct Broke(pub(super) StatusCode);

impl From<SiblingError> for Problem {
    /// What remains of a sibling's failure when the caller has no better answer.
    fn from(error: SiblingError) -> Self {
        match &error {
            SiblingError::Unavailable { sibling, .. } => {
                let sibling = *sibling;
                Self::unavailable("dependency-unavailable", "A part of the shop can't be reached at the moment")
                    .with("dependency", sibling)
                    .caused_by(error)
            }
            SiblingError::Refused { .. } | SiblingError::Unreadable { .. } => Self::internal(error),
        }
    }
}

/// A sibling can't be called as configured.
#[derive(Debug, thiserror::Error)]
pub enum SiblingConfigError {
    /// The address is not one of HTTP.
    #[error("the address of {0} is not of the form http://host:port")]
    Url(&'static str),
    /// The token can't be sent in a header.
    #[error("the service token has signs that a header can't carry")]
    Token,
    /// The client could not be made.
    #[error("can't make an HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Why a sibling was not even asked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum NotCalled {
    #[error("the request that needs it has no time left")]
    NoTime,
    #[error("it failed several times a moment ago")]
    BreakerOpen,
}

impl Outcome {
    pub(super) fn of<T>(outcome: &Result<T, SiblingError>) -> Self {
        match outcome {
            Ok(_) => Self::Answered,
            Err(SiblingError::Refused { .. }) => Self::Refused,
            Err(SiblingError::Unreadable { .. }) => Self::Unreadable,
            Err(SiblingError::Unavailable { source, .. }) => match source.downcast_ref::<NotCalled>() {
                Some(NotCalled::NoTime) => Self::NoTime,
                Some(NotCalled::BreakerOpen) => Self::BreakerOpen,
                None => Self::Unavailable,
            },
        }
    }
}

/// Whether there was nobody to connect to, for which a call is tried again in a way of its own.
pub(super) fn is_refused(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<reqwest::Error>().is_some_and(|error| error.is_connect() && !error.is_timeout())
}

pub(super) fn is_timeout(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout)
}
