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
    /// After this share of its lifetime an entry is renewed, if it is.
    renew_after: Option<f64>,
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
            renew_after: (policy.pattern == Pattern::RefreshAhead)
                .then(|| 1.0 - policy.refresh_before.as_secs_f64() / policy.ttl.as_secs_f64()),
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

    /// When an entry with this much left is to be renewed, if it is: the same share of its life before its end as the policy says for
    /// those that live as long as they may.
    pub(crate) fn renew_in(&self, entry_fresh: Duration, left: Duration) -> Option<Duration> {
        let whole = entry_fresh.min(self.ttl);
        self.renew_after.map(|share| left.saturating_sub(whole.mul_f64(1.0 - share)))
    }

    /// What a reader will have.
    pub(crate) const fn max_age(&self) -> MaxAge {
        MaxAge { value: self.ttl, nothing: self.nothing, share: 1.0 }
    }

    /// What who renews will have: an entry that somebody else has renewed.
    pub(crate) fn max_age_of_renewed(&self) -> MaxAge {
        MaxAge { share: self.renew_after.unwrap_or(1.0), ..self.max_age() }
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

    #[test]
    fn an_entry_is_renewed_as_the_policy_says_and_a_short_lived_one_in_proportion() {
        let minute = Duration::from_secs(60);
        let policy =
            Policy { jitter_percent: 0, refresh_before: 50 * minute, ..Policy::default_of(CacheName::Bestsellers) };
        let lifetime = Lifetime::of(&policy, "1");
        assert_eq!(lifetime.renew_in(60 * minute, 60 * minute), Some(10 * minute));
        assert_eq!(lifetime.renew_in(60 * minute, 55 * minute), Some(5 * minute));
        assert_eq!(lifetime.renew_in(60 * minute, minute), Some(Duration::ZERO));
        assert_eq!(lifetime.renew_in(6 * minute, 6 * minute), Some(minute));
        assert_eq!(Lifetime::of(&Policy::default_of(CacheName::Cart), "1").renew_in(minute, minute), None);
    }
}
