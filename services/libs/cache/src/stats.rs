//! What a pod knows of its caches, for people and for the operator.

use serde::Serialize;
use shop_policy::{CacheName, Policy};
use tokio::time::Instant;

use crate::ghost::LADDER;
use crate::side::Side;

/// What a pod knows of one cache, since it started unless said otherwise.
#[derive(Clone, Debug, Serialize)]
pub struct CacheStats {
    /// The cache.
    pub name: CacheName,
    /// The policy in force.
    pub policy: Policy,
    /// Answers from the memory of this pod.
    pub local_hits: u64,
    /// Answers from Redis.
    pub redis_hits: u64,
    /// Answers that had to be loaded.
    pub misses: u64,
    /// The share of answers that were not loaded; none before the first.
    pub hit_ratio: Option<f64>,
    /// Loads from the source.
    pub loads: u64,
    /// Misses that shared another's load.
    pub coalesced: u64,
    /// Answers whose time was over.
    pub stale_served: u64,
    /// Entries in memory, about.
    pub entries_in_memory: u64,
    /// What the hit ratio would be with other lifetimes, from the last minutes of a sample of the keys.
    pub predicted: Prediction,
}

/// Hit ratio as a function of the lifetime.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// Keys in the sample.
    pub keys: usize,
    /// The share of all keys that is in the sample.
    pub sampled: f64,
    /// The hit ratio with the policy's own lifetime; none before there was anything to see.
    pub at_ttl: Option<f64>,
    /// From the shortest lifetime to the longest; empty before there was anything to see.
    pub curve: Vec<Predicted>,
}

/// One lifetime's hit ratio.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Predicted {
    /// The lifetime.
    pub ttl_seconds: f64,
    /// The hit ratio.
    pub hit_ratio: f64,
}

impl CacheStats {
    pub(crate) fn of(side: &Side, policy: &Policy, entries_in_memory: u64) -> Self {
        let counters = &side.counters;
        let (local_hits, redis_hits) = (counters.local_hits.get(), counters.redis_hits.get());
        let misses = counters.misses.get();
        let answers = local_hits + redis_hits + misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let hit_ratio = (answers > 0).then(|| (local_hits + redis_hits) as f64 / answers as f64);
        let curve = side.ghosts.curve(Instant::now());
        let at_ttl = curve.hit_ratio_at(policy.ttl);
        let points = curve.ratios.map(|ratios| LADDER.into_iter().zip(ratios)).into_iter().flatten();
        let points = points.map(|(ttl, hit_ratio)| Predicted { ttl_seconds: ttl.as_secs_f64(), hit_ratio });
        Self {
            name: side.cache,
            policy: policy.clone(),
            local_hits,
            redis_hits,
            misses,
            hit_ratio,
            loads: counters.loads(),
            coalesced: counters.coalesced.get(),
            stale_served: counters.stale.get(),
            entries_in_memory,
            predicted: Prediction { keys: curve.keys, sampled: curve.rate, at_ttl, curve: points.collect() },
        }
    }
}
