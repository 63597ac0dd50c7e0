//! All caches of a service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use prometheus::Registry;
use secrecy::SecretString;
use shop_policy::CacheName;
use shop_runtime::redis::{Redis, RedisError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::channel::{self, Message, What};
use crate::metrics::Metrics;
use crate::refresh::Tended;
use crate::remote::{Keys, News, Remote, RemoteEntry};
use crate::side::Side;
use crate::spans;
use crate::staleness::{GRACE, RedisClock};
use crate::waiting::{Round, Waiting};
use crate::{Cache, CacheStats, InvalidationError, LivePolicies, Pending, Reason, Source, Tag};

/// How often it is looked for what is to be renewed or tried again.
const TEND_EVERY: Duration = Duration::from_millis(100);

/// How often the samples are tidied up.
const SETTLE_EVERY: Duration = Duration::from_secs(5);

/// All caches of a service. Clones are the same caches.
#[derive(Clone, Debug)]
pub struct Caches {
    shared: Arc<Shared>,
    redis_url: Option<SecretString>,
}

/// What all caches of a service share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Tells this process from others on the channel.
    pub(crate) id: Uuid,
    pub(crate) remote: Remote,
    pub(crate) policies: LivePolicies,
    pub(crate) metrics: Metrics,
    registry: Registry,
    sides: Mutex<HashMap<CacheName, Arc<Side>>>,
    /// Not held fast: each holds this.
    tended: Mutex<Vec<Weak<dyn Tended>>>,
    pub(crate) waiting: Waiting,
    clock: Mutex<RedisClock>,
}

impl Caches {
    /// Caches of the shop of this name. Must be called within a Tokio runtime.
    pub fn new(
        shop: &str,
        redis: Redis,
        redis_url: Option<&SecretString>,
        policies: LivePolicies,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::register(registry)?;
        metrics.generation.set(policies.generation());
        let shared = Shared {
            id: Uuid::new_v4(),
            remote: Remote::new(shop, redis),
            policies,
            metrics,
            registry: registry.clone(),
            sides: Mutex::default(),
            tended: Mutex::default(),
            waiting: Waiting::default(),
            clock: Mutex::new(RedisClock::new(Instant::now())),
        };
        Ok(Self { shared: Arc::new(shared), redis_url: redis_url.cloned() })
    }

    /// A cache of this source. A service has one for each name.
    pub fn cache<S: Source>(&self, source: S) -> Cache<S> {
        let cache = Cache::new(Arc::clone(&self.shared), self.shared.side_or_new(S::NAME), source);
        self.shared.metrics.policy(S::NAME, &self.shared.policies.get(S::NAME));
        let tended: Arc<dyn Tended> = cache.inner();
        lock(&self.shared.tended).push(Arc::downgrade(&tended));
        cache
    }

    /// Listens to invalidations, renews what is to be renewed, and tries again what failed, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let listening = async {
            if let Some(url) = &self.redis_url {
                channel::listen(&self.shared, url, &stop).await;
            }
        };
        tokio::join!(
            listening,
            stop.run_until_cancelled(self.shared.tend()),
            stop.run_until_cancelled(self.shared.catch_up())
        );
    }

    /// The policies in force.
    pub fn policies(&self) -> &LivePolicies {
        &self.shared.policies
    }

    /// Drops everything of a cache, of any service, on all pods.
    pub async fn invalidate_all(&self, cache: CacheName) -> Result<(), InvalidationError> {
        self.shared.invalidate_tags(cache, &[], Reason::All).await
    }

    /// Drops what has one of the tags, in a cache of any service, on all pods.
    pub async fn invalidate_tags(
        &self,
        cache: CacheName,
        tags: &[Tag],
        reason: Reason,
    ) -> Result<(), InvalidationError> {
        if tags.is_empty() {
            return Ok(());
        }
        self.shared.invalidate_tags(cache, tags, reason).await
    }

    /// Carries out an invalidation that waited so long in an outbox.
    pub async fn carry_out(&self, pending: &Pending, waited: Duration) -> Result<(), InvalidationError> {
        let now = Instant::now();
        // What is older is settled.
        let committed = now.checked_sub(waited.min(GRACE)).unwrap_or(now);
        Ok(self.shared.carry_out(pending, committed, Reason::Write).await?)
    }

    /// What this pod knows of each cache of the service.
    pub fn stats(&self) -> Vec<CacheStats> {
        let mut stats: Vec<_> = self.shared.tended().iter().map(|cache| cache.stats()).collect();
        stats.sort_by_key(|stats| stats.name);
        stats
    }
}

