//! One cache.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache as Store;
use shop_policy::{LocalTier, Pattern, Policy};
use shop_runtime::Chain;
use tokio::time::Instant;

use crate::caches::Shared;
use crate::flight::{Flight, Flights, Vanished};
use crate::lifetime::Lifetime;
use crate::load::{Fetched, Job, LoadResult, beyond, origin_for};
use crate::local::Local;
use crate::refresh::Tracked;
use crate::remote::Remote;
use crate::side::Side;
use crate::spans;
use crate::status::Origin;
use crate::write::Write;
use crate::{CacheStatus, InvalidationError, LoadError, Pending, Reason, Source, Tag, hash};

/// After a load failed, what is stale is served for so long before the next try.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// So many keys may rest after a failure.
const RESTING_KEYS: u64 = 10_000;

/// A value, or the knowledge that there is none.
pub(crate) type Value<V> = Option<Arc<V>>;

/// A value, and how it came about.
#[derive(Debug)]
pub struct Served<V> {
    /// The value; none if there is nothing under that key.
    pub value: Option<Arc<V>>,
    /// How it came about.
    pub status: CacheStatus,
}

/// One cache. Clones are the same cache.
pub struct Cache<S: Source>(Arc<Inner<S>>);

impl<S: Source> fmt::Debug for Cache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Source> Clone for Cache<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What a cache is made of.
pub(crate) struct Inner<S: Source> {
    pub(crate) source: Arc<S>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) side: Arc<Side>,
    pub(crate) remote: Remote,
    pub(crate) local: Local<S::Value>,
    pub(crate) flights: Arc<Flights<LoadResult<S>>>,
    pub(crate) tracked: Tracked<S::Key>,
    pub(crate) resting: Store<String, ()>,
}

impl<S: Source> fmt::Debug for Inner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("name", &S::NAME).finish_non_exhaustive()
    }
}

/// A key that is asked for, and all that is needed to find it.
struct Wanted<'a, K> {
    key: &'a K,
    text: String,
    hash: u64,
    policy: Arc<Policy>,
    lifetime: Lifetime,
}

/// What could be served if nothing better is to be had.
struct Fallback<V> {
    value: Value<V>,
    origin: Origin,
    over: Duration,
}

impl<S: Source> Cache<S> {
    pub(crate) fn new(shared: Arc<Shared>, side: Arc<Side>, source: S) -> Self {
        Self(Arc::new(Inner {
            source: Arc::new(source),
            remote: shared.remote.clone(),
            shared,
            side,
            local: Local::new(),
            flights: Flights::new(),
            tracked: Tracked::default(),
            resting: Store::builder().max_capacity(RESTING_KEYS).time_to_live(REST_AFTER_FAILURE).build(),
        }))
    }

    pub(crate) fn inner(&self) -> Arc<Inner<S>> {
        Arc::clone(&self.0)
    }

    /// The value under a key, from wherever it is had soonest.
    pub async fn get(&self, key: &S::Key) -> Result<Served<S::Value>, LoadError<S::Error>> {
        let span = spans::of(S::NAME, "cache.get");
        span.run_and(self.look_up(key), |span, found| span.describe(|open| spans::found(open, found))).await
    }

    async fn look_up(&self, key: &S::Key) -> Result<Served<S::Value>, LoadError<S::Error>> {
        let policy = self.0.shared.policies.get(S::NAME);
        let text = key.to_string();
        let lifetime = Lifetime::of(&policy, &text);
        let wanted = Wanted { key, hash: hash::of_key(&text), text, policy, lifetime };
        if wanted.policy.pattern == Pattern::None {
            return self.0.bypass(&wanted).await;
        }
        self.0.side.ghosts.access(wanted.hash, Instant::now());
        let in_memory = match wanted.policy.local_tier() {
            Some(tier) => match self.0.get_local(&wanted, tier) {
                Ok(served) => return Ok(served),
                Err(fallback) => fallback,
            },
            None => None,
        };
        match self.0.get_remote(&wanted).await {
            Ok(served) => Ok(served),
            Err(fallback) => self.0.get_loaded(wanted, fallback.or(in_memory)).await,
        }
    }

    /// Drops an entry, on all pods. What loads now is not stored.
    pub async fn invalidate(&self, key: &S::Key, reason: Reason) -> Result<(), InvalidationError> {
        let keys = vec![key.to_string()];
        let pending = Pending { cache: S::NAME, schema: S::SCHEMA, keys, tags: Vec::new() };
        self.0.shared.invalidate(pending, reason).await
    }

