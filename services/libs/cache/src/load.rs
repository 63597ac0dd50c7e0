//! Loads: under a lease if Redis gives one, in a task that outlives whoever asked, within the hard timeout.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use shop_policy::Policy;
use shop_runtime::{Context, trace};
use tokio::time::Instant;

use crate::cache::{Inner, Value};
use crate::fence::Stamp;
use crate::flight::Landed;
use crate::lifetime::Lifetime;
use crate::metrics::{LoadOutcome, Refusal};
use crate::remote::{Keys, Lease, MaxAge, Parcel, SharedStamp, Stored, Token};
use crate::spans;
use crate::status::Origin;
use crate::{LoadError, Loaded, Source};

/// How long a load waits for a write to end before it goes to the source past it.
const WRITE_PATIENCE: Duration = Duration::from_millis(15);

/// Pauses between looks at what others do: from the first, doubling, to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// What came of a load: a value, or none, from Redis (someone else's load) or from the source.
pub(crate) type LoadResult<S> = Result<Fetched<<S as Source>::Value>, LoadError<<S as Source>::Error>>;

/// A value that was fetched.
#[derive(Debug)]
pub(crate) struct Fetched<V> {
    pub(crate) value: Value<V>,
    pub(crate) origin: Origin,
    pub(crate) stored: bool,
    pub(crate) ttl: Option<Duration>,
    /// When it is to be renewed, if it is.
    pub(crate) renew_in: Option<Duration>,
}

/// A load from the source that has ended.
pub(crate) struct Loading<V, E> {
    result: Result<Option<Loaded<V>>, LoadError<E>>,
    pub(crate) outcome: LoadOutcome,
}

/// What is to be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Job<K> {
    pub(crate) key: K,
    pub(crate) text: String,
    pub(crate) keys: Keys,
    pub(crate) policy: Arc<Policy>,
    pub(crate) lifetime: Lifetime,
    /// The oldest entry of others that will do.
    pub(crate) max_age: MaxAge,
    /// Whether the entry is to be renewed before its end.
    pub(crate) renews: bool,
}

