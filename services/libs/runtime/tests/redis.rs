//! Redis being there, away, slow, silent, full, and something else.
#![expect(clippy::expect_used, reason = "what fails here fails the test, with its reason")]

use std::time::Duration;

use futures::FutureExt as _;
use shop_runtime::rate_limit::{Rate, RateLimiter};
use shop_runtime::redis::{Connection, Redis, RedisError};
use shop_testkit::{ChaosProxy, TestRedis, eventually};
use tokio::time::Instant;

async fn get(redis: &Redis, key: &str) -> Result<Option<String>, RedisError> {
    redis.run(async |mut connection: Connection| redis::cmd("GET").arg(key).query_async(&mut connection).await).await
}

async fn through(proxy: &ChaosProxy) -> Redis {
    let redis = Redis::new(Some(&TestRedis::url_by(proxy.address()))).expect("the URL is right");
    assert!(redis.ping().await);
    redis
}

/// The breaker is open: requests are refused in the moment that they come, and wait for nothing at all.
fn assert_costs_nothing(redis: &Redis) {
    for _ in 0..1000 {
        assert!(matches!(get(redis, "a").now_or_never(), Some(Err(RedisError::Away))));
    }
}

/// Waits until it was tried in vain to come back; whoever tries connects anew.
async fn tried_to_come_back(proxy: &ChaosProxy) {
    let before = proxy.connections();
    eventually("it was tried again", async || proxy.connections() >= before + 3).await;
}

async fn until_up(redis: &Redis) {
    eventually("Redis is back without any request having asked", async || redis.is_up()).await;
    assert!(redis.ping().await);
}

#[tokio::test]
async fn a_redis_that_was_never_there_is_found_when_it_comes() {
    let server = TestRedis::start().await;
    server.stop();
    let redis = Redis::new(Some(&server.url())).expect("the URL is right");
    let mut recovered = redis.recovered();
    let first = get(&redis, "a").await;
    assert!(matches!(first, Err(RedisError::Away)), "a refused connection is not waited for: {first:?}");
    assert!(!redis.is_up());
    assert_costs_nothing(&redis);
    server.start_again().await;
    recovered.changed().await.expect("Redis is still used");
    assert!(redis.ping().await, "it can be used as soon as it is told to be back");
}

#[tokio::test]
async fn the_first_command_waits_for_the_first_connection() {
    let server = TestRedis::shared().await;
    let redis = Redis::new(Some(&server.url())).expect("the URL is right");
    assert!(redis.ping().await);
}

#[tokio::test]
async fn a_lost_redis_is_refused_at_once_and_used_again_when_it_is_back() {
    let server = TestRedis::start().await;
    let redis = Redis::new(Some(&server.url())).expect("the URL is right");
    assert!(redis.ping().await);
    let mut recovered = redis.recovered();
    server.stop();
    assert!(matches!(get(&redis, "a").await, Err(RedisError::Failed(_))), "the first one meets the broken connection");
    assert_costs_nothing(&redis);
    server.start_again().await;
    recovered.changed().await.expect("Redis is still used");
    assert_eq!(get(&redis, "a").await.expect("it is there"), None);
}

#[tokio::test]
async fn a_silent_connection_is_given_up_after_three_timeouts_and_replaced() {
    let server = TestRedis::shared().await;
    let proxy = ChaosProxy::to(server.address()).await;
    let redis = through(&proxy).await;
    proxy.silence();
    let limit = Duration::from_millis(50);
    for _ in 0..3 {
        let started = Instant::now();
        let asked = redis.run_within(limit, async |mut connection: Connection| {
            redis::cmd("GET").arg("a").query_async::<Option<String>>(&mut connection).await
        });
        assert!(matches!(asked.await, Err(RedisError::TimedOut)));
        assert!(started.elapsed() >= limit, "a command has the time that it was given");
    }
    assert_costs_nothing(&redis);
    let mut recovered = redis.recovered();
    proxy.restore_networking();
    recovered.changed().await.expect("Redis is still used");
    until_up(&redis).await;
}

