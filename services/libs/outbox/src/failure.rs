//! Why an event did not arrive, and whether that is likely to change.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use http::StatusCode;
use shop_runtime::Chain;
use shop_runtime::client::SiblingError;
use shop_runtime::span::Fault;

/// Why an event did not arrive.
#[derive(Debug)]
pub struct DeliveryError {
    failure: Failure,
    source: Box<dyn Error + Send + Sync>,
}

/// What a failure says of the attempts to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The receiver has understood the event and does not want it; it will not want it tomorrow either.
    Refused,
    /// The receiver is not there, or too busy. That is not the event's fault, so it waits however long it takes.
    Away,
    /// Something else, of which more attempts may or may not be the cure.
    Failed,
}

impl Failure {
    /// In a word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Away => "away",
            Self::Failed => "failed",
        }
    }
}

impl DeliveryError {
    /// What it says of the attempts to come.
    pub const fn failure(&self) -> Failure {
        self.failure
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for DeliveryError {
    fn from(error: E) -> Self {
        let source = error.into();
        let failure = source.downcast_ref::<SiblingError>().map_or(Failure::Failed, failure_of);
        Self { failure, source }
    }
}

fn failure_of(error: &SiblingError) -> Failure {
    match error {
        SiblingError::Refused { status, .. } => refusal(*status),
        SiblingError::Unavailable { .. } if error.is_away() => Failure::Away,
        SiblingError::Unavailable { .. } | SiblingError::Unreadable { .. } => Failure::Failed,
    }
}

/// Which refusals are for good. Not those that speak of the two sides rather than of the event: while a new version is rolled out, or a
/// secret changes, a receiver may not know the route or the caller yet.
fn refusal(status: StatusCode) -> Failure {
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => Failure::Failed,
        _ => Failure::Refused,
    }
}

impl Fault for DeliveryError {
    /// Also a refusal is one here: the event does not arrive.
    fn kind(&self) -> Option<Cow<'static, str>> {
        Some(self.failure.as_str().into())
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Chain(&*self.source).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_event_itself_is_for_good() {
        let refused = |status| {
            let status = StatusCode::from_u16(status).expect("a status");
            DeliveryError::from(SiblingError::Refused { sibling: "user", status, problem: None }).failure()
        };
        for status in [400, 409, 410, 413, 415, 422] {
            assert_eq!(refused(status), Failure::Refused, "{status}");
        }
        for status in [401, 403, 404, 405, 408, 425, 429] {
            assert_eq!(refused(status), Failure::Failed, "{status}");
        }
        assert_eq!(DeliveryError::from("nobody at home").failure(), Failure::Failed);
    }
}
