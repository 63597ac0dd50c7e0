//! What the order service tells of sales, and what becomes of it.

use serde_json::{Value, json};
use shop_cache::{Caches, LivePolicies};
use shop_catalog::invalidations::Invalidations;
use shop_catalog::sales::Sales;
use shop_runtime::job::Round;
use shop_runtime::redis::Redis;
use shop_testkit::eventually;
use shop_types::{EventId, OrderId, UserId};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};

use crate::support::{Catalog, Setup};

/// The event of an order that buys these products and pieces.
pub(crate) fn event(user: UserId, lines: &[(i64, i64)]) -> Value {
    let lines: Vec<_> =
        lines.iter().map(|(product, pieces)| json!({"product_id": product, "quantity": pieces})).collect();
    json!({
        "event_id": EventId::generate(), "order_id": OrderId::generate(), "user_id": user,
        "occurred_at": "2026-01-01T12:00:00Z", "lines": lines,
    })
}

/// Tells the catalog of an order that was placed just now.
pub(crate) async fn sell(catalog: &Catalog, user: UserId, lines: &[(i64, i64)]) {
    let mut event = event(user, lines);
    event["occurred_at"] = json!("2999-01-01T00:00:00Z");
    let answer = catalog.internal("POST", "/internal/sales", event).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn count(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.expect("the query is right")
}

#[tokio::test]
async fn an_order_is_noted_once_however_often_it_is_told() {
    let catalog = Catalog::with_products(8).await;
    let mut event = event(UserId::generate(), &[(1, 2), (3, 1)]);
    for _ in 0..3 {
        assert_eq!(catalog.internal("POST", "/internal/sales", event.clone()).await.status, 204);
    }
    let again =
        futures::future::join_all((0..8).map(|_| catalog.internal("POST", "/internal/sales", event.clone()))).await;
    assert!(again.iter().all(|answer| answer.status == 204), "{again:?}");
    // The same order as another event, which no outbox does.
    event["event_id"] = json!(EventId::generate());
    assert_eq!(catalog.internal("POST", "/internal/sales", event).await.status, 204);

    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 2);
    assert_eq!(count(&catalog.pool, "SELECT sum(quantity)::bigint FROM sales").await, 3);
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM inbox").await, 2);
    eventually("the caches were told", async || catalog.outbox().await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_that_are_told_of_together_are_each_noted_once_but_for_those_that_were_cancelled() {
    let catalog = Catalog::with_products(8).await;
    let events: Vec<_> = (1..=4).map(|product| event(UserId::generate(), &[(product, 2), (8, 1)])).collect();
    let cancelled = format!("/internal/sales/{}", events[0]["order_id"].as_str().expect("an id"));
    assert_eq!(catalog.internal("DELETE", &cancelled, Value::Null).await.status, 204);
    assert_eq!(catalog.internal("POST", "/internal/sales", events[1].clone()).await.status, 204);
    let mut backwards = events.clone();
    backwards.reverse();
    let batches = [events.clone(), backwards, events[2..].to_vec(), events]
        .map(|events| catalog.internal("POST", "/internal/sales/batch", json!(events)));
    let answers = futures::future::join_all(batches).await;
    assert!(answers.iter().all(|answer| answer.status == 204), "{answers:?}");
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 6);
    assert_eq!(count(&catalog.pool, "SELECT count(DISTINCT order_id) FROM sales").await, 3);
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM inbox").await, 4);
    eventually("the caches were told", async || catalog.outbox().await.is_empty()).await;
}

#[tokio::test]
async fn a_cancelled_order_does_not_count_whether_it_was_told_of_before_or_is_afterwards() {
    let catalog = Catalog::with_products(8).await;
    let user = UserId::generate();
    let (mut early, mut late) = (event(user, &[(1, 2)]), event(user, &[(2, 3)]));
    for event in [&mut early, &mut late] {
        event["occurred_at"] = json!("2999-01-01T00:00:00Z");
    }
    let cancel = async |event: &Value| {
        let path = format!("/internal/sales/{}", event["order_id"].as_str().expect("an id"));
        assert_eq!(catalog.internal("DELETE", &path, Value::Null).await.status, 204);
    };
    assert_eq!(catalog.internal("POST", "/internal/sales", early.clone()).await.status, 204);
    eventually("it is remembered as a bestseller", async || {
        let best = catalog.get("/api/bestsellers").await;
        best.body["items"][0]["sold"] == 2 && best.header("cache-status").is_some_and(|status| status.contains("; hit"))
    })
    .await;

    cancel(&early).await;
    cancel(&early).await;
    cancel(&late).await;
    assert_eq!(catalog.internal("POST", "/internal/sales", late.clone()).await.status, 204);
    // Told again as other events, which no outbox does.
    for event in [&mut early, &mut late] {
        event["event_id"] = json!(EventId::generate());
        assert_eq!(catalog.internal("POST", "/internal/sales", event.clone()).await.status, 204);
    }

    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 0);
    assert_eq!(catalog.get("/api/bestsellers").await.body["items"], json!([]), "the list was dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sale_and_its_cancellation_at_the_same_time_end_cancelled() {
    let catalog = Catalog::with_products(8).await;
    let races = (0..40).map(|_| {
        let catalog = &catalog;
        async move {
            let event = event(UserId::generate(), &[(1, 1), (2, 1)]);
            let path = format!("/internal/sales/{}", event["order_id"].as_str().expect("an id"));
            let sold = catalog.internal("POST", "/internal/sales", event);
            tokio::join!(sold, catalog.internal("DELETE", &path, Value::Null))
        }
    });
    for (sold, cancelled) in futures::future::join_all(races).await {
        assert_eq!((sold.status, cancelled.status), (204, 204));
    }
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 0);
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sold_orders WHERE cancelled").await, 40);
}