#[tokio::test]
async fn a_network_that_loses_an_old_connection_for_good_is_survived_by_a_new_one() {
    let server = TestRedis::shared().await;
    let proxy = ChaosProxy::to(server.address()).await;
    let redis = through(&proxy).await;
    proxy.strand_connections();
    for _ in 0..3 {
        assert!(matches!(get(&redis, "a").await, Err(RedisError::TimedOut)));
    }
    until_up(&redis).await;
    assert!(get(&redis, "a").await.is_ok());
}

#[tokio::test]
async fn one_slow_command_is_no_reason_to_give_redis_up() {
    let server = TestRedis::shared().await;
    let redis = Redis::new(Some(&server.url())).expect("the URL is right");
    for _ in 0..5 {
        let slow = redis.run_within(Duration::from_millis(20), async |mut connection: Connection| {
            redis::cmd("BLPOP").arg("nobody:pushes").arg(0.05).query_async::<()>(&mut connection).await
        });
        assert!(matches!(slow.await, Err(RedisError::TimedOut)));
        eventually("the next command is answered", async || redis.ping().await).await;
    }
    assert!(redis.is_up());
}

#[tokio::test]
async fn a_redis_that_is_slower_than_its_users_can_wait_is_away_until_it_is_quick_again() {
    let server = TestRedis::shared().await;
    let proxy = ChaosProxy::to(server.address()).await;
    let redis = through(&proxy).await;
    proxy.slow(Duration::from_millis(120));
    let quick = async || {
        let asked = async |mut connection: Connection| redis::cmd("PING").query_async::<()>(&mut connection).await;
        redis.run_within(Duration::from_millis(50), asked).await
    };
    for _ in 0..3 {
        assert!(quick().await.is_err());
    }
    // It does answer, but too late for those who ask; letting them through again would cost each of them 50 ms.
    tried_to_come_back(&proxy).await;
    assert_costs_nothing(&redis);
    proxy.restore_networking();
    until_up(&redis).await;
    eventually("it answers in time", async || quick().await.is_ok()).await;
}

#[tokio::test]
async fn rubbish_from_something_that_is_no_redis_opens_the_breaker() {
    let server = TestRedis::shared().await;
    let proxy = ChaosProxy::to(server.address()).await;
    let redis = through(&proxy).await;
    proxy.garble();
    assert!(get(&redis, "a").await.is_err(), "it is taken for a wrong answer…");
    assert!(get(&redis, "a").await.is_err(), "…but the connection is closed after it");
    assert_costs_nothing(&redis);
    proxy.restore_networking();
    until_up(&redis).await;
}

#[tokio::test]
async fn a_wrong_answer_to_one_command_is_no_reason_to_give_redis_up() {
    let server = TestRedis::start().await;
    let redis = Redis::new(Some(&server.url())).expect("the URL is right");
    server.command("SET text none-of-a-number").await;
    server.command("RPUSH list a").await;
    for _ in 0..5 {
        let failing_script = redis.run(async |mut connection: Connection| {
            redis::Script::new("return redis.error_reply('MINE it failed')")
                .invoke_async::<_, ()>(&mut connection)
                .await
        });
        assert!(matches!(failing_script.await, Err(RedisError::Failed(_))));
        let broken_script = redis.run(async |mut connection: Connection| {
            redis::Script::new("return nobody.knows.this").invoke_async::<_, ()>(&mut connection).await
        });
        assert!(matches!(broken_script.await, Err(RedisError::Failed(_))));
        assert!(matches!(get(&redis, "list").await, Err(RedisError::Failed(_))), "WRONGTYPE");
        let number = redis.run(async |mut connection: Connection| {
            redis::cmd("GET").arg("text").query_async::<u64>(&mut connection).await
        });
        assert!(matches!(number.await, Err(RedisError::Failed(_))));
        let piped = redis.run(async |mut connection: Connection| {
            redis::pipe().cmd("GET").arg("list").cmd("GET").arg("text").query_async::<()>(&mut connection).await
        });
        assert!(matches!(piped.await, Err(RedisError::Failed(_))));
        assert!(redis.is_up());
    }
}

