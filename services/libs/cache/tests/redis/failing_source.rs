//! Loads that fail, hang, panic or are slow.

use std::time::Duration;

use shop_cache::LoadError;
use shop_policy::{Pattern, Policy};

use crate::support::{Mood, Shop, eventually, policy};

fn impatient() -> Policy {
    Policy {
        ttl: Duration::from_millis(150),
        soft_timeout: Duration::from_millis(100),
        hard_timeout: Duration::from_millis(400),
        ..policy(Pattern::CacheAside)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_source_fails_in_any_way_what_is_stale_is_served_and_marked() {
    for mood in [Mood::Failing, Mood::Panicking, Mood::Hanging] {
        let shop = Shop::new().await;
        let pod = shop.pod(&impatient()).await;
        shop.db.set(7, 1);
        assert_eq!(pod.version(7).await, 1);
        shop.db.feel(mood);
        shop.db.set(7, 2);
        eventually(|| async {
            let (version, status) = pod.get(7).await;
            assert_eq!(version, 1);
            status.stale_for.is_some()
        })
        .await;
        assert!(pod.status(7).await.ends_with("-stale"), "{mood:?}");
        let loads = shop.db.loads();
        for _ in 0..100 {
            assert_eq!(pod.version(7).await, 1);
        }
        assert!(shop.db.loads() <= loads + 2, "a source that fails is left alone for a while");
        assert!(pod.metric("cache_stale_served_total") >= 100);
        shop.db.feel(Mood::Fine);
        eventually(|| async { pod.version(7).await == 2 }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anything_stale_the_error_says_what_happened() {
    let shop = Shop::new().await;
    let pod = shop.pod(&impatient()).await;
    shop.db.feel(Mood::Failing);
    assert!(matches!(pod.cache.get(&1).await, Err(LoadError::Source(_))));
    shop.db.feel(Mood::Panicking);
    assert!(matches!(pod.cache.get(&2).await, Err(LoadError::Panicked)));
    shop.db.feel(Mood::Hanging);
    assert!(matches!(pod.cache.get(&3).await, Err(LoadError::TimedOut(_))));
    for outcome in ["failed", "panicked", "timed_out"] {
        assert_eq!(pod.metric_with("cache_loads_total", outcome), 1, "{outcome}");
    }
    shop.db.feel(Mood::Fine);
    shop.db.set(1, 1);
    assert_eq!(pod.version(1).await, 1, "an error is not cached, and the lease was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_policy_allows_is_never_served() {
    let shop = Shop::new().await;
    let strict = Policy { stale_if_error: Duration::from_millis(200), ..impatient() };
    let pod = shop.pod(&strict).await;
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    shop.db.feel(Mood::Failing);
    eventually(|| async { pod.cache.get(&7).await.is_err() }).await;
    for _ in 0..20 {
        assert!(pod.cache.get(&7).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_source_is_not_waited_for_when_there_is_something_stale_and_its_load_goes_on() {
    let shop = Shop::new().await;
    let patient = Policy { hard_timeout: Duration::from_secs(10), ..impatient() };
    let pod = shop.pod(&patient).await;
    shop.db.set(7, 1);
    assert_eq!(pod.version(7).await, 1);
    shop.db.set(7, 2);
    shop.db.hold();
    eventually(|| async { pod.get(7).await.1.stale_for.is_some() }).await;
    shop.db.let_go();
    eventually(|| async { pod.version(7).await == 2 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_outlives_who_asked_for_it() {
    let shop = Shop::new().await;
    let pod = shop.pod(&policy(Pattern::CacheAside)).await;
    shop.db.set(7, 1);
    shop.db.hold();
    let asker = {
        let cache = pod.cache.clone();
        tokio::spawn(async move { cache.get(&7).await })
    };
    shop.db.held(1).await;
    asker.abort();
    assert!(asker.await.unwrap_err().is_cancelled());
    shop.db.let_go();
    assert_eq!(pod.version(7).await, 1);
    assert_eq!(shop.db.loads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_that_fails_does_not_hold_up_the_others() {
    let shop = Shop::new().await;
    let pod = shop.pod(&policy(Pattern::CacheAside)).await;
    shop.db.set(7, 1);
    shop.db.set(8, 1);
    assert_eq!(pod.version(8).await, 1);
    shop.db.feel(Mood::Failing);
    assert!(pod.cache.get(&7).await.is_err());
    assert_eq!(pod.version(8).await, 1);
    assert!(pod.status(8).await.contains("hit"));
}
