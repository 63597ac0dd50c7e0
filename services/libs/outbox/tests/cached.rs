//! Changes of what is cached, on a real PostgreSQL and a real Redis.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::time::{Duration, Instant};

use prometheus::Registry;
use serde_json::json;
use shop_cache::{Cache, CacheStatus, Caches, LivePolicies, Loaded, Pending, Source};
use shop_outbox::{OutboxError, OutboxMetrics, Relay, cached, enqueue};
use shop_policy::{CacheName, LocalTier, Policies, Policy};
use shop_runtime::db::{self, DbConfig};
use shop_runtime::redis::Redis;
use shop_testkit::{ChaosProxy, TestDb, TestRedis, eventually};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

const SCHEMA: &str = "outbox_test";

/// What is cached: how many events there are of a topic.
struct Count(PgPool);

impl Source for Count {
    const NAME: CacheName = CacheName::Cart;
    const SCHEMA: u32 = 1;
    type Key = &'static str;
    type Value = i64;
    type Error = sqlx::Error;

    async fn load(&self, topic: &&'static str) -> Result<Option<Loaded<i64>>, sqlx::Error> {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox WHERE topic = $1").bind(*topic);
        Ok(Some(count.fetch_one(&self.0).await?.into()))
    }
}

struct Place {
    db: TestDb,
    redis: Redis,
    caches: Caches,
    cache: Cache<Count>,
}

impl Place {
    async fn new(redis: &TestRedis) -> Self {
        Self::with(redis, LivePolicies::defaults(), &Registry::new()).await
    }

    async fn with(redis: &TestRedis, policies: LivePolicies, registry: &Registry) -> Self {
        let db = TestDb::new(&MIGRATOR, SCHEMA).await;
        let url = redis.url();
        let connection = Redis::new(Some(&url)).expect("the URL is right");
        assert!(connection.ping().await);
        let caches = Caches::new("outbox", connection.clone(), Some(&url), policies, registry);
        let caches = caches.expect("a fresh registry");
        let cache = caches.cache(Count(db.pool().clone()));
        Self { db, redis: connection, caches, cache }
    }

    async fn get(&self) -> (Option<i64>, CacheStatus) {
        let served = self.cache.get(&"numbers").await.expect("the database is there");
        (served.value.map(|value| *value), served.status)
    }

    /// Adds an event in the way of a change, and then does this.
    async fn change(&self, db: &PgPool, commit: bool, before_commit: impl FnOnce()) -> Result<(), OutboxError> {
        let work = async |change: &mut cached::Change<Count>| {
            enqueue(change.transaction().await?, "numbers", &json!(1)).await?;
            before_commit();
            if commit { change.commit(vec![("numbers", 1)]).await } else { Ok(()) }
        };
        cached::change(db, &self.cache, vec!["numbers"], work).await
    }
}

#[tokio::test]
async fn a_change_is_cached_once_it_is_committed_and_not_made_at_all_otherwise() {
    let redis = TestRedis::start().await;
    let place = Place::new(&redis).await;
    assert_eq!(place.get().await.0, Some(0));
    place.change(place.db.pool(), false, || ()).await.expect("nothing failed");
    assert_eq!(place.get().await.0, Some(0));
    assert!(place.get().await.1.is_hit(), "the announcement has ended");
    place.change(place.db.pool(), true, || ()).await.expect("nothing failed");
    let (value, status) = place.get().await;
    assert_eq!((value, status.is_hit()), (Some(1), true));
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_leaves_the_key_uncached() {
    let redis = TestRedis::start().await;
    let place = Place::new(&redis).await;
    let proxy = ChaosProxy::to(place.db.address()).await;
    let config = DbConfig::new(place.db.url_by(proxy.address()), "test", SCHEMA);
    let unsteady = db::connect(&config).expect("the URL is right");
    assert!(place.change(&unsteady, true, || proxy.break_networking()).await.is_err());
    for _ in 0..2 {
        let (_, status) = place.get().await;
        assert!(!status.is_hit() && !status.stored, "the commit may still come: {status}");
    }
}

/// What was found of answers: how far all of them were behind together, in seconds.
fn behind(registry: &Registry) -> f64 {
    let families = registry.gather();
    let staleness = families.iter().find(|family| family.name() == "cache_staleness_seconds").expect("it is measured");
    staleness.get_metric()[0].get_histogram().get_sample_sum()
}

#[tokio::test]
async fn an_invalidation_that_waited_tells_how_stale_answers_were_meanwhile() {
    let redis = TestRedis::start().await;
    let local = Some(LocalTier { ttl: Duration::from_secs(60), max_entries: 10 });
    let policies = Policies::of(|name| Policy { local, ..Policy::default_of(name) });
    let registry = Registry::new();
    let place = Place::with(&redis, LivePolicies::fixed(&policies), &registry).await;
    let loaded = Instant::now();
    assert_eq!(place.get().await.0, Some(0));
    let pending = Pending { cache: Count::NAME, schema: Count::SCHEMA, keys: vec!["numbers".into()], tags: Vec::new() };
    let mut connection = place.db.pool().acquire().await.expect("a connection");
    enqueue(&mut connection, Pending::TOPIC, &pending).await.expect("stored");
    while loaded.elapsed() < Duration::from_secs(1) {
        assert!(place.get().await.1.is_hit());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let relay = Relay::new(place.db.pool().clone(), OutboxMetrics::register(&registry).expect("new"));
    let delivered = relay.deliver_due(&|event| cached::deliver(place.caches.clone(), event)).await.expect("read");
    assert_eq!(delivered, 1);
    assert!(behind(&registry) > 1.0, "dozens of answers, half a second behind: {} s", behind(&registry));
}

#[tokio::test]
async fn what_redis_must_hear_waits_untried_while_it_is_away_and_arrives_when_it_is_back() {
    let redis = TestRedis::start().await;
    let place = Place::new(&redis).await;
    let registry = Registry::new();
    let relay = Relay::new(place.db.pool().clone(), OutboxMetrics::register(&registry).expect("new"));
    let (stop, caches) = (CancellationToken::new(), place.caches.clone());
    let relay = relay.to_redis(place.redis.clone());
    let _stop = stop.clone().drop_guard();

    redis.stop();
    eventually("it is seen to be away", async || !place.redis.ping().await && !place.redis.is_up()).await;
    tokio::spawn(relay.run(move |event| cached::deliver(caches.clone(), event), stop));
    place.change(place.db.pool(), true, || ()).await.expect("the database is there");
    let lag =
        || registry.gather().iter().map(|family| family.get_metric()[0].get_gauge().get_value()).fold(0.0, f64::max);
    eventually("the relay has looked at it more than once", async || lag() > 0.8).await;
    let waiting = "SELECT count(*), max(attempts) FROM outbox WHERE topic = 'cache_invalidation'";
    let waiting = async || -> (i64, Option<i32>) {
        sqlx::query_as(waiting).fetch_one(place.db.pool()).await.expect("events can be counted")
    };
    assert_eq!(waiting().await, (1, Some(0)), "Redis is not asked while it is away");
    redis.start_again().await;
    eventually("it has arrived", async || waiting().await.0 == 0).await;
    assert_eq!(place.get().await.0, Some(1));
}
