//! How long to wait before a Store that failed is tried again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::observed::StoreName;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(120);

/// Failures in a row of each Store.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: Mutex<HashMap<StoreName, u32>>,
    /// Stores, by name and uid, for which nothing can be done any more.
    given_up: Mutex<HashMap<StoreName, String>>,
}

impl Backoff {
    /// Counts a failure; the wait doubles with each one, and is spread so that Stores do not come back together.
    pub fn failed(&self, store: &StoreName) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(store.clone()).or_default();
        *count = count.saturating_add(1);
        delay(*count, rand::random::<f64>())
    }

    /// Forgets the failures of a Store that is well, or gone.
    pub fn succeeded(&self, store: &StoreName) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(store);
    }

    /// This incarnation of a Store is never tried again.
    pub fn give_up(&self, store: &StoreName, uid: &str) {
        self.succeeded(store);
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).insert(store.clone(), uid.to_owned());
    }

    /// Whether this incarnation of a Store was given up.
    pub fn is_given_up(&self, store: &StoreName, uid: &str) -> bool {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        given_up.get(store).is_some_and(|it| it == uid)
    }

    /// Forgets Stores that are gone.
    pub fn retain(&self, exists: impl Fn(&StoreName) -> bool) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).retain(|store, _| exists(store));
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).retain(|store, _| exists(store));
    }

    /// How many Stores are waiting for another try.
    pub fn len(&self) -> usize {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no Store is waiting for another try.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// From half to the whole of the doubled wait.
fn delay(failures: u32, random: f64) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST);
    whole.mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_are_spread() {
        assert_eq!(delay(1, 1.0), FIRST);
        assert_eq!(delay(3, 1.0), FIRST * 4);
        assert_eq!(delay(3, 0.0), FIRST * 2);
        assert_eq!(delay(100, 1.0), LONGEST);
    }

    #[test]
    fn a_store_that_was_given_up_is_so_until_another_has_its_name() {
        let backoff = Backoff::default();
        let store = StoreName { namespace: "shop".into(), name: "demo".into() };
        backoff.failed(&store);
        backoff.give_up(&store, "a");
        assert!(backoff.is_empty() && backoff.is_given_up(&store, "a") && !backoff.is_given_up(&store, "b"));
        backoff.retain(|_| false);
        assert!(!backoff.is_given_up(&store, "a"));
    }

    #[test]
    fn a_success_starts_over() {
        let backoff = Backoff::default();
        let store = StoreName { namespace: "shop".into(), name: "demo".into() };
        for _ in 0..5 {
            backoff.failed(&store);
        }
        backoff.succeeded(&store);
        assert!(backoff.is_empty());
        assert!(backoff.failed(&store) <= FIRST);
    }
}
