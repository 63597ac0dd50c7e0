//! How each watch is, for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How a watch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchState {
    /// It was not listed completely yet.
    Listing,
    /// It was listed and is watched.
    Watching,
    /// It failed last for this reason; whether it goes on is not known until something happens.
    Failing(String),
}

#[derive(Clone, Debug)]
struct Watch {
    state: WatchState,
    /// Whether it was complete once.
    complete: bool,
}

/// How each watch is. Clones are of the same watches.
#[derive(Clone, Debug, Default)]
pub struct WatchStates {
    watches: Arc<Mutex<BTreeMap<String, Watch>>>,
}

impl WatchStates {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Watch>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All watches, by what they watch.
    pub fn all(&self) -> Vec<(String, WatchState)> {
        self.lock().iter().map(|(what, watch)| (what.clone(), watch.state.clone())).collect()
    }

    /// Whether there are watches, and all were complete once. One that fails later goes on from there by itself, and that it goes on again
    /// nobody says until something happens.
    pub fn are_well(&self) -> bool {
        let watches = self.lock();
        !watches.is_empty() && watches.values().all(|watch| watch.complete)
    }

    pub(super) fn begin(&self, what: &str) {
        self.lock().insert(what.to_owned(), Watch { state: WatchState::Listing, complete: false });
    }

    /// It is not watched any more.
    pub(super) fn end(&self, what: &str) {
        self.lock().remove(what);
    }

    pub(super) fn was_complete(&self, what: &str) -> bool {
        self.lock().get(what).is_some_and(|watch| watch.complete)
    }

    /// An event came; with `listed`, the last one of a list.
    pub(super) fn lives(&self, what: &str, listed: bool) {
        if let Some(watch) = self.lock().get_mut(what) {
            watch.complete |= listed;
            watch.state = if watch.complete { WatchState::Watching } else { WatchState::Listing };
        }
    }

    pub(super) fn failed(&self, what: &str, why: String) {
        if let Some(watch) = self.lock().get_mut(what) {
            watch.state = WatchState::Failing(why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_well_when_all_were_listed() {
        let states = WatchStates::default();
        assert!(!states.are_well(), "there are none");
        states.begin("Pod");
        states.begin("Secret");
        states.lives("Pod", true);
        assert!(!states.are_well());
        states.lives("Secret", false);
        assert!(!states.are_well());
        states.lives("Secret", true);
        assert!(states.are_well());
        states.failed("Pod", "begun too early".into());
        assert!(states.are_well(), "it goes on by itself, and is not heard of while nothing happens");
        assert!(states.all().contains(&("Pod".to_owned(), WatchState::Failing("begun too early".into()))));
        states.begin("Node");
        states.failed("Node", "forbidden".into());
        assert!(!states.are_well());
    }
}
