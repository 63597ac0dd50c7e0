//! What the patterns do differently.

use std::time::Duration;

use shop_policy::{Pattern, Policy};

use crate::support::{Shop, Thing, eventually, policy, shared_only};

#[tokio::test(flavor = "multi_thread")]
async fn write_through_puts_the_value_there_so_that_the_next_read_anywhere_is_a_hit() {
    let shop = Shop::new().await;
    let through = shared_only(Pattern::WriteThrough);
    let (one, other) = (shop.pod(&through).await, shop.pod(&through).await);
    one.write(7, 1).await;
    let (version, status) = other.get(7).await;
    assert_eq!((version, status.is_hit(), shop.db.loads()), (1, true, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn cache_aside_drops_what_is_written() {
    let shop = Shop::new().await;
    let pod = shop.pod(&policy(Pattern::CacheAside)).await;
    pod.write(7, 1).await;
    let (version, status) = pod.get(7).await;
    assert_eq!((version, status.is_hit(), shop.db.loads()), (1, false, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_leaves_no_trace() {
    let shop = Shop::new().await;
    let pod = shop.pod(&shared_only(Pattern::WriteThrough)).await;
    shop.db.set(7, 1);
    pod.cache.begin_write(vec![7]).await.rolled_back().await;
    assert_eq!(pod.version(7).await, 1);
    assert!(pod.status(7).await.contains("hit"), "it can be cached at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_ahead_renews_before_the_end_by_one_pod_and_no_reader_ever_misses() {
    let shop = Shop::new().await;
    let ahead = Policy {
        ttl: Duration::from_secs(6),
        refresh_before: Duration::from_secs(3),
        local: None,
        ..policy(Pattern::RefreshAhead)
    };
    let (one, other) = (shop.pod(&ahead).await, shop.pod(&ahead).await);
    shop.db.set(7, 1);
    assert_eq!((one.version(7).await, other.version(7).await), (1, 1));
    shop.db.set(7, 2);
    // Nobody reads; it is renewed all the same, three seconds before its end.
    eventually(|| async { shop.db.loads() == 2 }).await;
    eventually(|| async { one.metric("cache_refreshes_total") + other.metric("cache_refreshes_total") == 1 }).await;
    let (version, status) = one.get(7).await;
    assert_eq!((version, status.is_hit()), (2, true));
    assert_eq!(shop.db.loads(), 2, "one of the two pods did it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_ends_before_its_refresh_point_is_renewed_in_proportion_and_no_oftener() {
    let shop = Shop::new().await;
    let ahead = Policy {
        ttl: Duration::from_secs(60),
        refresh_before: Duration::from_secs(30),
        ..policy(Pattern::RefreshAhead)
    };
    let pod = shop.pod(&ahead).await;
    shop.db.set(7, 1);
    shop.db.values_hold(Duration::from_secs(3));
    assert_eq!(pod.version(7).await, 1);
    let until = tokio::time::Instant::now() + Duration::from_secs(7);
    while tokio::time::Instant::now() < until {
        assert!(pod.get(7).await.1.is_hit(), "it is renewed before its end");
    }
    // After half of each 3 s: 7 s have room for four renewals and the first load.
    assert!((3..=6).contains(&shop.db.loads()), "{} loads", shop.db.loads());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_drops_the_entry_on_all_pods_with_event_invalidated_and_only_then() {
    let shop = Shop::new().await;
    for (pattern, newest) in [(Pattern::EventInvalidated, 2), (Pattern::CacheAside, 1)] {
        let shop = Shop::on(shop.redis);
        let (one, other) = (shop.pod(&policy(pattern)).await, shop.pod(&policy(pattern)).await);
        shop.db.set(7, 1);
        assert_eq!((one.version(7).await, other.version(7).await), (1, 1));
        shop.db.set(7, 2);
        one.cache.on_event(&7).await;
        eventually(|| async { other.version(7).await == newest }).await;
        assert_eq!(one.version(7).await, newest);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_goes_to_the_source_each_time() {
    let shop = Shop::new().await;
    let pod = shop.pod(&policy(Pattern::None)).await;
    shop.db.set(7, 1);
    assert_eq!(pod.status(7).await, "products; fwd=bypass");
    assert_eq!((pod.version(7).await, shop.db.loads()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_overlap_drop_the_entry_since_nobody_knows_their_order() {
    let shop = Shop::new().await;
    let through = shared_only(Pattern::WriteThrough);
    let (one, other) = (shop.pod(&through).await, shop.pod(&through).await);
    let first = one.cache.begin_write(vec![7]).await;
    let second = other.cache.begin_write(vec![7]).await;
    shop.db.set(7, 1);
    shop.db.set(7, 2);
    let thing = |version| vec![(7, Thing { version, made_of: vec![] })];
    second.committed(thing(2)).await;
    first.committed(thing(1)).await;
    assert_eq!((one.version(7).await, other.version(7).await), (2, 2));
    assert_eq!(shop.db.loads(), 1, "neither value was put there");
}