impl Shared {
    /// Drops entries by key: here at once, in Redis and on other pods now or when Redis is back.
    pub(crate) async fn invalidate(&self, pending: Pending, reason: Reason) -> Result<(), InvalidationError> {
        let span =
            spans::of(pending.cache, "cache.invalidate").described(|open| open.set("cache.reason", reason.as_str()));
        span.run(self.drop_everywhere(pending, reason)).await
    }

    async fn drop_everywhere(&self, pending: Pending, reason: Reason) -> Result<(), InvalidationError> {
        let (committed, mut outcome) = (Instant::now(), Ok(()));
        for news in What::of(&pending, reason) {
            let told = match self.tell(&pending, &news, committed).await {
                // There is nobody to tell.
                Ok(()) | Err(RedisError::Absent) => Ok(()),
                Err(error) => {
                    // Before memory is void: what is read from Redis after that would be kept.
                    self.note(pending.clone(), committed);
                    Err(InvalidationError::from(error))
                }
            };
            self.apply(&news, committed);
            outcome = told.and(outcome);
        }
        outcome
    }

    /// Drops what has one of the tags, or everything without any.
    pub(crate) async fn invalidate_tags(
        &self,
        cache: CacheName,
        tags: &[Tag],
        reason: Reason,
    ) -> Result<(), InvalidationError> {
        self.invalidate(Pending { cache, schema: 0, keys: Vec::new(), tags: tags.to_vec() }, reason).await
    }

    /// Tells Redis, and then drops what this pod has in memory: what was read from Redis until then may have been the old value.
    async fn carry_out(&self, pending: &Pending, committed: Instant, reason: Reason) -> Result<(), RedisError> {
        for news in What::of(pending, reason) {
            self.tell(pending, &news, committed).await?;
            self.apply(&news, committed);
        }
        Ok(())
    }

    async fn tell(&self, pending: &Pending, news: &What, committed: Instant) -> Result<(), RedisError> {
        let Pending { cache, schema, keys, tags } = pending;
        let message = Message { from: self.id, news: news.clone() };
        let news = News { message: &message, since_commit: committed.elapsed() };
        match &message.news {
            What::Keys { .. } => {
                let keys: Vec<Keys> = keys.iter().map(|key| self.remote.keys(*cache, *schema, key)).collect();
                self.remote.drop(&keys, None, news).await
            }
            _ => self.remote.tags(*cache, tags, news).await,
        }
    }

    /// Notes an invalidation for when Redis is back.
    pub(crate) fn note(&self, pending: Pending, committed: Instant) {
        self.waiting.note(pending, committed);
        self.metrics.waiting.set(i64::try_from(self.waiting.len()).unwrap_or(i64::MAX));
    }

    /// Whether Redis had still to be told to drop this entry when it was asked for it, so that it may be older than what this pod has written.
    pub(crate) fn is_dropped(&self, cache: CacheName, key: &str, entry: &RemoteEntry, asked: Round) -> bool {
        self.waiting.covers(cache, key, &entry.tags(), asked)
    }

