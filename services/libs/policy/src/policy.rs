//! How one cache behaves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CacheName, span};

/// How a cache is filled and kept fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// Filled when read, dropped when written.
    CacheAside,
    /// Filled when read; a write puts the new value there, after its commit.
    WriteThrough,
    /// As cache-aside, and renewed in the background before its end, by one pod for all.
    RefreshAhead,
    /// Filled when read; dropped by the event that each change commits, on every pod.
    EventInvalidated,
    /// Not cached.
    None,
}

/// The tier in the memory of each pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalTier {
    /// How long an entry may be served from a pod's memory, which is also how stale it can be while a pod does not hear of
    /// invalidations.
    #[serde(with = "span")]
    pub ttl: Duration,
    /// How many entries a pod keeps.
    pub max_entries: u32,
}

/// How one cache behaves; every value is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// How the cache is filled and kept fresh.
    pub pattern: Pattern,
    /// How long an entry is fresh.
    #[serde(with = "span")]
    pub ttl: Duration,
    /// With [`Pattern::RefreshAhead`]: how long before its end an entry is renewed. Zero otherwise.
    #[serde(with = "span")]
    pub refresh_before: Duration,
    /// Lifetimes are shortened by up to this much, so that entries do not all end at once.
    pub jitter_percent: u8,
    /// How long beyond its end an entry may be served while its source fails or is slow.
    #[serde(with = "span")]
    pub stale_if_error: Duration,
    /// How long it is remembered that there is nothing under a key. Zero: not at all.
    #[serde(with = "span")]
    pub negative_ttl: Duration,
    /// How long a reader waits for a load when there is a stale entry that it could have instead.
    #[serde(with = "span")]
    pub soft_timeout: Duration,
    /// How long a load may take.
    #[serde(with = "span")]
    pub hard_timeout: Duration,
    /// The tier in the memory of each pod; none: every read goes to Redis.
    pub local: Option<LocalTier>,
}

/// A policy contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// A lifetime of nothing.
    #[error("ttl must be more than nothing: write for example 10m, or pattern: None to turn the cache off")]
    NoTtl,
    /// Refreshed before it is there.
    #[error("refreshBefore must be shorter than ttl: write for example ttl: 1h and refreshBefore: 10m")]
    RefreshBeyondTtl,
    /// A refresh point that nothing uses.
    #[error(
        "refreshBefore is only used by pattern RefreshAhead: write pattern: RefreshAhead or leave refreshBefore out"
    )]
    UnusedRefresh,
    /// More jitter than makes sense.
    #[error("jitterPercent must not be more than 50")]
    TooMuchJitter,
    /// A load that may not take any time.
    #[error("hardTimeout must be more than nothing and not shorter than softTimeout")]
    Timeouts,
    /// A tier for nothing.
    #[error("local needs a maxEntries of 1 or more: leave local.ttl at 0s to do without the tier")]
    NoLocalEntries,
    /// Longer than anything that is cached here.
    #[error("ttl and staleIfError together must not be longer than 365 days")]
    TooLong,
}

/// Longest time that an entry may exist.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Policy {
    /// The policy of a cache of which a Store says nothing.
    pub fn default_of(cache: CacheName) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let (pattern, ttl) = match cache {
            CacheName::Bestsellers => (Pattern::RefreshAhead, minutes(60)),
            CacheName::Recommendations => (Pattern::CacheAside, minutes(60)),
            CacheName::FlashSales => (Pattern::EventInvalidated, minutes(5)),
            CacheName::TopComments => (Pattern::CacheAside, minutes(120)),
            CacheName::Products => (Pattern::CacheAside, minutes(10)),
            CacheName::UserProfile => (Pattern::WriteThrough, minutes(30)),
            CacheName::Cart => (Pattern::WriteThrough, minutes(10)),
        };
        // Who changes a cart or a profile wants to see it at once, whichever pod answers, so those are not kept in pods.
        let local = (pattern != Pattern::WriteThrough)
            .then_some(LocalTier { ttl: Duration::from_secs(5), max_entries: 10_000 });
        Self {
            pattern,
            ttl,
            refresh_before: if pattern == Pattern::RefreshAhead { minutes(10) } else { Duration::ZERO },
            jitter_percent: 5,
            stale_if_error: match cache {
                CacheName::Bestsellers | CacheName::Recommendations | CacheName::TopComments => minutes(24 * 60),
                CacheName::Products => minutes(60),
                CacheName::FlashSales | CacheName::UserProfile | CacheName::Cart => Duration::ZERO,
            },
            negative_ttl: Duration::from_secs(5),
            soft_timeout: Duration::from_millis(500),
            hard_timeout: Duration::from_secs(5),
            local,
        }
    }

    /// The tier in the memory of each pod, if it keeps anything for any time.
    pub fn local_tier(&self) -> Option<LocalTier> {
        self.local.filter(|local| !local.ttl.is_zero())
    }

    /// Whether the policy makes sense.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        if self.ttl.is_zero() {
            return Err(InvalidPolicy::NoTtl);
        }
        if self.ttl.saturating_add(self.stale_if_error) > LONGEST {
            return Err(InvalidPolicy::TooLong);
        }
        if self.refresh_before >= self.ttl {
            return Err(InvalidPolicy::RefreshBeyondTtl);
        }
        if !self.refresh_before.is_zero() && self.pattern != Pattern::RefreshAhead {
            return Err(InvalidPolicy::UnusedRefresh);
        }
        if self.jitter_percent > 50 {
            return Err(InvalidPolicy::TooMuchJitter);
        }
        if self.hard_timeout.is_zero() || self.hard_timeout < self.soft_timeout {
            return Err(InvalidPolicy::Timeouts);
        }
        if self.local_tier().is_some_and(|local| local.max_entries == 0) {
            return Err(InvalidPolicy::NoLocalEntries);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_makes_sense() {
        for cache in CacheName::all() {
            assert_eq!(Policy::default_of(cache).check(), Ok(()), "{cache}");
        }
    }

    #[test]
    fn a_policy_that_contradicts_itself_is_refused_with_what_to_write_instead() {
        let good = Policy::default_of(CacheName::Bestsellers);
        let bad = [
            (Policy { ttl: Duration::ZERO, ..good.clone() }, InvalidPolicy::NoTtl),
            (Policy { refresh_before: good.ttl, ..good.clone() }, InvalidPolicy::RefreshBeyondTtl),
            (Policy { pattern: Pattern::CacheAside, ..good.clone() }, InvalidPolicy::UnusedRefresh),
            (Policy { jitter_percent: 51, ..good.clone() }, InvalidPolicy::TooMuchJitter),
            (Policy { hard_timeout: Duration::ZERO, ..good.clone() }, InvalidPolicy::Timeouts),
            (Policy { ttl: LONGEST * 2, ..good.clone() }, InvalidPolicy::TooLong),
            (
                Policy { local: Some(LocalTier { ttl: good.ttl, max_entries: 0 }), ..good.clone() },
                InvalidPolicy::NoLocalEntries,
            ),
        ];
        for (policy, error) in bad {
            assert_eq!(policy.check(), Err(error));
        }
    }
}
