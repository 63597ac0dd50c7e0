//! How long an entry lives under the policy of this moment.

use std::time::Duration;

use shop_policy::{Pattern, Policy};

use crate::hash;
use crate::remote::{MaxAge, RemoteEntry};

/// The lifetimes of one key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// How long a value is fresh.
    pub(crate) ttl: Duration,
    /// How long it is remembered that there is nothing.
    pub(crate) nothing: Duration,
    stale: Duration,
    refresh_before: Option<Duration>,
}

impl Lifetime {
    /// Of this key. The share that jitter takes off depends on the key alone, so that all pods agree about it and keys that were stored
    /// together do not end together.
    pub(crate) fn of(policy: &Policy, key: &str) -> Self {
        let share = hash::stable(key) % (u64::from(policy.jitter_percent) * 10 + 1);
        #[expect(clippy::cast_possible_truncation, reason = "at most 500")]
        let ttl = policy.ttl * (1000 - share as u32) / 1000;
        Self {
            ttl,
            nothing: policy.negative_ttl.min(ttl),
            stale: policy.stale_if_error,
            refresh_before: (policy.pattern == Pattern::RefreshAhead).then_some(policy.refresh_before.min(ttl / 2)),
        }
    }

    /// How long a new value is fresh and then stale, if it says itself that it ends sooner. What says when it ends is never served later.
    pub(crate) fn for_value(&self, at_most: Option<Duration>) -> (Duration, Duration) {
        match at_most {
            Some(at_most) if at_most < self.ttl => (at_most, Duration::ZERO),
            Some(at_most) => (self.ttl, self.stale.min(at_most.saturating_sub(self.ttl))),
            None => (self.ttl, self.stale),
        }
    }

    /// What is left of an entry's time, or for how long it has been over.
    pub(crate) fn left(&self, entry: &RemoteEntry) -> Result<Duration, Duration> {
        let total = entry.fresh.min(if entry.json().is_some() { self.ttl } else { self.nothing });
        total.checked_sub(entry.age).filter(|left| !left.is_zero()).ok_or(entry.age.saturating_sub(total))
    }

    /// Whether an entry may be served so long after its end, if nothing better is to be had.
    pub(crate) fn allows_stale(&self, entry: &RemoteEntry, over: Duration) -> bool {
        entry.json().is_some() && over <= self.stale.min(entry.stale)
    }

    /// How long an entry may be served after its end.
    pub(crate) const fn stale(&self) -> Duration {
        self.stale
    }

    /// How long before its end an entry is to be renewed.
    pub(crate) const fn refresh_before(&self) -> Option<Duration> {
        self.refresh_before
    }

    /// What a reader will have.
    pub(crate) const fn max_age(&self) -> MaxAge {
        MaxAge { value: self.ttl, nothing: self.nothing }
    }

    /// What who renews will have: an entry that somebody else has renewed.
    pub(crate) fn max_age_of_renewed(&self) -> MaxAge {
        let age = self.ttl.saturating_sub(self.refresh_before.unwrap_or_default());
        MaxAge { value: age, nothing: self.nothing.min(age) }
    }
}

#[cfg(test)]
mod tests {
    use shop_policy::CacheName;

    use super::*;

    #[test]
    fn jitter_shortens_lifetimes_by_no_more_than_it_may_and_not_all_alike() {
        let policy = Policy { jitter_percent: 10, ..Policy::default_of(CacheName::Products) };
        let ttls: Vec<_> = (0..1000).map(|key| Lifetime::of(&policy, &key.to_string()).ttl).collect();
        assert!(ttls.iter().all(|ttl| *ttl <= policy.ttl && *ttl >= policy.ttl * 9 / 10));
        assert!(ttls.iter().collect::<std::collections::HashSet<_>>().len() > 50);
    }

    #[test]
    fn a_value_that_ends_soon_is_never_served_beyond_its_end() {
        let policy = Policy { jitter_percent: 0, ..Policy::default_of(CacheName::Products) };
        let lifetime = Lifetime::of(&policy, "1");
        let minute = Duration::from_secs(60);
        assert_eq!(lifetime.for_value(Some(minute)), (minute, Duration::ZERO));
        assert_eq!(lifetime.for_value(Some(policy.ttl + minute)), (policy.ttl, minute));
        assert_eq!(lifetime.for_value(None), (policy.ttl, policy.stale_if_error));
    }
}
