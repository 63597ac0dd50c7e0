//! Nothing older behind anything newer: pauses at every point between the database and the caches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use shop_cache::{Reason, Tag};
use shop_policy::{Pattern, Policy};
use shop_testkit::{ChaosProxy, TestRedis};

use crate::support::{Shop, Thing, eventually, fixed, policy, shared_only};

/// Reads on both pods, now and when all that was on its way has arrived, give the newest version.
async fn everyone_sees(shop: &Shop, pods: &[&crate::support::Pod], key: u32) {
    let newest = shop.db.version(key);
    for pod in pods {
        eventually(|| async { pod.version(key).await == newest }).await;
    }
    for pod in pods {
        assert_eq!(pod.version(key).await, newest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_load_never_overwrites_a_newer_value() {
    for pattern in [Pattern::WriteThrough, Pattern::CacheAside, Pattern::RefreshAhead] {
        let shop = Shop::new().await;
        let (one, other) = (shop.pod(&policy(pattern)).await, shop.pod(&policy(pattern)).await);
        shop.db.set(7, 1);
        shop.db.hold();
        let reader = {
            let cache = one.cache.clone();
            tokio::spawn(async move { cache.get(&7).await })
        };
        shop.db.held(1).await;
        other.write(7, 2).await;
        shop.db.let_go();
        assert_eq!(
            reader.await.unwrap().unwrap().value.unwrap().version,
            1,
            "who asked before the write may see it so"
        );
        assert!(one.metric("cache_fills_refused_total") >= 1);
        everyone_sees(&shop, &[&one, &other], 7).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_during_a_load_is_not_lost() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    for (round, by_tag) in [(0, false), (1, true)] {
        let key = 7 + round * 100;
        shop.db.set(key, 1);
        shop.db.hold();
        let reader = {
            let cache = one.cache.clone();
            tokio::spawn(async move { cache.get(&key).await })
        };
        shop.db.held(1).await;
        shop.db.set(key, 2);
        if by_tag {
            other.cache.invalidate_tags(&[Tag::new("decade", key / 10)], Reason::Tag).await.unwrap();
        } else {
            other.invalidate(key).await;
        }
        shop.db.let_go();
        reader.await.unwrap().unwrap();
        everyone_sees(&shop, &[&one, &other], key).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_only_the_loaded_value_tells_of_is_heeded_if_it_is_invalidated_during_the_load() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    shop.db.set_made_of(7, 1, &[42]);
    shop.db.hold();
    let reader = {
        let cache = one.cache.clone();
        tokio::spawn(async move { cache.get(&7).await })
    };
    shop.db.held(1).await;
    shop.db.set_made_of(7, 2, &[42]);
    other.cache.invalidate_tags(&[Tag::new("part", 42)], Reason::Tag).await.unwrap();
    shop.db.let_go();
    reader.await.unwrap().unwrap();
    everyone_sees(&shop, &[&one, &other], 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_stalls_between_the_database_and_redis_is_too_late() {
    let shop = Shop::new().await;
    let way = ChaosProxy::to(shop.redis).await;
    let quick = Policy { soft_timeout: Duration::from_millis(50), ..policy(Pattern::CacheAside) };
    let stalled = shop.pod_by::<1>(way.address(), &fixed(&quick)).await;
    let other = shop.pod(&quick).await;
    shop.db.set(7, 1);
    shop.db.hold();
    let reader = {
        let cache = stalled.cache.clone();
        tokio::spawn(async move { cache.get(&7).await })
    };
    shop.db.held(1).await;
    // It has read the old row; what it sends to Redis now is stuck on the way.
    way.silence();
    shop.db.let_go();
    other.write(7, 2).await;
    assert_eq!(other.version(7).await, 2);
    way.restore_networking();
    reader.await.unwrap().unwrap();
    everyone_sees(&shop, &[&stalled, &other], 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_left_redis_before_it_heard_of_a_change_is_not_served_after_it_did() {
    let redis = TestRedis::start().await;
    let way = ChaosProxy::to(redis.address()).await;
    let shop = Shop::on(redis.address());
    let through = shared_only(Pattern::WriteThrough);
    let other = shop.pod(&through).await;
    // It makes nothing good before it is told to.
    let pod = shop.idle_pod::<1>(Some(way.address()), None, &fixed(&through));
    other.write(7, 1).await;
    assert_eq!(pod.version(7).await, 1);
    way.break_networking();
    shop.db.set(7, 2);
    assert!(pod.cache.invalidate(&7, Reason::Request).await.is_err());
    way.restore_networking();
    // A key that nothing waits for.
    eventually(|| async { pod.get(34).await.1.is_hit() }).await;
    // It asks Redis, and does not hear the answer before Redis was told, over the same connection.
    let mut read = std::pin::pin!(pod.cache.get(&7));
    assert!(futures::poll!(read.as_mut()).is_pending());
    pod.run();
    eventually(|| async { pod.metric("cache_invalidations_waiting") == 0 }).await;
    assert_eq!(read.await.unwrap().value.unwrap().version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_write_never_overwrites_a_newer_one() {
    let shop = Shop::new().await;
    let way = ChaosProxy::to(shop.redis).await;
    let through = shared_only(Pattern::WriteThrough);
    let stalled = shop.pod_by::<1>(way.address(), &fixed(&through)).await;
    let other = shop.pod(&through).await;
    let write = stalled.cache.begin_write(vec![7]).await;
    shop.db.set(7, 1);
    way.silence();
    let finishing = tokio::spawn(write.committed(vec![(7, Thing { version: 1, made_of: vec![] })]));
    other.write(7, 2).await;
    assert_eq!(other.version(7).await, 2);
    way.restore_networking();
    finishing.await.unwrap();
    everyone_sees(&shop, &[&stalled, &other], 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_after_its_commit_leaves_nothing_old() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::WriteThrough)).await, shop.pod(&policy(Pattern::WriteThrough)).await);
    one.write(7, 1).await;
    assert_eq!(other.version(7).await, 1);
    let write = one.cache.begin_write(vec![7]).await;
    shop.db.set(7, 2);
    drop(write);
    everyone_sees(&shop, &[&one, &other], 7).await;
    // Nobody knows when the transaction ends, so nothing is stored until it must have.
    assert!(!other.get(7).await.1.stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_after_a_write_never_shares_a_load_that_began_before_it() {
    let shop = Shop::new().await;
    let through = shared_only(Pattern::WriteThrough);
    let (one, other) = (shop.pod(&through).await, shop.pod(&through).await);
    shop.db.set(7, 1);
    shop.db.hold();
    let early = {
        let cache = one.cache.clone();
        tokio::spawn(async move { cache.get(&7).await })
    };
    shop.db.held(1).await;
    let write = other.cache.begin_write(vec![7]).await;
    shop.db.set(7, 2);
    write.committed(vec![]).await;
    let late = {
        let cache = one.cache.clone();
        tokio::spawn(async move { cache.get(&7).await })
    };
    shop.db.let_go();
    early.await.unwrap().unwrap();
    assert_eq!(late.await.unwrap().unwrap().value.unwrap().version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_of_reads_and_writes_no_reader_ever_goes_back_and_the_end_is_the_newest() {
    for pattern in [Pattern::WriteThrough, Pattern::CacheAside] {
        let shop = Shop::new().await;
        let shared = shared_only(pattern);
        let pods: Vec<_> = join_all([(); 3].map(|()| shop.pod(&shared))).await.into_iter().map(Arc::new).collect();
        let over = Arc::new(AtomicBool::new(false));
        let readers = (0..9).map(|number| {
            let (pod, over) = (Arc::clone(&pods[number % 3]), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    // Without a local tier a read is never behind a write that had ended when it began.
                    let before = pod.db.version(7);
                    let (acknowledged, version) = (before.saturating_sub(1), pod.version(7).await);
                    assert!(version >= acknowledged, "{version} was served after {acknowledged} was acknowledged");
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        for version in 1..=300 {
            pods[usize::try_from(version).unwrap() % 3].write(7, version).await;
        }
        over.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
        for pod in &pods {
            assert_eq!(pod.version(7).await, 300);
        }
    }
}
