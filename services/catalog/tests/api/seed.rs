//! The demo assortment in the database.

use serde_json::json;
use shop_catalog::seed;
use shop_testkit::eventually;
use shop_types::OrderId;
use time::{Duration, OffsetDateTime};

use crate::support::{Catalog, Setup, outbox};

async fn counted(catalog: &Catalog) -> Vec<(String, i64, i64)> {
    sqlx::query_as(
        "SELECT slug, product_count, (SELECT count(*) FROM products WHERE category = slug AND deleted_at IS NULL)
         FROM categories ORDER BY position",
    )
    .fetch_all(&catalog.pool)
    .await
    .expect("the database answers")
}

#[tokio::test]
async fn twenty_thousand_products_are_there_and_counted() {
    let catalog = Catalog::empty().await;
    assert_eq!(seed::run(&catalog.pool, 20_000).await.expect("the seed works"), 20_000);
    for (category, counted, there) in counted(&catalog).await {
        assert_eq!((counted, there), (2_500, 2_500), "{category}");
    }
    assert_eq!(catalog.product(20_000).await["category"], "frozen");
}

#[tokio::test]
async fn a_second_seed_changes_nothing_that_people_did() {
    let catalog = Catalog::with_products(40).await;
    catalog.reserve(OrderId::generate(), &[(1, 3)]).await;
    catalog.set(2, &json!({"price": {"amount": 1, "currency": "RUB"}})).await;
    catalog.delete(3).await;
    let (one, two) = (catalog.product(1).await, catalog.product(2).await);

    assert_eq!(seed::run(&catalog.pool, 40).await.expect("the seed works"), 0);

    assert_eq!((catalog.product(1).await, catalog.product(2).await), (one, two));
    catalog.get("/api/products/3").await.assert_problem(404, "product-not-found");
    assert_eq!(counted(&catalog).await[2], ("meat".to_owned(), 4, 4));
}

#[tokio::test]
async fn a_larger_seed_adds_what_is_missing_whatever_administrators_added_meanwhile() {
    let catalog = Catalog::with_products(10).await;
    catalog.admin("POST", "/api/products", &crate::admin::pears()).await;

    assert_eq!(seed::run(&catalog.pool, 24).await.expect("the seed works"), 14);

    for (category, counted, there) in counted(&catalog).await {
        assert_eq!((counted, there), if category == "fruit" { (4, 4) } else { (3, 3) }, "{category}");
    }
    assert_eq!(seed::run(&catalog.pool, 5).await.expect("a smaller one removes nothing"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn seeds_at_the_same_time_add_each_product_once() {
    let catalog = Catalog::empty().await;
    let (first, second, third) =
        tokio::join!(seed::run(&catalog.pool, 5_000), seed::run(&catalog.pool, 5_000), seed::run(&catalog.pool, 3_000));
    assert_eq!([first, second, third].map(|added| added.expect("the seed works")).iter().sum::<i64>(), 5_000);
    for (category, counted, there) in counted(&catalog).await {
        assert_eq!((counted, there), (625, 625), "{category}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn demo_sales_are_added_once_even_at_the_same_time_and_make_bestsellers() {
    let catalog = Catalog::with_products(400).await;
    let now = OffsetDateTime::now_utc();
    let earlier = seed::sales(&catalog.pool, 400, now - Duration::days(3)).await.expect("the seed works");
    assert!(earlier > 3_000, "{earlier}");
    let (first, second) = tokio::join!(seed::sales(&catalog.pool, 400, now), seed::sales(&catalog.pool, 400, now));
    let added = first.expect("the seed works") + second.expect("the seed works");
    assert!((300..earlier / 5).contains(&added), "three days' more: {added}");
    assert_eq!(seed::sales(&catalog.pool, 400, now).await.expect("the seed works"), 0);

    let there: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sales").fetch_one(&catalog.pool).await.expect("the query is right");
    assert_eq!(there.cast_unsigned(), earlier + added);
    let best = catalog.get("/api/bestsellers?limit=50").await;
    assert_eq!(best.body["items"].as_array().map(Vec::len), Some(50), "{best:?}");
    assert!(best.body["items"][0]["sold"].as_i64() > best.body["items"][49]["sold"].as_i64());
}

#[tokio::test]
async fn a_demo_without_products_has_no_sales() {
    let catalog = Catalog::empty().await;
    assert_eq!(seed::sales(&catalog.pool, 0, OffsetDateTime::now_utc()).await.expect("the seed works"), 0);
}

#[tokio::test]
async fn caches_forget_what_a_seed_made_outdated_and_nothing_if_it_added_nothing() {
    let setup = Setup::new().await;
    let (pool, now) = (setup.db.pool(), OffsetDateTime::now_utc());
    let everything = |cache: &str| json!({"cache": cache, "schema": 0, "keys": [], "tags": []});
    let of_products = ["products", "topComments"].map(everything);
    let of_sales = ["recommendations", "bestsellers"].map(everything);
    for _ in 0..2 {
        seed::run(pool, 400).await.expect("the seed works");
        assert_eq!(outbox(pool).await, of_products);
    }
    for _ in 0..2 {
        seed::sales(pool, 400, now).await.expect("the seed works");
        assert_eq!(outbox(pool).await, [of_products.clone(), of_sales.clone()].concat());
    }
}

#[tokio::test]
async fn a_running_shop_shows_what_a_larger_seed_adds_also_to_those_who_asked_for_it_before() {
    let catalog = Catalog::with_products(8).await;
    let paths = ["/api/products/9", "/api/products/9/comments"];
    for path in paths {
        catalog.get(path).await.assert_problem(404, "product-not-found");
    }
    seed::run(&catalog.pool, 16).await.expect("the seed works");
    eventually("the relay has told the caches", async || catalog.outbox().await.is_empty()).await;
    for path in paths {
        assert_eq!(catalog.get(path).await.status, 200, "{path}");
    }
}
