//! What the caches do for readers, and what they must never do.

use serde_json::{Value, json};
use shop_testkit::{ChaosProxy, TestRedis, eventually};
use shop_types::OrderId;

use crate::support::{Catalog, Setup};

impl Catalog {
    /// Reads until the answer comes from a cache.
    async fn warm(&self, path: &str) {
        eventually("the cache answers", async || {
            self.get(path).await.header("cache-status").is_some_and(|status| status.contains("; hit"))
        })
        .await;
    }
}

#[tokio::test]
async fn the_first_reader_misses_and_the_next_hits() {
    let catalog = Catalog::with_products(8).await;
    let first = catalog.get("/api/products/1").await;
    assert!(
        first.header("cache-status").is_some_and(|status| status.starts_with("products; fwd=miss; stored; ttl=")),
        "{first:?}"
    );
    let second = catalog.get("/api/products/1").await;
    assert!(
        second.header("cache-status").is_some_and(|status| status.starts_with("products; hit; ttl=")),
        "{second:?}"
    );
    assert_eq!((first.body, first.headers.get("etag")), (second.body, second.headers.get("etag")));
    let other = Catalog::start(catalog.replica().await).await;
    let third = other.get("/api/products/1").await;
    assert!(third.header("cache-status").is_some_and(|status| status.ends_with("; detail=redis")), "{third:?}");
}

