//! What should be known of a Store as a whole.

use shopkeeper_api::StoreStatus;

use super::{is_current, is_going};
use crate::seen::Seen;

/// Something that should be known of a Store as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// It is being deleted.
    Going,
    /// The operator has said nothing of it.
    Unseen,
    /// What the operator says is of an older spec.
    Outdated { observed: Option<i64>, generation: i64 },
    /// The operator leaves it alone.
    Paused,
    /// Nothing of it is to run.
    Suspended(Rest),
}

/// How far a Store is of which nothing is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The operator sees to it.
    Seen,
    /// It rests, and was paused then.
    ThenPaused,
    /// It was paused before, and runs on.
    AfterPause,
}

impl Note {
    /// All that there is to know.
    pub(super) fn all(store: &Seen, status: Option<&StoreStatus>) -> Vec<Self> {
        let mut notes = Vec::new();
        if is_going(store) {
            notes.push(Self::Going);
        }
        let observed = status.and_then(|status| status.observed_generation);
        match (status, store.0.metadata.generation) {
            (None, _) => notes.push(Self::Unseen),
            (Some(_), Some(generation)) if !is_current(store, observed) => {
                notes.push(Self::Outdated { observed, generation });
            }
            _ => {}
        }
        if store.is_paused() {
            notes.push(Self::Paused);
        }
        if store.is_suspended() {
            notes.push(Self::Suspended(rest(store, status)));
        }
        notes
    }

    /// In a few words.
    pub(super) const fn short(&self) -> &'static str {
        match self {
            Self::Going => "Terminating",
            Self::Unseen => "not looked at yet",
            Self::Outdated { .. } => "of an older spec",
            Self::Paused => "paused",
            Self::Suspended(Rest::Seen | Rest::ThenPaused) => "suspended",
            Self::Suspended(Rest::AfterPause) => "to be suspended",
        }
    }

    /// As a sentence, with what to do.
    pub(super) fn text(&self, store: &str) -> String {
        match self {
            Self::Going => "it is being deleted".to_owned(),
            Self::Unseen => "the operator has not looked at it yet: does it run (`kubectl get pods --all-namespaces --selector \
                             app.kubernetes.io/name=shopkeeper`), and for this namespace (watchNamespaces of its chart)?"
                .to_owned(),
            Self::Outdated { observed, generation } => format!(
                "what follows is of generation {} of its spec, and the operator has not looked at generation {generation} yet",
                observed.map_or("none".to_owned(), |observed| observed.to_string())
            ),
            Self::Paused => format!(
                "it is paused, so changes wait, and nothing is repaired: `kubectl shopkeeper resume {store}` ends that"
            ),
            Self::Suspended(Rest::Seen) => {
                format!("it is suspended: `kubectl shopkeeper wake {store}` lets it run again")
            }
            Self::Suspended(Rest::ThenPaused) => {
                format!("it is suspended: `kubectl shopkeeper wake {store}` lets it run again, once it is resumed")
            }
            Self::Suspended(Rest::AfterPause) => format!(
                "it is to be suspended, which waits until it is resumed: `kubectl shopkeeper wake {store}` takes that back"
            ),
        }
    }
}

fn rest(store: &Seen, status: Option<&StoreStatus>) -> Rest {
    // A shop that rests wants no pods.
    let runs = status.is_some_and(|status| status.services.iter().any(|service| service.desired > 0));
    match (store.is_paused(), runs) {
        (false, _) => Rest::Seen,
        (true, false) => Rest::ThenPaused,
        (true, true) => Rest::AfterPause,
    }
}
