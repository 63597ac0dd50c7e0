//! Invalidation by tag, of everything, and of other services' caches.

use shop_cache::{Reason, Tag};
use shop_policy::{CacheName, Pattern};

use crate::support::{Shop, eventually, policy};

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_voids_what_has_it_in_both_tiers_of_all_pods_and_nothing_else() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    for (key, part) in [(7, 42), (17, 42), (27, 43)] {
        shop.db.set_made_of(key, 1, &[part]);
        assert_eq!((one.version(key).await, other.version(key).await), (1, 1));
        shop.db.set_made_of(key, 2, &[part]);
    }
    // Any service can say so.
    one.caches.invalidate_tags(CacheName::Products, &[Tag::new("part", 42)], Reason::Tag).await.unwrap();
    for key in [7, 17] {
        eventually(|| async { other.version(key).await == 2 }).await;
        assert_eq!(one.version(key).await, 2);
    }
    assert_eq!((one.version(27).await, other.version(27).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_cache_is_void_at_once() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    for key in 0..20 {
        shop.db.set(key, 1);
        assert_eq!((one.version(key).await, other.version(key).await), (1, 1));
        shop.db.set(key, 2);
    }
    one.caches.invalidate_all(CacheName::Products).await.unwrap();
    for key in 0..20 {
        eventually(|| async { other.version(key).await == 2 }).await;
        assert_eq!(one.version(key).await, 2);
    }
    assert_eq!(one.metric_with("cache_invalidations_total", "all"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_pods_hear_of_a_write_and_measure_how_stale_they_were() {
    let shop = Shop::new().await;
    let (one, other) = (shop.pod(&policy(Pattern::CacheAside)).await, shop.pod(&policy(Pattern::CacheAside)).await);
    shop.db.set(7, 1);
    for _ in 0..10 {
        assert_eq!(other.version(7).await, 1);
    }
    one.write(7, 2).await;
    eventually(|| async { other.version(7).await == 2 }).await;
    assert_eq!(other.metric_with("cache_invalidations_total", "write"), 1);
    let families = other.registry.gather();
    let staleness = families.iter().find(|family| family.name() == "cache_staleness_seconds").unwrap();
    assert!(staleness.get_metric()[0].get_histogram().get_sample_count() > 0);
}
