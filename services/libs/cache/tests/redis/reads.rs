//! Where answers come from.

use std::time::Duration;

use futures::future::join_all;
use shop_policy::{Pattern, Policy};
use shop_runtime::Context;

use crate::support::{Shop, eventually, fixed, policy, shared_only};

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_loaded_once_then_comes_from_memory_and_on_another_pod_from_redis() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    shop.db.set(7, 1);
    assert_eq!(one.status(7).await, "products; fwd=miss; stored; ttl=600");
    assert!(one.status(7).await.starts_with("products; hit; ttl=59"));
    assert!(one.status(7).await.ends_with("detail=local"));
    let first = other.status(7).await;
    assert!(first.ends_with("detail=redis"), "{first}");
    assert!(other.status(7).await.ends_with("detail=local"));
    assert_eq!(shop.db.loads(), 1);
    assert_eq!((one.metric_with("cache_hits_total", "local"), one.metric("cache_misses_total")), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requests_for_a_cold_key_on_three_pods_are_one_load() {
    let shop = Shop::new().await;
    let aside = policy(Pattern::CacheAside);
    let pods = join_all([(); 3].map(|()| shop.pod(&aside))).await;
    shop.db.set(7, 1);
    shop.db.hold();
    let requests = (0..200).map(|number| pods[number % 3].version(7));
    let (versions, ()) = tokio::join!(join_all(requests), async {
        shop.db.held(1).await;
        shop.db.let_go();
    });
    assert!(versions.iter().all(|version| *version == 1));
    assert_eq!(shop.db.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_being_loaded_shares_the_load_and_is_counted_as_such() {
    let shop = Shop::new().await;
    // Without Redis nobody waits for anything before the load, so all of them have asked when it is held.
    let pod = shop.lone_pod::<1>(None, &fixed(&policy(Pattern::CacheAside)));
    shop.db.set(7, 1);
    shop.db.hold();
    let (versions, ()) = tokio::join!(join_all((0..20).map(|_| pod.version(7))), async {
        shop.db.held(1).await;
        shop.db.let_go();
    });
    assert_eq!(versions, [1; 20]);
    assert_eq!((shop.db.loads(), pod.metric("cache_coalesced_total")), (1, 19));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_belongs_to_the_trace_of_whoever_began_it_and_not_to_their_deadline() {
    let shop = Shop::new().await;
    for (key, pattern) in [(1, Pattern::CacheAside), (2, Pattern::None)] {
        let pod = shop.pod(&policy(pattern)).await;
        shop.db.set(key, 1);
        let context = Context::following(None).with_trace_state("rojo=1".parse().ok());
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        assert_eq!(context.clone().until(deadline).scope(pod.version(key)).await, 1);
        let asked = shop.db.asked().pop().expect("it was loaded");
        let expected = (context.trace(), context.trace_state(), None);
        assert_eq!((asked.trace(), asked.trace_state(), asked.deadline()), expected, "{pattern:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_expiry_of_a_hot_key_on_three_pods_is_one_load() {
    let shop = Shop::new().await;
    let short =
        Policy { ttl: Duration::from_millis(300), stale_if_error: Duration::ZERO, ..shared_only(Pattern::CacheAside) };
    let pods = join_all([(); 3].map(|()| shop.pod(&short))).await;
    shop.db.set(7, 1);
    let until = tokio::time::Instant::now() + Duration::from_millis(2_000);
    join_all((0..12).map(async |number| {
        while tokio::time::Instant::now() < until {
            assert_eq!(pods[number % 3].version(7).await, 1);
        }
    }))
    .await;
    // 2 s hold 6 whole lifetimes, so there is no room for an eighth load.
    assert!((1..=7).contains(&shop.db.loads()), "{} loads", shop.db.loads());
}

#[tokio::test(flavor = "multi_thread")]
async fn that_there_is_nothing_is_remembered_and_forgotten_when_there_is_something() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    assert_eq!(one.version(7).await, 0);
    assert_eq!((one.version(7).await, other.version(7).await), (0, 0));
    assert_eq!(shop.db.loads(), 1);
    other.write(7, 1).await;
    eventually(|| async { one.version(7).await == 1 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_not_remembered_if_the_policy_says_so() {
    let shop = Shop::new().await;
    let forgetful = Policy { negative_ttl: Duration::ZERO, ..policy(Pattern::CacheAside) };
    let pod = shop.pod(&forgetful).await;
    assert_eq!((pod.version(7).await, pod.version(7).await), (0, 0));
    assert_eq!(shop.db.loads(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_knows_its_end_is_never_served_beyond_it() {
    let shop = Shop::new().await;
    let pod = shop.pod(&policy(Pattern::CacheAside)).await;
    shop.db.set(7, 1);
    shop.db.values_hold(Duration::from_millis(200));
    assert_eq!(pod.version(7).await, 1);
    shop.db.set(7, 2);
    shop.db.feel(crate::support::Mood::Failing);
    let ended = || async { pod.cache.get(&7).await.is_err() };
    eventually(ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_of_neighbouring_versions_never_read_each_others_bytes_but_hear_each_others_writes() {
    let shop = Shop::new().await;
    let policies = crate::support::fixed(&shared_only(Pattern::CacheAside));
    let old = shop.pod_by::<1>(shop.redis, &policies).await;
    let new = shop.pod_by::<2>(shop.redis, &policies).await;
    shop.db.set(7, 1);
    assert_eq!((old.version(7).await, new.version(7).await), (1, 1));
    assert_eq!(shop.db.loads(), 2, "each has its own entry");
    old.write(7, 2).await;
    assert_eq!((old.version(7).await, new.version(7).await), (2, 2));
    new.write(7, 3).await;
    assert_eq!((old.version(7).await, new.version(7).await), (3, 3));
}