    /// Drops everything that has one of the tags, on all pods.
    pub async fn invalidate_tags(&self, tags: &[Tag], reason: Reason) -> Result<(), InvalidationError> {
        self.0.shared.invalidate_tags(S::NAME, tags, reason).await
    }

    /// A change of what is under the key was committed, and says so on every pod. With pattern `EventInvalidated` the entry is dropped;
    /// with the others, who changes something drops it or time does.
    pub async fn on_event(&self, key: &S::Key) {
        if self.0.shared.policies.get(S::NAME).pattern == Pattern::EventInvalidated {
            // Noted and tried again if Redis is away.
            let _ = self.invalidate(key, Reason::Event).await;
        }
    }

    /// Announces a write of these keys, before its transaction commits, and before anything is read that the new values are made of.
    pub async fn begin_write(&self, keys: Vec<S::Key>) -> Write<S> {
        Write::begin(self.inner(), keys).await
    }
}

impl<S: Source> Inner<S> {
    /// From the source, as if there were no cache.
    async fn bypass(&self, wanted: &Wanted<'_, S::Key>) -> Result<Served<S::Value>, LoadError<S::Error>> {
        let loaded = self.load(&self.job(wanted)).await?;
        let value = loaded.map(|loaded| Arc::new(loaded.value));
        Ok(Served { value, status: CacheStatus::new(S::NAME, Origin::Bypassed) })
    }

    /// From memory, or what is there for want of something better.
    fn get_local(
        self: &Arc<Self>,
        wanted: &Wanted<'_, S::Key>,
        tier: LocalTier,
    ) -> Result<Served<S::Value>, Option<Fallback<S::Value>>> {
        let entry = self.local.get(tier, &wanted.text, &self.side).ok_or(None)?;
        let now = Instant::now();
        let ends = entry.fresh_until.min(entry.loaded + tier.ttl);
        if now < ends {
            self.side.counters.hit_local();
            self.side.staleness.served(wanted.hash, entry.loaded, now);
            if entry.refresh_at.is_some_and(|at| at <= now) {
                self.refresh(wanted.key.clone());
            }
            let ttl = Some(entry.fresh_until.saturating_duration_since(now));
            let status = CacheStatus { ttl, ..CacheStatus::new(S::NAME, Origin::Local) };
            return Ok(Served { value: entry.value.clone(), status });
        }
        let (over, stale) = (now.saturating_duration_since(ends), wanted.lifetime.stale());
        let usable = entry.value.is_some() && now < entry.stale_until && !stale.is_zero() && over <= stale;
        Err(usable.then(|| Fallback { value: entry.value.clone(), origin: Origin::Local, over }))
    }

    /// From Redis, or what is there for want of something better.
    async fn get_remote(
        self: &Arc<Self>,
        wanted: &Wanted<'_, S::Key>,
    ) -> Result<Served<S::Value>, Option<Fallback<S::Value>>> {
        let (since, round) = ((self.side.fence.capture(), Instant::now()), self.shared.waiting.round());
        let keys = self.remote.keys(S::NAME, S::SCHEMA, &wanted.text);
        let Ok(Some(entry)) = self.remote.read(&keys).await else { return Err(None) };
        if self.shared.is_dropped(S::NAME, &wanted.text, &entry, round) {
            return Err(None);
        }
        match wanted.lifetime.left(&entry) {
            Ok(_) => {
                let (value, ttl) = self.take(&wanted.text, &wanted.lifetime, &entry, since).ok_or(None)?;
                self.side.counters.hit_redis();
                if let Some(renew_in) = wanted.lifetime.renew_in(entry.fresh, ttl) {
                    self.tracked.seen(wanted.key, &wanted.text, since.1 + renew_in);
                    if renew_in.is_zero() {
                        self.refresh(wanted.key.clone());
                    }
                }
                let status = CacheStatus { ttl: Some(ttl), ..CacheStatus::new(S::NAME, Origin::Redis) };
                Ok(Served { value, status })
            }
            Err(over) if wanted.lifetime.allows_stale(&entry, over) => {
                let value = self.decode(&entry).ok_or(None)?;
                Err(Some(Fallback { value, origin: Origin::Redis, over }))
            }
            Err(_) => Err(None),
        }
    }