    /// Does in this pod what a message says.
    pub(crate) fn apply(&self, news: &What, committed: Instant) {
        match news {
            What::Beat { .. } => {}
            What::Keys { cache, keys, reason } => {
                if let Some(side) = self.side(*cache) {
                    side.void_keys(keys.iter().map(String::as_str), committed, *reason);
                }
            }
            What::Tags { cache, tags, reason } => {
                if let Some(side) = self.side(*cache) {
                    side.void_tags(tags, committed, *reason);
                }
            }
        }
    }

    /// Nothing that is in memory holds any more.
    pub(crate) fn flush(&self, why: &str) {
        tracing::info!(why, "memory caches are flushed");
        for side in lock(&self.sides).values() {
            side.flush();
        }
    }

    /// A message came that was sent at this time of Redis' clock.
    pub(crate) fn heard_time(&self, micros: u64) {
        if let Ok(micros) = i64::try_from(micros) {
            lock(&self.clock).heard(micros, Instant::now());
        }
    }

    /// This pod's clock at that time of Redis' clock.
    pub(crate) fn local_time(&self, micros: u64) -> Instant {
        let now = Instant::now();
        i64::try_from(micros).ok().and_then(|micros| lock(&self.clock).local(micros)).unwrap_or(now)
    }

    /// The caches that are still used.
    fn tended(&self) -> Vec<Arc<dyn Tended>> {
        lock(&self.tended).iter().filter_map(Weak::upgrade).collect()
    }

    /// Renews what is due, and takes note of new policies.
    async fn tend(&self) {
        let mut changed = self.policies.changed();
        let mut in_force = changed.borrow_and_update().hash.clone();
        let mut tend = tokio::time::interval(TEND_EVERY);
        let mut settle = tokio::time::interval(SETTLE_EVERY);
        loop {
            tokio::select! {
                now = tend.tick() => {
                    for cache in self.tended() {
                        cache.renew_due(now);
                    }
                }
                now = settle.tick() => {
                    for side in lock(&self.sides).values() {
                        side.staleness.settle(now);
                    }
                }
                Ok(()) = changed.changed() => {
                    self.metrics.generation.set(self.policies.generation());
                    self.note_policies();
                    let hash = changed.borrow_and_update().hash.clone();
                    // A document that was refused changes nothing; otherwise entries have the lifetimes of the policy under which they came.
                    if hash != in_force {
                        self.flush("the policies have changed");
                        in_force = hash;
                    }
                }
            }
        }
    }

    /// Tells Redis, once it is back, of what it was not told.
    async fn catch_up(&self) {
        let mut recovered = self.remote.redis().recovered();
        loop {
            tokio::select! {
                _ = recovered.changed() => {}
                () = self.waiting.noted() => tokio::time::sleep(TEND_EVERY).await,
                () = tokio::time::sleep(SETTLE_EVERY) => {}
            }
            if !self.remote.redis().is_up() {
                continue;
            }
            for (pending, committed) in self.waiting.tell() {
                if self.carry_out(&pending, committed, Reason::Write).await.is_err() {
                    self.waiting.note(pending, committed);
                }
            }
            self.waiting.told();
            self.metrics.waiting.set(i64::try_from(self.waiting.len()).unwrap_or(i64::MAX));
        }
    }

    /// Notes in the metrics what is in force.
    fn note_policies(&self) {
        for cache in lock(&self.sides).keys() {
            self.metrics.policy(*cache, &self.policies.get(*cache));
        }
    }

    fn side(&self, cache: CacheName) -> Option<Arc<Side>> {
        lock(&self.sides).get(&cache).cloned()
    }

    #[expect(clippy::expect_used, reason = "a cache's metrics are registered once, here")]
    fn side_or_new(&self, cache: CacheName) -> Arc<Side> {
        let mut sides = lock(&self.sides);
        let side = sides.entry(cache);
        Arc::clone(side.or_insert_with(|| {
            Arc::new(Side::new(cache, &self.metrics, &self.registry).expect("no other metric has the cache's names"))
        }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
