//! Redis absent, lost, flushed, restarted, slow, full, and answering rubbish: answers go on and none is wrong.

use std::time::{Duration, Instant};

use shop_cache::{Pending, Reason, Tag};
use shop_policy::{CacheName, LocalTier, Pattern, Policy};
use shop_testkit::{ChaosProxy, TestRedis};

use crate::support::{Shop, eventually, fixed, policy, shared_only};

/// What a read may cost while Redis does not answer, on average.
const READS: u32 = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_redis_caches_in_memory_alone() {
    let shop = Shop::new().await;
    let pod = shop.lone_pod::<1>(None, &fixed(&policy(Pattern::CacheAside)));
    shop.db.set(7, 1);
    assert_eq!((pod.version(7).await, pod.version(7).await, shop.db.loads()), (1, 1, 1));
    pod.write(7, 2).await;
    assert_eq!(pod.version(7).await, 2);
    pod.invalidate(7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_absent_at_the_start_is_used_once_it_is_there() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    way.break_networking();
    let shop = Shop::on(redis.address());
    let pod = shop.lone_pod::<1>(Some(way.address()), &fixed(&shared_only(Pattern::CacheAside)));
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    way.restore_networking();
    eventually(|| async { pod.get(7).await.1.is_hit() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_or_silent_redis_fails_nothing_and_slows_down_little() {
    let redis = TestRedis::start().await;
    for silent in [false, true] {
        let way = ChaosProxy::to(redis.address()).await;
        let shop = Shop::on(redis.address());
        let pod = shop.pod_by::<1>(way.address(), &fixed(&shared_only(Pattern::CacheAside))).await;
        shop.db.set(7, 1);
        assert_eq!(pod.version(7).await, 1);
        if silent {
            way.silence();
        } else {
            way.break_networking();
        }
        let began = Instant::now();
        for _ in 0..READS {
            assert_eq!(pod.version(7).await, 1);
        }
        println!("a read without Redis (silent: {silent}): {:?}", began.elapsed() / READS);
        assert_eq!(shop.db.version(7), 1);
        way.restore_networking();
        eventually(|| async { pod.get(7).await.1.is_hit() }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_redis_did_not_hear_of_asks_for_the_outbox_and_is_made_good() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let through = shared_only(Pattern::WriteThrough);
    let cut_off = shop.pod_by::<1>(way.address(), &fixed(&through)).await;
    let other = shop.pod(&through).await;
    other.write(7, 1).await;
    way.break_networking();
    let write = cut_off.cache.begin_write(vec![7]).await;
    let pending = write.pending();
    assert_eq!(pending.len(), 1, "Redis could not be told before the commit");
    shop.db.set(7, 2);
    write.committed(vec![(7, crate::support::Thing { version: 2, made_of: vec![] })]).await;
    assert_eq!(cut_off.version(7).await, 2, "who wrote sees it");
    // Any pod that reaches Redis carries out what the outbox has.
    other.caches.carry_out(&pending[0], Duration::ZERO).await.unwrap();
    assert_eq!(other.version(7).await, 2);
    // And so does the pod itself, from memory, once it reaches Redis.
    shop.db.set(7, 3);
    let write = cut_off.cache.begin_write(vec![7]).await;
    write.committed(vec![]).await;
    way.restore_networking();
    eventually(|| async { other.version(7).await == 3 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_stale_answers_were_is_counted_from_the_commit_however_late_other_pods_hear_of_it() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let other = shop.pod(&policy(Pattern::CacheAside)).await;
    let pod = shop.pod_by::<1>(way.address(), &fixed(&policy(Pattern::CacheAside))).await;
    shop.db.set(7, 1);
    assert_eq!((pod.version(7).await, other.version(7).await), (1, 1));
    way.break_networking();
    pod.write(7, 2).await;
    let committed = Instant::now();
    while committed.elapsed() < Duration::from_secs(1) {
        assert_eq!(other.version(7).await, 1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    way.restore_networking();
    eventually(|| async { other.version(7).await == 2 }).await;
    assert!(other.answers().1 > 0, "answers were wrong for a second, and more");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_stale_answers_were_is_counted_from_the_commit_however_long_redis_takes_no_writes() {
    let redis = TestRedis::start().await;
    let shop = Shop::on(redis.address());
    let (pod, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    shop.db.set(7, 1);
    assert_eq!((pod.version(7).await, other.version(7).await), (1, 1));
    // Pods know Redis' clock from signs of life, of which each gives one a second.
    shop.signs_of_life(6).await;
    let write = pod.cache.begin_write(vec![7]).await;
    shop.db.set(7, 2);
    redis.command("CLIENT PAUSE 1500 WRITE").await;
    // The pod gives up what it has sent, and tells it again when Redis goes on.
    write.committed(Vec::new()).await;
    eventually(|| async { other.version(7).await == 2 }).await;
    assert!(other.answers().1 > 0, "answers were wrong for more than a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_stale_answers_were_is_counted_from_what_waited_in_the_outbox() {
    let shop = Shop::new().await;
    let pod = shop.idle_pod::<1>(Some(shop.redis), None, &fixed(&policy(Pattern::CacheAside)));
    shop.db.set(7, 1);
    let before = Instant::now();
    while before.elapsed() < Duration::from_millis(1_200) {
        assert_eq!(pod.version(7).await, 1);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let pending = Pending { cache: CacheName::Products, schema: 1, keys: vec!["7".into()], tags: Vec::new() };
    pod.caches.carry_out(&pending, Duration::from_millis(900)).await.unwrap();
    let (fresh, wrong) = pod.answers();
    assert!(fresh > 0 && wrong > 0, "{fresh} before the commit, {wrong} long after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_reads_past_what_redis_should_have_dropped_until_it_has_heard_of_it() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let through = shared_only(Pattern::WriteThrough);
    let other = shop.pod(&through).await;
    // It makes nothing good by itself, so that nothing is in time by chance.
    let pod = shop.idle_pod::<1>(Some(way.address()), None, &fixed(&through));
    for key in [1, 12, 23] {
        other.write(key, 1).await;
        assert_eq!(pod.version(key).await, 1);
    }
    way.break_networking();
    pod.write(1, 2).await;
    shop.db.set(12, 2);
    assert!(pod.cache.invalidate(&12, Reason::Request).await.is_err());
    shop.db.set(23, 2);
    assert!(pod.cache.invalidate_tags(&[Tag::new("decade", 2)], Reason::Request).await.is_err());
    way.restore_networking();
    // A key that nothing waits for.
    eventually(|| async { pod.get(34).await.1.is_hit() }).await;
    for key in [1, 12, 23] {
        assert_eq!(other.version(key).await, 1, "Redis still has what it was not told of");
        for _ in 0..10 {
            assert_eq!(pod.version(key).await, 2);
        }
    }
    pod.run();
    for key in [1, 12, 23] {
        eventually(|| async { other.version(key).await == 2 && pod.get(key).await.1.is_hit() }).await;
        assert_eq!(pod.version(key).await, 2);
    }
    eventually(|| async { pod.metric("cache_invalidations_waiting") == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_outbox_is_needed_while_redis_hears() {
    let shop = Shop::new().await;
    let pod = shop.pod(&policy(Pattern::CacheAside)).await;
    let write = pod.cache.begin_write(vec![7]).await;
    assert!(write.pending().is_empty());
    write.rolled_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_of_redis_loses_speed_only() {
    let redis = TestRedis::start().await;
    let shop = Shop::on(redis.address());
    let pod = shop.pod(&shared_only(Pattern::WriteThrough)).await;
    shop.db.set(7, 1);
    shop.db.hold();
    let reader = {
        let cache = pod.cache.clone();
        tokio::spawn(async move { cache.get(&7).await })
    };
    shop.db.held(1).await;
    redis.flush().await;
    pod.write(7, 2).await;
    shop.db.let_go();
    reader.await.unwrap().unwrap();
    assert_eq!(pod.version(7).await, 2);
    redis.flush().await;
    assert_eq!(pod.version(7).await, 2);
    assert!(pod.get(7).await.1.is_hit());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_redis_loses_speed_only_and_pods_hear_of_each_other_again() {
    let redis = TestRedis::start().await;
    let shop = Shop::on(redis.address());
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    shop.db.set(7, 1);
    assert_eq!((one.version(7).await, other.version(7).await), (1, 1));
    redis.stop();
    assert_eq!((one.version(7).await, other.version(7).await), (1, 1));
    eventually(|| async { one.metric("cache_subscribed") == 0 && other.metric("cache_subscribed") == 0 }).await;
    redis.start_again().await;
    eventually(|| async { one.metric("cache_subscribed") == 1 && other.metric("cache_subscribed") == 1 }).await;
    eventually(|| async { one.get(8).await.1.stored || one.get(8).await.1.is_hit() }).await;
    assert_eq!(other.version(7).await, 1);
    one.write(7, 2).await;
    eventually(|| async { other.version(7).await == 2 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_does_not_hear_the_others_drops_its_memory_and_is_never_staler_than_its_local_ttl() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let brief = Policy {
        local: Some(LocalTier { ttl: Duration::from_millis(500), max_entries: 100 }),
        ..policy(Pattern::CacheAside)
    };
    let deaf = shop.pod_by::<1>(way.address(), &fixed(&brief)).await;
    let other = shop.pod(&brief).await;
    shop.db.set(7, 1);
    assert_eq!(deaf.version(7).await, 1);
    way.silence();
    other.write(7, 2).await;
    let written = Instant::now();
    eventually(|| async { deaf.version(7).await == 2 }).await;
    println!("stale for {:?} with a local ttl of 500 ms", written.elapsed());
    eventually(|| async { deaf.metric_with("cache_invalidations_total", "flush") >= 2 }).await;
    way.restore_networking();
    eventually(|| async { deaf.metric("cache_subscribed") == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_hears_the_others_too_late_keeps_dropping_its_memory() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    // Only what it hears is late; what it asks for is not.
    let patient = fixed(&policy(Pattern::CacheAside));
    let pod = shop.wired_pod::<1>(Some(redis.address()), Some(way.address()), &patient);
    eventually(|| async { pod.metric("cache_subscribed") == 1 }).await;
    let flushes = pod.metric_with("cache_invalidations_total", "flush");
    // Late, and never silent for long.
    way.slow(Duration::from_millis(1_500));
    eventually(|| async { pod.metric_with("cache_invalidations_total", "flush") > flushes }).await;
    way.restore_networking();
    eventually(|| async { pod.metric("cache_subscribed") == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_forbids_to_serve_stale_is_not_served_from_memory_either() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let strict = Policy {
        stale_if_error: Duration::ZERO,
        local: Some(LocalTier { ttl: Duration::from_millis(300), max_entries: 100 }),
        ..policy(Pattern::CacheAside)
    };
    // It goes on hearing another pod's signs of life, so nothing makes it drop what it has.
    let _other = shop.pod(&strict).await;
    let pod = shop.wired_pod::<1>(Some(way.address()), Some(redis.address()), &fixed(&strict));
    eventually(|| async { pod.metric("cache_subscribed") == 1 }).await;
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    way.break_networking();
    shop.db.set(7, 2);
    shop.db.feel(crate::support::Mood::Failing);
    eventually(|| async { pod.cache.get(&7).await.is_err() }).await;
    for _ in 0..10 {
        assert!(pod.cache.get(&7).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_two_seconds_slow_is_left_alone() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let pod = shop.pod_by::<1>(way.address(), &fixed(&shared_only(Pattern::CacheAside))).await;
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    way.slow(Duration::from_secs(2));
    let began = Instant::now();
    for _ in 0..READS {
        assert_eq!(pod.version(7).await, 1);
    }
    println!("a read with a Redis that is 2 s slow: {:?}", began.elapsed() / READS);
    way.restore_networking();
    eventually(|| async { pod.get(7).await.1.is_hit() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_stores_nothing_and_breaks_nothing() {
    let redis = TestRedis::start_with_max_memory("1").await;
    let shop = Shop::on(redis.address());
    let pod = shop.pod(&shared_only(Pattern::CacheAside)).await;
    shop.db.set(7, 1);
    for version in 1..20 {
        assert_eq!(pod.version(7).await, version);
        pod.write(7, version + 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_answers_rubbish_is_as_good_as_none() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let pod = shop.pod_by::<1>(way.address(), &fixed(&shared_only(Pattern::CacheAside))).await;
    shop.db.set(7, 1);
    way.garble();
    for _ in 0..20 {
        assert_eq!(pod.version(7).await, 1);
    }
    pod.write(7, 2).await;
    assert_eq!(pod.version(7).await, 2);
    way.restore_networking();
    eventually(|| async { pod.get(7).await.1.is_hit() }).await;
    assert_eq!(pod.version(7).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_are_not_ours_are_replaced() {
    let redis = TestRedis::start().await;
    let shop = Shop::on(redis.address());
    let pod = shop.pod(&shared_only(Pattern::CacheAside)).await;
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    let key = format!("{{{}:products}}:e:1:7", shop.name);
    let markers = redis.command(&format!("GET {key}")).await;
    let header = markers.lines().find(|line| line.contains(" v ")).unwrap().trim().to_owned();
    let other_type = format!("EVAL \"return redis.call('SET',KEYS[1],'{header}\\\\n[1,2]','PX','1200000')\" 1 {key}");
    for break_it in [
        format!("SET {key} rubbish"),
        format!("SET {key} \"\""),
        other_type,
        format!("EVAL \"redis.call('DEL',KEYS[1]) return redis.call('LPUSH',KEYS[1],'1')\" 1 {key}"),
    ] {
        redis.command(&break_it).await;
        assert_eq!(pod.version(7).await, 1, "{break_it}");
        eventually(|| async { pod.get(7).await.1.is_hit() }).await;
    }
    assert_eq!(pod.metric("cache_undecodable_total"), 2, "one that looks like an entry, read and then asked for again");
}
