//! Entries that are renewed before their end, in the background, by whichever pod gets the lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shop_policy::Pattern;
use tokio::time::Instant;

use crate::cache::Inner;
use crate::lifetime::Lifetime;
use crate::load::Job;
use crate::{CacheStats, Source};

/// So many keys are renewed in the background at most; others only when they are read after their refresh point.
const MAX_KEYS: usize = 1024;

/// When a renewal is tried again that did not succeed.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The keys that were read lately, and when each is to be renewed.
#[derive(Debug)]
pub(crate) struct Tracked<K>(Mutex<HashMap<String, Due<K>>>);

#[derive(Debug)]
struct Due<K> {
    key: K,
    renew_at: Instant,
    read_at: Instant,
}

impl<K> Default for Tracked<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone> Tracked<K> {
    /// A key was read, and is to be renewed then.
    pub(crate) fn seen(&self, key: &K, text: &str, renew_at: Instant) {
        let mut keys = self.keys();
        let now = Instant::now();
        if let Some(due) = keys.get_mut(text) {
            (due.renew_at, due.read_at) = (renew_at, now);
        } else if keys.len() < MAX_KEYS {
            keys.insert(text.to_owned(), Due { key: key.clone(), renew_at, read_at: now });
        }
    }

    /// A key was renewed, and is to be renewed again then, if anyone still reads it.
    pub(crate) fn renewed(&self, text: &str, renew_at: Instant) {
        if let Some(due) = self.keys().get_mut(text) {
            due.renew_at = renew_at;
        }
    }

    /// Those that are due. They are due again after a moment, unless they are renewed meanwhile. Keys that nobody reads are forgotten.
    fn take_due(&self, now: Instant, unread_for: Duration) -> Vec<K> {
        let mut keys = self.keys();
        keys.retain(|_, due| now.saturating_duration_since(due.read_at) < unread_for);
        let due = keys.values_mut().filter(|due| due.renew_at <= now);
        due.map(|due| {
            due.renew_at = now + TRY_AGAIN;
            due.key.clone()
        })
        .collect()
    }

    fn clear(&self) {
        self.keys().clear();
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, Due<K>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cache, whatever the type of its values.
pub(crate) trait Tended: std::fmt::Debug + Send + Sync {
    /// Renews what is due.
    fn renew_due(self: Arc<Self>, now: Instant);

    /// What this pod knows of it.
    fn stats(&self) -> CacheStats;
}

impl<S: Source> Tended for Inner<S> {
    fn renew_due(self: Arc<Self>, now: Instant) {
        let policy = self.shared.policies.get(S::NAME);
        if policy.pattern != Pattern::RefreshAhead {
            return self.tracked.clear();
        }
        for key in self.tracked.take_due(now, policy.ttl) {
            self.refresh(key);
        }
    }

    fn stats(&self) -> CacheStats {
        CacheStats::of(&self.side, &self.shared.policies.get(S::NAME), self.local.len())
    }
}

impl<S: Source> Inner<S> {
    /// Renews an entry in the background, unless somebody has or is at it.
    pub(crate) fn refresh(self: &Arc<Self>, key: S::Key) {
        let policy = self.shared.policies.get(S::NAME);
        let text = key.to_string();
        if self.resting.contains_key(&text) {
            return;
        }
        let lifetime = Lifetime::of(&policy, &text);
        let keys = self.remote.keys(S::NAME, S::SCHEMA, &text);
        let max_age = lifetime.max_age_of_renewed();
        self.start_or_join(Job { key, text, keys, policy, lifetime, max_age, renews: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_due_once_and_forgotten_when_nobody_reads_it() {
        let tracked = Tracked::default();
        let minute = Duration::from_secs(60);
        tracked.seen(&1, "1", Instant::now() + minute);
        assert!(tracked.take_due(Instant::now(), minute * 60).is_empty());
        tokio::time::advance(minute).await;
        assert_eq!(tracked.take_due(Instant::now(), minute * 60), [1]);
        assert!(tracked.take_due(Instant::now(), minute * 60).is_empty(), "it is being renewed");
        tracked.renewed("1", Instant::now() + minute);
        tokio::time::advance(minute).await;
        assert!(tracked.take_due(Instant::now(), minute).is_empty(), "nobody has read it for too long");
        assert!(tracked.keys().is_empty());
    }

    #[test]
    fn no_more_keys_are_tracked_than_there_is_room_for() {
        let tracked = Tracked::default();
        for key in 0..2 * MAX_KEYS {
            tracked.seen(&key, &key.to_string(), Instant::now());
        }
        assert_eq!(tracked.keys().len(), MAX_KEYS);
    }
}