#[tokio::test]
async fn a_sale_of_an_unknown_product_is_noted_and_one_of_tomorrow_is_of_now() {
    let catalog = Catalog::with_products(8).await;
    sell(&catalog, UserId::generate(), &[(1, 1), (999_999, 5)]).await;
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales WHERE sold_at <= now()").await, 2);
    let best = catalog.get("/api/bestsellers").await;
    assert_eq!(best.body["items"].as_array().map(Vec::len), Some(1), "{best:?}");
}

#[tokio::test]
async fn what_is_no_sale_is_refused_and_too_much_of_it_too() {
    let catalog = Catalog::with_products(8).await;
    let good = event(UserId::generate(), &[(1, 1)]);
    for (field, bad) in [
        ("lines", json!([])),
        ("lines", json!([{"product_id": 0, "quantity": 1}])),
        ("lines", json!([{"product_id": 1, "quantity": 1000}])),
        ("lines", Value::Array(vec![json!({"product_id": 1, "quantity": 1}); 501])),
        ("occurred_at", json!("yesterday")),
        ("user_id", json!(7)),
        ("event_id", Value::Null),
    ] {
        let mut event = good.clone();
        event[field] = bad;
        let answer = catalog.internal("POST", "/internal/sales", event).await;
        answer.assert_problem(422, "invalid-input");
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains(field)), "{answer:?}");
    }
    let mut event = good;
    event["note"] = json!("x".repeat(70_000));
    catalog.internal("POST", "/internal/sales", event).await.assert_problem(413, "payload-too-large");
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 0);
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM inbox").await, 0);
}

#[tokio::test]
async fn without_redis_sales_are_noted_all_the_same() {
    let setup = Setup { redis_url: "redis://127.0.0.1:1".into(), ..Setup::new().await };
    let catalog = Catalog::start(setup).await.filled(8).await;
    let (user, mut event) = (UserId::generate(), event(UserId::generate(), &[(1, 1)]));
    event["user_id"] = json!(user);
    event["occurred_at"] = json!("2999-01-01T00:00:00Z");
    for _ in 0..2 {
        assert_eq!(catalog.internal("POST", "/internal/sales", event.clone()).await.status, 204);
    }
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 1);
    assert_eq!(catalog.get("/api/bestsellers").await.body["items"][0]["sold"], 1);
    // Whatever becomes of this process, the customer's recommendations will be dropped.
    let noted = json!({"cache": "recommendations", "schema": 0, "keys": [], "tags": [format!("user:{user}")]});
    assert_eq!(catalog.outbox().await, [noted]);
}

#[tokio::test]
async fn sales_that_nothing_looks_at_any_more_are_forgotten_a_part_at_a_time() {
    let catalog = Catalog::empty().await;
    sqlx::query(
        "INSERT INTO sales (order_id, user_id, product_id, quantity, sold_at)
         SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, now() - interval '180 days' - make_interval(secs => n)
         FROM generate_series(-1, 12000) n",
    )
    .execute(&catalog.pool)
    .await
    .expect("the past can be written");
    let registry = prometheus::Registry::new();
    let redis = Redis::new(None).expect("no URL is no wrong one");
    let caches = Caches::new("test", redis, None, LivePolicies::defaults(), &registry).expect("a fresh registry");
    let sales = Sales::new(catalog.pool.clone(), Invalidations::new(catalog.pool.clone(), caches));
    // A moment before the insert's, whatever the two clocks say of each other.
    let now = OffsetDateTime::now_utc() - Duration::hours(1);
    assert_eq!(sales.forget(now).await.expect("the database is there"), Round::More);
    assert_eq!(sales.forget(now).await.expect("the database is there"), Round::Rest);
    let left = count(&catalog.pool, "SELECT count(*) FROM sales").await;
    assert!((3_500..3_700).contains(&left), "those of the last hour are left: {left}");
    assert_eq!(sales.forget(now + Duration::days(1)).await.expect("the database is there"), Round::Rest);
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sales").await, 0);

    // Cancelled long ago, just now, and so lately that it may still be told of as sold.
    sqlx::query(
        "INSERT INTO sold_orders (order_id, cancelled, noted_at) VALUES
             ('00000000-0000-7000-8000-000000000001', true, now() - interval '181 days'),
             ('00000000-0000-7000-8000-000000000002', true, now()),
             (gen_random_uuid(), true, now() - interval '179 days')",
    )
    .execute(&catalog.pool)
    .await
    .expect("the past can be written");
    assert_eq!(sales.forget(OffsetDateTime::now_utc()).await.expect("the database is there"), Round::Rest);
    assert_eq!(count(&catalog.pool, "SELECT count(*) FROM sold_orders").await, 2);
}
