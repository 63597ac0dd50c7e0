//! Memory is bounded, whatever is asked for.

use std::time::Duration;

use futures::StreamExt as _;
use shop_policy::{LocalTier, Pattern, Policy};

use crate::support::{Shop, eventually, policy};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_distinct_keys_leave_no_more_entries_than_the_policy_says() {
    let shop = Shop::new().await;
    let small = Policy {
        local: Some(LocalTier { ttl: Duration::from_secs(300), max_entries: 100 }),
        ..policy(Pattern::CacheAside)
    };
    let pod = shop.pod(&small).await;
    for key in 0..10_000 {
        shop.db.set(key, 1);
    }
    futures::stream::iter(0..10_000).for_each_concurrent(64, async |key| assert_eq!(pod.version(key).await, 1)).await;
    eventually(|| async { pod.caches.stats()[0].entries_in_memory <= 100 }).await;
    let stats = &pod.caches.stats()[0];
    assert_eq!((stats.misses, stats.loads), (10_000, 10_000));
    assert!(stats.predicted.keys <= 1024 && stats.predicted.sampled < 1.0, "{:?}", stats.predicted.keys);
}