impl<S: Source> Inner<S> {
    /// Fetches a value from wherever this pod is let.
    pub(crate) async fn fly(&self, mut job: Job<S::Key>) -> Landed<LoadResult<S>> {
        let token = Token::unique();
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let (moment, stamp, asked) = (self.flights.tick(), self.side.fence.capture(), Instant::now());
            let (waited, round) = (began.elapsed(), self.shared.waiting.round());
            match self.remote.lease(&job.keys, token, lease_lasts(&job.policy), job.max_age).await {
                // Redis is being told to drop it, or just was, so there is nothing to replace.
                Ok(Lease::Hit(entry)) if self.shared.is_dropped(S::NAME, &job.text, &entry, round) => {
                    return self.load_past(&job, None).await;
                }
                Ok(Lease::Hit(entry)) => match self.take(&job.text, &job.lifetime, &entry, (stamp, asked)) {
                    Some((value, ttl)) => {
                        let renew_in = job.lifetime.renew_in(entry.fresh, ttl);
                        let fetched = Fetched { value, origin: Origin::Redis, stored: true, ttl: Some(ttl), renew_in };
                        return Landed { result: Ok(fetched), holds_at: Some(moment) };
                    }
                    // Not of our type: whatever it is, it is replaced.
                    None => job.max_age.share = 0.0,
                },
                Ok(Lease::Granted(shared)) => {
                    let loaded = self.load(&job).await;
                    return self.store(&job, token, &shared, (stamp, asked), loaded).await;
                }
                Ok(Lease::Held) if waited < lease_patience(&job.policy) => self.rest(&mut pause).await,
                Ok(Lease::Writing) if waited < WRITE_PATIENCE => self.rest(&mut pause).await,
                Ok(Lease::Held | Lease::Writing) => return self.load_past(&job, None).await,
                Err(_) => {
                    // It may have been granted all the same.
                    self.give_back(&job, token);
                    return self.load_past(&job, Some((stamp, asked))).await;
                }
            }
        }
    }

    async fn rest(&self, pause: &mut Duration) {
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
    }

    /// Puts what was loaded under a lease into both tiers, unless something came in between.
    async fn store(
        &self,
        job: &Job<S::Key>,
        token: Token,
        shared: &SharedStamp,
        since: (Stamp, Instant),
        loaded: Result<Option<Loaded<S::Value>>, LoadError<S::Error>>,
    ) -> Landed<LoadResult<S>> {
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                self.give_back(job, token);
                return Landed { result: Err(error), holds_at: None };
            }
        };
        let (value, parcel) = self.pack(job, loaded);
        if parcel.fresh.is_zero() {
            self.give_back(job, token);
            return Landed { result: Ok(not_stored(value)), holds_at: None };
        }
        let moment = self.flights.tick();
        match self.remote.fill(&job.keys, token, shared, &parcel).await {
            Ok(Stored::Stored) => {
                self.keep(&job.text, &job.policy, value.as_ref(), since, (parcel.fresh, parcel.stale), &parcel.tags);
                let fetched = Fetched {
                    stored: true,
                    ttl: Some(parcel.fresh),
                    renew_in: job.lifetime.renew_in(parcel.fresh, parcel.fresh),
                    ..not_stored(value)
                };
                Landed { result: Ok(fetched), holds_at: Some(moment) }
            }
            Ok(refused) => {
                self.side.counters.refused(match refused {
                    Stored::Overtaken => Refusal::Overtaken,
                    _ => Refusal::Late,
                });
                Landed { result: Ok(not_stored(value)), holds_at: None }
            }
            Err(_) => {
                self.side.counters.refused(Refusal::Redis);
                self.keep_without_redis(job, value, since, &parcel)
            }
        }
    }

    /// Loads without a lease. If Redis is away, the value is kept in memory for as long as a pod may be wrong by itself.
    async fn load_past(&self, job: &Job<S::Key>, since: Option<(Stamp, Instant)>) -> Landed<LoadResult<S>> {
        match self.load(job).await {
            Ok(loaded) => {
                let (value, parcel) = self.pack(job, loaded);
                match since {
                    Some(since) if !parcel.fresh.is_zero() => self.keep_without_redis(job, value, since, &parcel),
                    _ => Landed { result: Ok(not_stored(value)), holds_at: None },
                }
            }
            Err(error) => Landed { result: Err(error), holds_at: None },
        }
    }

    fn keep_without_redis(
        &self,
        job: &Job<S::Key>,
        value: Value<S::Value>,
        since: (Stamp, Instant),
        parcel: &Parcel,
    ) -> Landed<LoadResult<S>> {
        // Where pods keep nothing, everyone is to see what was written last, so nobody shares a load that began before they asked.
        let holds_at = job.policy.local_tier().is_some().then(|| self.flights.tick());
        let depends_on =
            self.keep(&job.text, &job.policy, value.as_ref(), since, (parcel.fresh, parcel.stale), &parcel.tags);
        let holds_at = holds_at.filter(|_| self.side.fence.is_valid(since.0, &depends_on));
        Landed { result: Ok(not_stored(value)), holds_at }
    }

    /// Gives a lease back; nobody waits for that.
    fn give_back(&self, job: &Job<S::Key>, token: Token) {
        let (remote, keys) = (self.remote.clone(), job.keys.clone());
        tokio::spawn(beyond(async move { remote.release(&keys, token).await }));
    }

    /// One load, within its time, whatever it does.
    pub(crate) async fn load(&self, job: &Job<S::Key>) -> Result<Option<Loaded<S::Value>>, LoadError<S::Error>> {
        let began = Instant::now();
        let loading = spans::of(S::NAME, "cache.load").run_and(self.load_in_time(job), |span, loading| {
            let took = began.elapsed();
            self.side.counters.loaded(loading.outcome, took, trace::current());
            span.describe(|open| spans::loaded(open, loading));
        });
        loading.await.result
    }

    async fn load_in_time(&self, job: &Job<S::Key>) -> Loading<S::Value, S::Error> {
        let (source, key, limit) = (Arc::clone(&self.source), job.key.clone(), job.policy.hard_timeout);
        let mut task = tokio::spawn(beyond(async move { source.load(&key).await }));
        let (result, outcome) = match tokio::time::timeout(limit, &mut task).await {
            Ok(Ok(Ok(Some(loaded)))) => (Ok(Some(loaded)), LoadOutcome::Found),
            Ok(Ok(Ok(None))) => (Ok(None), LoadOutcome::Nothing),
            Ok(Ok(Err(error))) => (Err(LoadError::Source(Arc::new(error))), LoadOutcome::Failed),
            Ok(Err(_panic)) => (Err(LoadError::Panicked), LoadOutcome::Panicked),
            Err(_elapsed) => {
                task.abort();
                (Err(LoadError::TimedOut(limit)), LoadOutcome::TimedOut)
            }
        };
        Loading { result, outcome }
    }

    /// Makes a loaded value ready for Redis.
    fn pack(&self, job: &Job<S::Key>, loaded: Option<Loaded<S::Value>>) -> (Value<S::Value>, Parcel) {
        match loaded {
            Some(loaded) => {
                let times = job.lifetime.for_value(loaded.at_most);
                let parcel = self.parcel(&job.key, &loaded.value, times);
                (Some(Arc::new(loaded.value)), parcel)
            }
            None => (None, Parcel { fresh: job.lifetime.nothing, stale: Duration::ZERO, json: None, tags: Vec::new() }),
        }
    }

    /// A value on its way to Redis. One that can't be written as JSON is kept nowhere.
    pub(crate) fn parcel(&self, key: &S::Key, value: &S::Value, (fresh, stale): (Duration, Duration)) -> Parcel {
        let tags = self.source.tags(key, value);
        match serde_json::to_vec(value) {
            Ok(json) => Parcel { fresh, stale, json: Some(json), tags },
            Err(error) => {
                tracing::error!(cache = %S::NAME, %error, "a value can't be written as JSON, so it is not cached");
                Parcel { fresh: Duration::ZERO, stale: Duration::ZERO, json: None, tags }
            }
        }
    }
}

/// Work that goes on when whoever began it has given up, and still belongs to the request that it was begun for: its trace and the span of its
/// log lines. Others who wait for it have theirs, in which only the waiting is. What nobody has asked for has a trace of its own.
pub(crate) fn beyond<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = Context::current();
    let context = if context.trace().is_some() { context.without_deadline() } else { Context::unasked() };
    context.scope(work)
}

const fn not_stored<V>(value: Value<V>) -> Fetched<V> {
    Fetched { value, origin: Origin::Loaded, stored: false, ttl: None, renew_in: None }
}

/// How long a load waits for another pod's before it goes to the source past it: that pod may have died, and its lease with it only later.
fn lease_patience(policy: &Policy) -> Duration {
    (policy.soft_timeout * 2).min(policy.hard_timeout)
}

/// Longer than the load may take, so that a lease is only lost by who is really late.
fn lease_lasts(policy: &Policy) -> Duration {
    policy.hard_timeout + Duration::from_millis(500)
}

/// Whether a flight's result is of its own load or of one that another pod did.
pub(crate) const fn origin_for(own: bool, origin: Origin) -> Origin {
    match origin {
        Origin::Loaded if !own => Origin::Collapsed,
        origin => origin,
    }
}
