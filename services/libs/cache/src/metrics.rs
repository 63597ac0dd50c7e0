//! What the caches of a service count.

mod saved;

use std::time::Duration;

use prometheus::{CounterVec, GaugeVec, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use shop_policy::{CacheName, Pattern, Policy};
use shop_runtime::metrics::{TracedHistogram, TracedHistograms};
use shop_runtime::trace::TraceContext;

use self::saved::Saved;
use crate::Reason;

/// Seconds, from a row that was in the database's memory to the default hard timeout.
const LOAD_BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadOutcome {
    /// There is a value.
    Found,
    /// There is nothing under the key.
    Nothing,
    /// The source failed.
    Failed,
    /// It took longer than the hard timeout.
    TimedOut,
    /// It panicked.
    Panicked,
}

impl LoadOutcome {
    /// As a label.
    pub(crate) const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    const ALL: [(Self, &str); 5] = [
        (Self::Found, "found"),
        (Self::Nothing, "nothing"),
        (Self::Failed, "failed"),
        (Self::TimedOut, "timed_out"),
        (Self::Panicked, "panicked"),
    ];
}

/// Why a loaded value was not put into Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The lease was gone.
    Late,
    /// Something that it depends on was invalidated.
    Overtaken,
    /// Writes of the key overlapped.
    Dropped,
    /// Redis did not take it.
    Redis,
}

impl Refusal {
    const ALL: [(Self, &str); 4] =
        [(Self::Late, "late"), (Self::Overtaken, "overtaken"), (Self::Dropped, "dropped"), (Self::Redis, "redis")];
}

/// The metrics of all caches of a service.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    hits: IntCounterVec,
    misses: IntCounterVec,
    stale: IntCounterVec,
    coalesced: IntCounterVec,
    refreshes: IntCounterVec,
    loads: IntCounterVec,
    load_seconds: TracedHistograms,
    saved: CounterVec,
    ttl: GaugeVec,
    ttl_asked: GaugeVec,
    refused: IntCounterVec,
    invalidations: IntCounterVec,
    undecodable: IntCounterVec,
    /// The generation of the policies in force.
    pub(crate) generation: IntGauge,
    /// Whether invalidations of other pods are heard.
    pub(crate) subscribed: IntGauge,
    /// Invalidations that Redis has still to be told of.
    pub(crate) waiting: IntGauge,
}

/// The metrics of one cache, looked up once.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    /// Answers from the memory of this pod.
    pub(crate) local_hits: IntCounter,
    /// Answers from Redis.
    pub(crate) redis_hits: IntCounter,
    /// Answers that had to be loaded.
    pub(crate) misses: IntCounter,
    /// Answers whose time was over.
    pub(crate) stale: IntCounter,
    /// Answers from a load that another call had begun.
    pub(crate) coalesced: IntCounter,
    /// Loads before the end of an entry.
    pub(crate) refreshes: IntCounter,
    /// Entries in Redis that are not what they should be.
    pub(crate) undecodable: IntCounter,
    load_seconds: TracedHistogram,
    saved: Saved,
    loads: [IntCounter; 5],
    refused: [IntCounter; 4],
    invalidations: [IntCounter; 6],
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let load_seconds = TracedHistograms::new(
            HistogramOpts::new("cache_load_duration_seconds", "Time to load a value from its source")
                .buckets(LOAD_BUCKETS.to_vec()),
            &["cache"],
        )?;
        registry.register(Box::new(load_seconds.clone()))?;
        let saved = CounterVec::new(
            Opts::new("cache_time_saved_seconds_total", "Time that hits would have taken had they been loads"),
            &["cache"],
        )?;
        registry.register(Box::new(saved.clone()))?;
        let lifetimes = |name: &str, help: &str| -> Result<GaugeVec, prometheus::Error> {
            let lifetimes = GaugeVec::new(Opts::new(name, help), &["cache"])?;
            registry.register(Box::new(lifetimes.clone()))?;
            Ok(lifetimes)
        };
        Ok(Self {
            hits: counters("cache_hits_total", "Answers from a cache, by tier (local, redis)", &["cache", "tier"])?,
            misses: counters("cache_misses_total", "Answers that had to be loaded", &["cache"])?,
            stale: counters(
                "cache_stale_served_total",
                "Answers whose time was over, since their source failed or was slow",
                &["cache"],
            )?,
            coalesced: counters(
                "cache_coalesced_total",
                "Answers from a load that another call had begun",
                &["cache"],
            )?,
            refreshes: counters("cache_refreshes_total", "Loads before the end of an entry", &["cache"])?,
            loads: counters("cache_loads_total", "Loads from the source, by outcome", &["cache", "outcome"])?,
            load_seconds,
            saved,
            ttl: lifetimes("cache_ttl_seconds", "How long values are kept, by the policy in force; 0 if they are not")?,
            ttl_asked: lifetimes("cache_ttl_asked_seconds", "How long values are to be kept, as the policy asks")?,
            refused: counters(
                "cache_fills_refused_total",
                "Loaded or written values that were not stored since something newer may be there, by cause",
                &["cache", "cause"],
            )?,
            invalidations: counters("cache_invalidations_total", "Invalidations, by reason", &["cache", "reason"])?,
            undecodable: counters(
                "cache_undecodable_total",
                "Entries in Redis that are not of the type they should be",
                &["cache"],
            )?,
            generation: gauge("cache_policy_generation", "Generation of the cache policies in force")?,
            subscribed: gauge(
                "cache_subscribed",
                "Whether this pod hears of the invalidations of others (1) or not (0)",
            )?,
            waiting: gauge("cache_invalidations_waiting", "Invalidations that Redis has still to be told of")?,
        })
    }

    /// The metrics of a cache; every series is there from the start, so that a rate never begins with a gap.
    pub(crate) fn of(&self, cache: CacheName) -> Counters {
        let cache = cache.as_str();
        let one = |counters: &IntCounterVec| counters.with_label_values(&[cache]);
        let labelled = |counters: &IntCounterVec, label: &str| counters.with_label_values(&[cache, label]);
        Counters {
            local_hits: labelled(&self.hits, "local"),
            redis_hits: labelled(&self.hits, "redis"),
            misses: one(&self.misses),
            stale: one(&self.stale),
            coalesced: one(&self.coalesced),
            refreshes: one(&self.refreshes),
            undecodable: one(&self.undecodable),
            load_seconds: self.load_seconds.of(&[cache]),
            saved: Saved::new(self.saved.with_label_values(&[cache])),
            loads: LoadOutcome::ALL.map(|(_, label)| labelled(&self.loads, label)),
            refused: Refusal::ALL.map(|(_, label)| labelled(&self.refused, label)),
            invalidations: Reason::ALL.map(|reason| labelled(&self.invalidations, reason.as_str())),
        }
    }
}

