//! What can go wrong with a Store.

use kube::core::Status;
use shopkeeper_plan::{InvalidStore, InvalidUrl, Unplannable};
use strum::{IntoStaticStr, VariantNames};

use crate::{kind::ChildRef, lease::TermOver};

/// Why a reconcile did not come to its end. The variant's name is the reason in conditions, events and metrics.
#[derive(Debug, thiserror::Error, IntoStaticStr, VariantNames)]
pub enum Error {
    /// The spec contradicts itself.
    #[error("{0}")]
    InvalidSpec(#[from] InvalidStore),
    /// A Secret that the Store names is not there.
    #[error("Secret {name} is not there: make it, with the key {key}")]
    SecretMissing {
        /// Its name.
        name: String,
        /// The key that is looked for.
        key: String,
    },
    /// A Secret is there, but its content cannot be used.
    #[error("Secret {name}, key {key}: {problem}")]
    SecretUnusable {
        /// Its name.
        name: String,
        /// The key.
        key: String,
        /// What is wrong with it; never the value.
        problem: String,
    },
    /// The URL in a referenced Secret cannot be used.
    #[error("{0}")]
    UrlUnusable(#[from] InvalidUrl),
    /// A Secret could not be read or made.
    #[error("Secret {name} could not be read or made: {source}")]
    SecretAccess {
        /// Its name.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// A ConfigMap that the Store brings into pods could not be read.
    #[error("ConfigMap {name} could not be read: {source}")]
    ConfigMapAccess {
        /// Its name.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// A child could not be applied.
    #[error("{child} could not be applied: {source}")]
    ApplyFailed {
        /// The child.
        child: ChildRef,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// A child that is not wanted any more could not be deleted.
    #[error("{child} could not be deleted: {source}")]
    DeleteFailed {
        /// The child.
        child: ChildRef,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// A child could not be written as JSON.
    #[error("{child} could not be written: {source}")]
    Unwritable {
        /// The child.
        child: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// The status could not be written.
    #[error("the status could not be written: {0}")]
    StatusFailed(#[source] Box<kube::Error>),
    /// This replica may not write, or not any more: another one does it, or will.
    #[error("{0}")]
    NotLeading(#[from] TermOver),
    /// A defect of the operator.
    #[error("a defect of the operator: {0}")]
    Panicked(String),
    /// It took too long.
    #[error("it took longer than {0:?}")]
    TimedOut(std::time::Duration),
}

impl From<Unplannable> for Error {
    fn from(error: Unplannable) -> Self {
        match error {
            Unplannable::Url(error) => Self::UrlUnusable(error),
            Unplannable::Store(error) => Self::InvalidSpec(error),
        }
    }
}

impl Error {
    /// The stable word for this error.
    pub fn reason(&self) -> &'static str {
        match self.refusal() {
            Some(answer) if answer.message.contains("exceeded quota") => "QuotaExceeded",
            Some(answer) if namespace_goes(answer) => "NamespaceTerminating",
            _ => self.into(),
        }
    }

    /// Whether the namespace is about to go, so that nothing can be made in it any more and nothing need be.
    pub fn is_namespace_going(&self) -> bool {
        self.refusal().is_some_and(namespace_goes)
    }

    /// What the API server said, if it was that.
    fn refusal(&self) -> Option<&Status> {
        match self {
            Self::SecretAccess { source, .. }
            | Self::ConfigMapAccess { source, .. }
            | Self::ApplyFailed { source, .. }
            | Self::DeleteFailed { source, .. }
            | Self::StatusFailed(source) => match source.as_ref() {
                kube::Error::Api(answer) => Some(answer),
                _ => None,
            },
            _ => None,
        }
    }

    /// What went wrong, which is nothing more than that this replica may not write, if that is at the bottom of it.
    #[must_use]
    pub fn or_not_leading(self) -> Self {
        let mut cause: Option<&dyn std::error::Error> = Some(&self);
        while let Some(error) = cause {
            if let Some(over) = error.downcast_ref::<TermOver>() {
                return Self::NotLeading(*over);
            }
            cause = error.source();
        }
        self
    }

    /// Whether only a change of the Store or of what it names can help, so that trying again soon is of no use.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::InvalidSpec(_))
    }
}

fn namespace_goes(answer: &Status) -> bool {
    let causes = answer.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_was_refused_here_is_told_from_one_that_failed_there() {
        let failed = |source: kube::Error| Error::StatusFailed(Box::new(source)).or_not_leading().reason();
        assert_eq!(failed(kube::Error::Service(TermOver.into())), "NotLeading");
        assert_eq!(failed(kube::Error::Service("connection refused".into())), "StatusFailed");
    }
}