#[tokio::test]
async fn what_was_changed_at_one_replica_is_read_at_another_at_once() {
    let catalog = Catalog::with_products(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    for amount in 1..=20 {
        for replica in [&catalog, &other] {
            replica.warm("/api/products/1").await;
        }
        catalog.set(1, &json!({"price": {"amount": amount, "currency": "RUB"}})).await;
        assert_eq!(catalog.product(1).await["price"]["amount"], amount, "where it was changed");
        eventually("the other replica's memory hears of it", async || {
            other.product(1).await["price"]["amount"] == amount
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_sold_out_is_shown_as_sold_out_at_once_and_again_when_it_is_back() {
    let catalog = Catalog::with_products(8).await;
    catalog.set(1, &json!({"stock": 2})).await;
    catalog.warm("/api/products/1").await;
    let order = OrderId::generate();
    assert_eq!(catalog.reserve(order, &[(1, 2)]).await.status, 200);
    assert_eq!(catalog.stock(1).await, 0);
    catalog.warm("/api/products/1").await;
    assert_eq!(catalog.reserve(OrderId::generate(), &[(1, 1)]).await.status, 409);
    let after = catalog.get("/api/products/1").await;
    assert!(
        after.header("cache-status").is_some_and(|status| status.contains("; hit")),
        "a refusal changes nothing: {after:?}"
    );
    assert_eq!(catalog.release(order).await.status, 204);
    assert_eq!(catalog.stock(1).await, 2);
}

#[tokio::test]
async fn what_was_asked_for_before_it_was_there_or_after_it_was_gone_is_no_trap() {
    let catalog = Catalog::with_products(8).await;
    catalog.get("/api/products/1000001").await.assert_problem(404, "product-not-found");
    catalog.get("/api/products/1000001/comments").await.assert_problem(404, "product-not-found");
    let added = catalog.admin("POST", "/api/products", &crate::admin::pears()).await;
    assert_eq!(added.body["id"], 1_000_001);
    assert_eq!(catalog.product(1_000_001).await, added.body);
    let comments = catalog.get("/api/products/1000001/comments").await;
    assert_eq!((comments.status, &comments.body["items"]), (200, &json!([])), "{comments:?}");
    catalog.warm("/api/products/1").await;
    catalog.delete(1).await;
    catalog.get("/api/products/1").await.assert_problem(404, "product-not-found");
}

#[tokio::test]
async fn without_redis_answers_go_on_and_when_it_is_back_nothing_old_is_served() {
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    let setup = Setup { redis_url: TestRedis::url_by(proxy.address()), ..Setup::new().await };
    let catalog = Catalog::start(setup).await.filled(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    for replica in [&catalog, &other] {
        replica.warm("/api/products/1").await;
    }

    proxy.break_networking();

    catalog.set(1, &json!({"price": {"amount": 7, "currency": "RUB"}, "stock": 3})).await;
    assert_eq!(catalog.product(1).await["price"]["amount"], 7, "the one that changed it knows");
    assert_eq!(catalog.reserve(OrderId::generate(), &[(1, 1)]).await.status, 200);
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(&catalog.pool).await.expect("the table is ours");
    assert!(kept > 0, "what Redis has not heard of is not forgotten");

    proxy.restore_networking();

    // The other replica, which never lost its Redis, serves what it has until Redis hears of the change. Then it is over.
    eventually("the other replica hears of it", async || other.product(1).await["stock"] == 2).await;
    eventually("the outbox is empty", async || {
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox")
            .fetch_one(&catalog.pool)
            .await
            .expect("the table is ours");
        kept == 0
    })
    .await;
    for replica in [&catalog, &other] {
        assert_eq!(replica.product(1).await["price"]["amount"], 7);
    }
}

#[tokio::test]
async fn an_administrator_empties_a_cache_and_anyone_does_in_a_demo() {
    let catalog = Catalog::with_products(8).await;
    let everything = json!({"cache_type": "products"});
    catalog.warm("/api/products/1").await;
    let done = catalog.admin("POST", "/api/cache/invalidate", &everything).await;
    assert_eq!((done.status, done.body), (200, json!({"cache": "products", "invalidated": true})));
    let read = catalog.get("/api/products/1").await;
    assert!(read.header("cache-status").is_some_and(|status| status.contains("fwd=miss")), "{read:?}");

    for spelling in
        ["flash-sales", "flashSales", "recommendations", "top-comments", "userProfile", "cart", "bestsellers"]
    {
        let done = catalog.admin("POST", "/api/cache/invalidate", &json!({"cache_type": spelling})).await;
        assert_eq!(done.status, 200, "{spelling}: {done:?}");
    }
    let tagged = json!({"cache_type": "cart", "tag": "product:1"});
    assert_eq!(catalog.admin("POST", "/api/cache/invalidate", &tagged).await.status, 200);
    let bad = json!({"cache_type": "cart", "tag": "product 1\n"});
    catalog.admin("POST", "/api/cache/invalidate", &bad).await.assert_problem(422, "invalid-input");
    let unknown = catalog.admin("POST", "/api/cache/invalidate", &json!({"cache_type": "lies"})).await;
    unknown.assert_problem(422, "unknown-cache");
    assert_eq!(unknown.body["caches"].as_array().map(Vec::len), Some(7));
    catalog
        .send(catalog.request("POST", "/api/cache/invalidate").json(&everything))
        .await
        .assert_problem(401, "unauthenticated");

    let demo = Catalog::start(Setup { demo: true, ..Setup::new().await }).await;
    assert_eq!(demo.send(demo.request("POST", "/api/cache/invalidate").json(&everything)).await.status, 200);
}

#[tokio::test]
async fn an_invalidation_that_redis_can_not_hear_of_is_noted() {
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    proxy.break_networking();
    let setup = Setup { redis_url: TestRedis::url_by(proxy.address()), ..Setup::new().await };
    let catalog = Catalog::start(setup).await;
    let noted = catalog.admin("POST", "/api/cache/invalidate", &json!({"cache_type": "products"})).await;
    assert_eq!((noted.status, noted.body), (202, json!({"cache": "products", "invalidated": false})));
    let tagged = json!({"cache_type": "cart", "tag": "product:1"});
    assert_eq!(catalog.admin("POST", "/api/cache/invalidate", &tagged).await.status, 202);
    let everything = json!({"cache": "products", "schema": 0, "keys": [], "tags": []});
    let of_product = json!({"cache": "cart", "schema": 0, "keys": [], "tags": ["product:1"]});
    assert_eq!(catalog.outbox().await, [everything, of_product]);
}

#[tokio::test]
async fn what_was_noted_without_redis_is_done_even_if_the_replica_that_noted_it_ends() {
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    let setup = Setup { redis_url: TestRedis::url_by(proxy.address()), ..Setup::new().await };
    let catalog = Catalog::start(setup).await.filled(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    other.warm("/api/products/1").await;
    proxy.break_networking();
    let noted = catalog.admin("POST", "/api/cache/invalidate", &json!({"cache_type": "products"})).await;
    assert_eq!(noted.status, 202, "{noted:?}");
    catalog.stop().await;
    eventually("the other replica forgets it", async || {
        let read = other.get("/api/products/1").await;
        read.header("cache-status").is_some_and(|status| status.contains("fwd=miss"))
    })
    .await;
    eventually("the outbox is empty", async || other.outbox().await.is_empty()).await;
}

#[tokio::test]
async fn the_figures_of_the_caches_are_for_everyone() {
    let catalog = Catalog::with_products(8).await;
    catalog.warm("/api/products/1").await;
    let stats = catalog.get("/api/cache/stats").await;
    assert_eq!(stats.status, 200, "{stats:?}");
    assert!(stats.body["policy"]["hash"].is_string(), "{stats:?}");
    let names: Vec<_> =
        stats.body["caches"].as_array().expect("a list").iter().map(|cache| cache["name"].clone()).collect();
    assert!(names.contains(&Value::from("products")) && names.contains(&Value::from("flashSales")), "{names:?}");
}