impl Metrics {
    /// The policy of a cache that has come into force.
    pub(crate) fn policy(&self, cache: CacheName, policy: &Policy) {
        let asked = policy.ttl.as_secs_f64();
        let kept = if policy.pattern == Pattern::None { 0.0 } else { asked };
        self.ttl.with_label_values(&[cache.as_str()]).set(kept);
        self.ttl_asked.with_label_values(&[cache.as_str()]).set(asked);
    }
}

impl Counters {
    /// An answer came from the memory of this pod.
    pub(crate) fn hit_local(&self) {
        self.local_hits.inc();
        self.saved.hit();
    }

    /// An answer came from Redis.
    pub(crate) fn hit_redis(&self) {
        self.redis_hits.inc();
        self.saved.hit();
    }

    /// A load has ended.
    pub(crate) fn loaded(&self, outcome: LoadOutcome, took: Duration, trace: Option<TraceContext>) {
        self.loads[outcome as usize].inc();
        self.load_seconds.observe(took, trace);
        // One that came to nothing says how long it takes to fail, and not what a hit has saved.
        if matches!(outcome, LoadOutcome::Found | LoadOutcome::Nothing) {
            self.saved.loaded(took);
        }
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused[refusal as usize].inc();
    }

    pub(crate) fn invalidated(&self, reason: Reason) {
        self.invalidations[reason as usize].inc();
    }

    /// How many loads there were, whatever came of them.
    pub(crate) fn loads(&self) -> u64 {
        self.loads.iter().map(IntCounter::get).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hit_saves_is_known_from_the_loads_that_came_to_something() {
        let metrics = Metrics::register(&Registry::new()).expect("a fresh registry");
        let (cache, ended) = (CacheName::Products, Duration::from_secs);
        let (counters, saved) = (metrics.of(cache), metrics.saved.with_label_values(&[cache.as_str()]));
        counters.loaded(LoadOutcome::TimedOut, ended(60), None);
        counters.hit_local();
        assert!(saved.get() < 1e-9, "nothing has told yet what a load takes");
        counters.loaded(LoadOutcome::Found, ended(1), None);
        counters.loaded(LoadOutcome::Nothing, ended(3), None);
        for outcome in [LoadOutcome::Failed, LoadOutcome::TimedOut, LoadOutcome::Panicked] {
            counters.loaded(outcome, ended(60), None);
        }
        counters.hit_redis();
        assert!((saved.get() - 2.0).abs() < 1e-9, "{}", saved.get());
        assert_eq!(counters.loads(), 6, "each of them was one");
    }
}
