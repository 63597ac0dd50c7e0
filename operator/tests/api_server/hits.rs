//! How often the caches had the answer, as pods count it and the status tells it.

use std::time::Duration;

use serde_json::json;
use shopkeeper_api::StoreStatus;

use crate::support::{FakePod, Manner, World, eventually};

const PROMPT: Manner = Manner::Prompt(Duration::from_millis(30));

/// The ratio of all caches, and that of the products.
async fn told(world: &World) -> (Option<String>, Option<String>) {
    let StoreStatus { hit_ratio, cache, .. } = world.store("demo").await.status.unwrap_or_default();
    (hit_ratio, cache.into_iter().find(|cache| cache.name == "products").and_then(|cache| cache.hit_ratio))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_how_often_the_caches_had_the_answer_and_keeps_it_over_a_start_of_the_operator() {
    let mut world = World::new("hits-told").await;
    let first = FakePod::start(&mut world, "catalog", 1, PROMPT).await;
    let second = FakePod::start(&mut world, "catalog", 2, PROMPT).await;
    // What was counted before anybody asked may be of long ago.
    first.answers(0, 1_000_000);
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.until("demo", "CachePolicyApplied", "True").await;
    let expected = (Some("0.75".to_owned()), Some("0.75".to_owned()));
    eventually("a hit ratio", || async {
        first.answers(75, 25);
        second.answers(75, 25);
        let told = told(&world).await;
        if told == expected { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    operator.stop().await;

    let operator = world.operator();
    world.apply("demo", json!({"cache": {"policies": {"products": {"ttl": "7m"}}}})).await;
    world.until("demo", "CachePolicyApplied", "True").await;
    assert_eq!(told(&world).await, expected);
    operator.stop().await;
}
