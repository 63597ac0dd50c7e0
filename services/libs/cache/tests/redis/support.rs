//! A database that can be held up, and pods that cache what is in it.

use std::collections::HashMap;
use std::future::ready;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use prometheus::Registry;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use shop_cache::{Cache, CacheStatus, Caches, LivePolicies, Loaded, Reason, Source, Tag};
use shop_policy::{CacheName, LocalTier, Pattern, Policies, Policy};
use shop_runtime::Context;
use shop_runtime::redis::Redis;
use shop_testkit::TestRedis;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What is cached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    pub version: u64,
    #[serde(default)]
    pub made_of: Vec<u32>,
}

#[derive(Debug, thiserror::Error)]
#[error("the database is broken")]
pub struct Broken;

/// How the database behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Fine,
    Failing,
    Panicking,
    Hanging,
}

/// The database.
#[derive(Debug)]
pub struct Db {
    rows: Mutex<HashMap<u32, Thing>>,
    loads: AtomicUsize,
    held: AtomicUsize,
    gate: watch::Sender<bool>,
    mood: Mutex<Mood>,
    at_most: Mutex<Option<Duration>>,
    asked: Mutex<Vec<Context>>,
}

impl Db {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            rows: Mutex::default(),
            loads: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            gate: watch::Sender::new(true),
            mood: Mutex::new(Mood::Fine),
            at_most: Mutex::new(None),
            asked: Mutex::default(),
        })
    }

    /// Commits a change.
    pub fn set(&self, key: u32, version: u64) {
        self.set_made_of(key, version, &[]);
    }

    pub fn set_made_of(&self, key: u32, version: u64, made_of: &[u32]) {
        self.rows.lock().unwrap().insert(key, Thing { version, made_of: made_of.to_vec() });
    }

    pub fn version(&self, key: u32) -> u64 {
        self.rows.lock().unwrap().get(&key).map_or(0, |thing| thing.version)
    }

    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// For whom it was asked, each time.
    pub fn asked(&self) -> Vec<Context> {
        self.asked.lock().unwrap().clone()
    }

    pub fn feel(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn values_hold(&self, at_most: Duration) {
        *self.at_most.lock().unwrap() = Some(at_most);
    }

    /// From now on loads stop after they have read the row.
    pub fn hold(&self) {
        self.gate.send_replace(false);
    }

    pub fn let_go(&self) {
        self.gate.send_replace(true);
    }

    /// Waits until so many loads are held.
    pub async fn held(&self, loads: usize) {
        eventually(|| async { self.held.load(Ordering::SeqCst) >= loads }).await;
    }
}

/// The cached source.
#[derive(Debug)]
pub struct Things<const SCHEMA: u32>(pub Arc<Db>);

impl<const SCHEMA: u32> Source for Things<SCHEMA> {
    const NAME: CacheName = CacheName::Products;
    const SCHEMA: u32 = SCHEMA;
    type Key = u32;
    type Value = Thing;
    type Error = Broken;

    async fn load(&self, key: &u32) -> Result<Option<Loaded<Thing>>, Broken> {
        self.0.asked.lock().unwrap().push(Context::current());
        let row = self.0.rows.lock().unwrap().get(key).cloned();
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        self.0.held.fetch_add(1, Ordering::SeqCst);
        self.0.gate.subscribe().wait_for(|open| *open).await.unwrap();
        self.0.held.fetch_sub(1, Ordering::SeqCst);
        let mood = *self.0.mood.lock().unwrap();
        match mood {
            Mood::Fine => {
                let at_most = *self.0.at_most.lock().unwrap();
                Ok(row.map(|value| Loaded { value, at_most }))
            }
            Mood::Failing => Err(Broken),
            Mood::Panicking => panic!("the loader has a bug"),
            Mood::Hanging => std::future::pending().await,
        }
    }

    fn tags(&self, key: &u32, value: &Thing) -> Vec<Tag> {
        let parts = value.made_of.iter().map(|part| Tag::new("part", part));
        parts.chain([Tag::new("decade", key / 10)]).collect()
    }
}

/// A pod.
pub struct Pod<const SCHEMA: u32 = 1> {
    pub cache: Cache<Things<SCHEMA>>,
    pub caches: Caches,
    pub db: Arc<Db>,
    pub registry: Registry,
    stop: CancellationToken,
    _dropped: DropGuard,
}

/// A shop on one Redis and one database.
pub struct Shop {
    pub name: String,
    pub db: Arc<Db>,
    pub redis: SocketAddr,
}

/// A policy for tests: long lifetimes, no jitter, a local tier.
pub fn policy(pattern: Pattern) -> Policy {
    Policy {
        pattern,
        ttl: Duration::from_secs(600),
        refresh_before: Duration::ZERO,
        jitter_percent: 0,
        stale_if_error: Duration::from_secs(600),
        negative_ttl: Duration::from_secs(60),
        soft_timeout: Duration::from_millis(300),
        hard_timeout: Duration::from_secs(5),
        local: Some(LocalTier { ttl: Duration::from_secs(300), max_entries: 1000 }),
    }
}

/// The same without a local tier.
pub fn shared_only(pattern: Pattern) -> Policy {
    Policy { local: None, ..policy(pattern) }
}

pub fn fixed(policy: &Policy) -> LivePolicies {
    LivePolicies::fixed(&Policies::of(|_| policy.clone()))
}

impl Shop {
    /// On the Redis that tests share.
    pub async fn new() -> Self {
        Self::on(TestRedis::shared().await.address())
    }

    /// On a Redis of its own, or behind a proxy.
    pub fn on(redis: SocketAddr) -> Self {
        Self { name: uuid::Uuid::new_v4().to_string(), db: Db::new(), redis }
    }