    /// From the source, by a load that is shared; or the fallback if that fails or takes its time.
    async fn get_loaded(
        self: &Arc<Self>,
        wanted: Wanted<'_, S::Key>,
        fallback: Option<Fallback<S::Value>>,
    ) -> Result<Served<S::Value>, LoadError<S::Error>> {
        if let Some(fallback) = fallback {
            if self.resting.contains_key(&wanted.text) {
                return Ok(self.serve_stale(fallback));
            }
            let began = Instant::now();
            let landed = tokio::time::timeout_at(self.soft_deadline(&wanted, began), self.share_load(&wanted));
            return Ok(match landed.await {
                Ok(Ok(served)) => served,
                Ok(Err(_)) | Err(_) => self.serve_stale(fallback),
            });
        }
        self.share_load(&wanted).await
    }

    /// When who has something stale stops waiting: the soft timeout counts from the beginning of the load, not of the wait.
    fn soft_deadline(&self, wanted: &Wanted<'_, S::Key>, now: Instant) -> Instant {
        let began = self.flights.running_since(&wanted.text).unwrap_or(now);
        began + wanted.policy.soft_timeout
    }

    /// Joins loads until one has a result that holds for this call.
    async fn share_load(
        self: &Arc<Self>,
        wanted: &Wanted<'_, S::Key>,
    ) -> Result<Served<S::Value>, LoadError<S::Error>> {
        let asked = self.flights.now();
        loop {
            let (flight, own) = self.start_or_join(self.job(wanted));
            let landed = match flight.result(asked).await {
                Ok(Some(landed)) => landed,
                Ok(None) => continue,
                Err(Vanished) => return Err(LoadError::Panicked),
            };
            return match &landed.result {
                Ok(fetched) => Ok(self.serve_fetched(fetched, own)),
                Err(error) => Err(error.clone()),
            };
        }
    }

    /// The load of this key, begun now if there is none.
    pub(crate) fn start_or_join(self: &Arc<Self>, job: Job<S::Key>) -> (Arc<Flight<LoadResult<S>>>, bool) {
        let (flight, landing) = self.flights.join(&job.text);
        let Some(landing) = landing else { return (flight, false) };
        let inner = Arc::clone(self);
        tokio::spawn(beyond(async move {
            let landed = inner.fly(job.clone()).await;
            inner.note_landing(&job, &landed.result);
            landing.land(landed);
        }));
        (flight, true)
    }

    /// What follows from a load beside its result.
    fn note_landing(&self, job: &Job<S::Key>, result: &LoadResult<S>) {
        match result {
            Ok(Fetched { renew_in: Some(renew_in), origin, .. }) => {
                let renew_at = Instant::now() + *renew_in;
                if job.renews {
                    self.tracked.renewed(&job.text, renew_at);
                    if *origin == Origin::Loaded {
                        self.side.counters.refreshes.inc();
                    }
                } else {
                    self.tracked.seen(&job.key, &job.text, renew_at);
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(cache = %S::NAME, key = job.text, error = %Chain(error), "a value can't be loaded");
                self.resting.insert(job.text.clone(), ());
            }
        }
    }

    fn job(&self, wanted: &Wanted<'_, S::Key>) -> Job<S::Key> {
        Job {
            key: wanted.key.clone(),
            keys: self.remote.keys(S::NAME, S::SCHEMA, &wanted.text),
            text: wanted.text.clone(),
            policy: Arc::clone(&wanted.policy),
            lifetime: wanted.lifetime,
            max_age: wanted.lifetime.max_age(),
            renews: false,
        }
    }

    fn serve_fetched(&self, fetched: &Fetched<S::Value>, own: bool) -> Served<S::Value> {
        let origin = origin_for(own, fetched.origin);
        match origin {
            Origin::Redis => self.side.counters.hit_redis(),
            Origin::Collapsed => {
                self.side.counters.misses.inc();
                self.side.counters.coalesced.inc();
            }
            _ => self.side.counters.misses.inc(),
        }
        let stored = fetched.stored && origin != Origin::Redis;
        let status = CacheStatus { stored, ttl: fetched.ttl, ..CacheStatus::new(S::NAME, origin) };
        Served { value: fetched.value.clone(), status }
    }

    fn serve_stale(&self, fallback: Fallback<S::Value>) -> Served<S::Value> {
        self.side.counters.stale.inc();
        match fallback.origin {
            Origin::Local => self.side.counters.hit_local(),
            _ => self.side.counters.hit_redis(),
        }
        let stale_for = Some(fallback.over);
        Served {
            value: fallback.value,
            status: CacheStatus { stale_for, ..CacheStatus::new(S::NAME, fallback.origin) },
        }
    }
}