#[tokio::test]
async fn a_full_redis_still_answers_and_forgets() {
    let server = TestRedis::start_with_max_memory("3mb").await;
    let redis = Redis::new(Some(&server.url())).expect("the URL is right");
    let set = async |key: String| {
        redis
            .run(async |mut connection: Connection| {
                redis::cmd("SET").arg(&key).arg("x".repeat(100_000)).query_async::<()>(&mut connection).await
            })
            .await
    };
    let mut stored = 0;
    let refused = loop {
        match set(format!("key-{stored}")).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "it must be full some time");
    };
    assert!(matches!(&refused, RedisError::Failed(error) if error.code() == Some("OOM")), "{refused:?}");
    for _ in 0..5 {
        assert!(set("another".to_owned()).await.is_err());
        assert!(redis.is_up());
    }
    assert!(get(&redis, "key-0").await.expect("reads go on").is_some());
    let delete = async |mut connection: Connection| redis::cmd("DEL").arg("key-0").query_async(&mut connection).await;
    let deleted: u64 = redis.run(delete).await.expect("and so do invalidations");
    assert_eq!(deleted, 1);
}

#[tokio::test]
async fn a_redis_that_became_a_replica_is_away_until_it_can_be_written_to() {
    let server = TestRedis::start().await;
    let proxy = ChaosProxy::to(server.address()).await;
    let redis = through(&proxy).await;
    // A replica of nobody who is there.
    assert_eq!(server.command("REPLICAOF 127.0.0.1 9").await, "+OK");
    let write = async |mut connection: Connection| redis::cmd("SET").arg("a").arg(1).query_async(&mut connection).await;
    let written: Result<(), _> = redis.run(write).await;
    assert!(matches!(&written, Err(RedisError::Failed(error)) if error.code() == Some("READONLY")), "{written:?}");
    assert_costs_nothing(&redis);
    tried_to_come_back(&proxy).await;
    assert!(!redis.is_up(), "it answers a PING, but is of no use");
    assert_eq!(server.command("REPLICAOF NO ONE").await, "+OK");
    until_up(&redis).await;
}

#[tokio::test]
async fn attempts_are_limited_by_each_process_while_redis_is_away_and_together_when_it_is_back() {
    let server = TestRedis::start().await;
    let rate = Rate { burst: 2, interval: Duration::from_secs(600) };
    let limiter = || {
        let redis = Redis::new(Some(&server.url())).expect("the URL is right");
        (RateLimiter::new("logins", rate, redis.clone()), redis)
    };
    let ((one, redis), (other, _)) = (limiter(), limiter());
    assert!(one.check("ann").await.is_ok() && other.check("ann").await.is_ok());
    assert!(one.check("ann").await.is_err() && other.check("ann").await.is_err(), "the two count together");
    server.stop();
    assert!(one.check("ann").await.is_ok(), "it starts to count for itself");
    assert!(one.check("ann").await.is_ok() && one.check("ann").await.is_err());
    server.start_again().await;
    until_up(&redis).await;
    assert!(one.check("ann").await.is_ok());
}

#[tokio::test]
async fn without_redis_nothing_is_asked_and_nothing_recovers() {
    let redis = Redis::absent();
    assert!(matches!(get(&redis, "a").await, Err(RedisError::Absent)));
    assert!(!redis.is_up() && !redis.is_configured());
    let mut recovered = redis.recovered();
    let waited = tokio::time::timeout(Duration::from_millis(20), recovered.changed()).await;
    assert!(waited.is_err(), "waiting for it is no busy loop");
}