    /// A pod that hears of invalidations.
    pub async fn pod(&self, policy: &Policy) -> Pod {
        self.pod_by(self.redis, &fixed(policy)).await
    }

    /// A pod that reaches Redis by another way, and need not reach it.
    pub async fn pod_by<const SCHEMA: u32>(&self, redis: SocketAddr, policies: &LivePolicies) -> Pod<SCHEMA> {
        let pod = self.lone_pod(Some(redis), policies);
        if tokio::net::TcpStream::connect(redis).await.is_ok() {
            let subscribed = || async { pod.metric("cache_subscribed") == 1 };
            let _ = tokio::time::timeout(Duration::from_secs(5), eventually(subscribed)).await;
        }
        pod
    }

    /// Hears so many signs of life of the pods on a Redis of their own.
    pub async fn signs_of_life(&self, count: usize) {
        let client = redis::Client::open(TestRedis::url_by(self.redis).expose_secret()).unwrap();
        let mut subscription = client.get_async_pubsub().await.unwrap();
        subscription.psubscribe("*").await.unwrap();
        let text = |message: redis::Msg| message.get_payload::<String>().unwrap();
        let beats = subscription.into_on_message().map(text).filter(|text| ready(text.contains("\"beat\"")));
        assert_eq!(beats.take(count).count().await, count);
    }

    /// A pod that nobody waits for.
    pub fn lone_pod<const SCHEMA: u32>(&self, redis: Option<SocketAddr>, policies: &LivePolicies) -> Pod<SCHEMA> {
        self.wired_pod(redis, redis, policies)
    }

    /// A pod that asks Redis by one way and hears of invalidations by another.
    pub fn wired_pod<const SCHEMA: u32>(
        &self,
        asks: Option<SocketAddr>,
        hears: Option<SocketAddr>,
        policies: &LivePolicies,
    ) -> Pod<SCHEMA> {
        let pod = self.idle_pod(asks, hears, policies);
        pod.run();
        pod
    }

    /// A pod that does nothing unless it is asked: it doesn't listen, renews nothing and makes nothing good.
    pub fn idle_pod<const SCHEMA: u32>(
        &self,
        asks: Option<SocketAddr>,
        hears: Option<SocketAddr>,
        policies: &LivePolicies,
    ) -> Pod<SCHEMA> {
        let (url, registry, stop) = (hears.map(TestRedis::url_by), Registry::new(), CancellationToken::new());
        let redis = Redis::new(asks.map(TestRedis::url_by).as_ref()).unwrap();
        let caches = Caches::new(&self.name, redis, url.as_ref(), policies.clone(), &registry).unwrap();
        let cache = caches.cache(Things(Arc::clone(&self.db)));
        Pod { cache, caches, db: Arc::clone(&self.db), registry, stop: stop.clone(), _dropped: stop.drop_guard() }
    }
}

impl<const SCHEMA: u32> Pod<SCHEMA> {
    /// The version that the pod answers, and how.
    pub async fn get(&self, key: u32) -> (u64, CacheStatus) {
        let served = self.cache.get(&key).await.unwrap();
        (served.value.map_or(0, |thing| thing.version), served.status)
    }

    pub async fn version(&self, key: u32) -> u64 {
        self.get(key).await.0
    }

    pub async fn status(&self, key: u32) -> String {
        self.get(key).await.1.to_string()
    }

    /// Lets the caches do what they do by themselves, as long as the pod lives.
    pub fn run(&self) {
        tokio::spawn(self.caches.clone().run(self.stop.clone()));
    }

    /// A whole write.
    pub async fn write(&self, key: u32, version: u64) {
        let write = self.cache.begin_write(vec![key]).await;
        self.db.set(key, version);
        write.committed(vec![(key, Thing { version, made_of: vec![] })]).await;
    }

    pub async fn invalidate(&self, key: u32) {
        self.cache.invalidate(&key, Reason::Request).await.unwrap();
    }

    /// The sum of all series of a metric.
    pub fn metric(&self, name: &str) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().filter(|family| family.name() == name);
        family.flat_map(prometheus::proto::MetricFamily::get_metric).map(whole).sum()
    }

    /// How many answers were found to be fresh, and how many to be behind the newest version by more than half a second.
    pub fn answers(&self) -> (u64, u64) {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "cache_staleness_seconds").unwrap();
        let staleness = family.get_metric()[0].get_histogram();
        let [fresh, nearly] = [0.0, 0.5].map(|bound| {
            let below = staleness.get_bucket().iter().filter(|bucket| bucket.upper_bound() <= bound);
            below.map(prometheus::proto::Bucket::cumulative_count).max().unwrap()
        });
        (fresh, staleness.get_sample_count() - nearly)
    }

    /// A metric's series with this label.
    pub fn metric_with(&self, name: &str, value: &str) -> u64 {
        let families = self.registry.gather();
        let metrics = families
            .iter()
            .filter(|family| family.name() == name)
            .flat_map(prometheus::proto::MetricFamily::get_metric);
        let labelled = metrics.filter(|metric| metric.get_label().iter().any(|label| label.value() == value));
        labelled.map(whole).sum()
    }
}

/// Waits until it is so, and names the line that waited if it never is.
#[track_caller]
pub fn eventually(condition: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    let line = Location::caller();
    async move { shop_testkit::eventually(&line.to_string(), condition).await }
}

/// Counters and gauges here count whole things.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of a test")]
fn whole(metric: &prometheus::proto::Metric) -> u64 {
    (metric.get_counter().get_value() + metric.get_gauge().get_value()) as u64
}
