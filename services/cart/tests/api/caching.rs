//! The cache of carts: never an older cart than the one that somebody was told of.

use futures::future::join_all;
use serde_json::{Value, json};
use shop_cache::{Reason, Tag};
use shop_policy::CacheName;
use shop_testkit::{ChaosProxy, TestRedis, eventually};

use crate::faults::{Fault, Step};
use crate::support::{Answer, Customer, HASTY, PATIENT, Replica, Shop, execute};

async fn read(cart: &Replica, customer: &Customer) -> Answer {
    cart.get("/cart-api/cart", customer).await
}

/// Events that wait in the cart's outbox.
async fn waiting(shop: &Shop) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(shop.db.pool()).await;
    count.expect("events can be counted")
}

#[tokio::test]
async fn a_customer_reads_every_own_change_at_once_from_the_cache_and_through_another_replica() {
    let shop = Shop::new().await;
    let (one, two) = (shop.replica(PATIENT).await, shop.replica(PATIENT).await);
    let plain = shop.replica_without_redis(PATIENT).await;
    let customer = shop.customer();
    assert!(!read(&one, &customer).await.is_hit(), "nobody has read it before");
    assert!(read(&two, &customer).await.is_hit(), "and now one has");

    let unchanged = async |what: &str| {
        let cached = read(&two, &customer).await;
        assert!(cached.is_hit(), "the next read after {what} asks neither database nor catalog: {cached:?}");
        assert_eq!(cached.json(), read(&plain, &customer).await.json(), "after {what}");
    };
    one.fill(&customer, &[(1, 2)]).await;
    unchanged("the first line").await;
    one.fill(&customer, &[(2, 3), (1, 1)]).await;
    unchanged("more pieces").await;
    assert_eq!(one.set(&customer, 2, 1).await.status, 200);
    unchanged("another quantity").await;
    assert_eq!(one.delete("/cart-api/cart/items/1", &customer).await.status, 204);
    unchanged("a removal").await;
    assert_eq!(one.checkout(&customer, "k").await.status, 201);
    unchanged("a checkout").await;
    one.fill(&customer, &[(7, 1), (8, 1)]).await;
    assert_eq!(one.delete("/cart-api/cart", &customer).await.status, 204);
    unchanged("all was taken out").await;
}

#[tokio::test]
async fn a_storm_of_changes_through_two_replicas_never_leaves_an_older_cart_in_the_cache() {
    let shop = Shop::new().await;
    let replicas = [shop.replica(PATIENT).await, shop.replica(PATIENT).await];
    let plain = shop.replica_without_redis(PATIENT).await;
    let customer = shop.customer();
    let tabs = (0..24).map(async |tab: usize| {
        for change in 0..6 {
            let (writer, reader) = (&replicas[(tab + change) % 2], &replicas[(tab + change + 1) % 2]);
            let product = i64::try_from(tab % 5 + 1).expect("small");
            let told = match (tab + change) % 4 {
                0 => writer.set(&customer, product, 3).await,
                1 => writer.delete(&format!("/cart-api/cart/items/{product}"), &customer).await,
                _ => writer.add(&customer, product, 1).await,
            };
            assert!(told.status < 300, "{told:?}");
            let seen = read(reader, &customer).await.json();
            if told.status == 200 {
                let (told, seen) = (told.json()["version"].as_i64(), seen["version"].as_i64());
                assert!(seen >= told, "told of version {told:?}, shown {seen:?}");
            }
        }
    });
    join_all(tabs).await;
    let truth = read(&plain, &customer).await.json();
    for replica in &replicas {
        assert_eq!(read(replica, &customer).await.json(), truth);
        let again = read(replica, &customer).await;
        assert!(again.is_hit(), "the storm is over, and the cart is cached again: {again:?}");
        assert_eq!(again.json(), truth);
    }
}

#[tokio::test]
async fn a_change_that_is_refused_leaves_no_trace() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let before = read(&cart, &customer).await.json();
    cart.add(&customer, 1, 900).await.assert_problem(409, "out-of-stock");
    cart.set(&customer, 1, 900).await.assert_problem(409, "out-of-stock");
    cart.add(&customer, 999, 1).await.assert_problem(404, "product-not-found");
    assert_eq!(cart.delete("/cart-api/cart/items/5", &customer).await.status, 204);
    assert_eq!(read(&cart, &customer).await.json(), before);
    let again = read(&cart, &customer).await;
    assert!(again.is_hit(), "an end without a change ends the announcement too: {again:?}");
    assert_eq!(again.json(), before);
    assert_eq!(waiting(&shop).await, 0);
}

#[tokio::test]
async fn a_change_while_redis_was_away_is_made_up_for_when_it_is_back() {
    let shop = Shop::new().await;
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    let cut_off = shop.replica_over(shop.db.url(), Some(TestRedis::url_by(proxy.address())), PATIENT).await;
    let customer = shop.customer();
    cut_off.fill(&customer, &[(1, 2)]).await;
    assert!(read(&cut_off, &customer).await.is_hit());

    proxy.break_networking();
    cut_off.fill(&customer, &[(2, 1)]).await;
    assert_eq!(cut_off.items(&customer).await, [(1, 2), (2, 1)], "without Redis the database is read");
    assert!(!read(&cut_off, &customer).await.is_hit());
    assert_eq!(waiting(&shop).await, 1, "what Redis must hear waits beside the change");

    // Redis still has the cart of before.
    proxy.restore_networking();
    eventually("Redis was told", async || waiting(&shop).await == 0).await;
    assert_eq!(cut_off.items(&customer).await, [(1, 2), (2, 1)]);
    eventually("the cart is cached again", async || read(&cut_off, &customer).await.is_hit()).await;
    assert_eq!(cut_off.items(&customer).await, [(1, 2), (2, 1)]);
}

#[tokio::test]
async fn what_a_replica_without_a_way_to_redis_could_not_tell_before_it_died_another_tells() {
    let shop = Shop::new().await;
    let proxy = ChaosProxy::to(TestRedis::shared().await.address()).await;
    let doomed = shop.replica_over(shop.db.url(), Some(TestRedis::url_by(proxy.address())), PATIENT).await;
    let customer = shop.customer();
    doomed.fill(&customer, &[(1, 2)]).await;
    proxy.break_networking();
    doomed.fill(&customer, &[(2, 1)]).await;
    doomed.kill();
    assert_eq!(waiting(&shop).await, 1);

    let survivor = shop.replica(PATIENT).await;
    eventually("Redis was told", async || waiting(&shop).await == 0).await;
    assert_eq!(survivor.items(&customer).await, [(1, 2), (2, 1)]);
}

#[tokio::test]
async fn a_redis_that_starts_anew_costs_speed_and_no_line() {
    let shop = Shop::new().await;
    let redis = TestRedis::start().await;
    let replicas = [
        shop.replica_over(shop.db.url(), Some(redis.url()), PATIENT).await,
        shop.replica_over(shop.db.url(), Some(redis.url()), PATIENT).await,
    ];
    let customer = shop.customer();
    for round in 1..=3 {
        replicas[0].fill(&customer, &[(round, 1)]).await;
        redis.stop();
        replicas[1].fill(&customer, &[(round, 1)]).await;
        assert_eq!(replicas[0].items(&customer).await.last(), Some(&(round, 2)));
        redis.start_again().await;
        eventually("the cart is cached again", async || read(&replicas[0], &customer).await.is_hit()).await;
        assert_eq!(replicas[1].items(&customer).await.last(), Some(&(round, 2)));
    }
}

#[tokio::test]
async fn a_price_that_changes_makes_the_carts_with_that_product_void_and_no_others() {
    let shop = Shop::new().await;
    let (cart, catalog) = (shop.replica(PATIENT).await, shop.caches().await);
    let (buyer, other) = (shop.customer(), shop.customer());
    cart.fill(&buyer, &[(1, 2), (3, 1)]).await;
    cart.fill(&other, &[(2, 1)]).await;
    execute(&shop.catalog, "UPDATE products SET price_amount = 77700 WHERE id = 1").await;
    let told = catalog.invalidate_tags(CacheName::Cart, &[Tag::new("product", 1)], Reason::Tag).await;
    told.expect("Redis is there");

    let answer = read(&cart, &buyer).await;
    assert!(!answer.is_hit(), "{answer:?}");
    assert_eq!(answer.json()["lines"][0]["line_total"], json!({"amount": 155_400, "currency": "RUB"}));
    assert!(read(&cart, &buyer).await.is_hit());
    assert!(read(&cart, &other).await.is_hit());
}

#[tokio::test]
async fn a_price_that_changes_while_a_line_is_added_is_not_cached_as_it_was() {
    let shop = Shop::new().await;
    let (cart, catalog) = (shop.replica(PATIENT).await, shop.caches().await);
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 1)]).await;
    // The catalog quotes the old price, and its answer is on its way while the price changes.
    let mut lines = shop.db.pool().begin().await.expect("the database is there");
    sqlx::query("SELECT FROM carts FOR UPDATE").execute(&mut *lines).await.expect("the cart is there");
    let adding = tokio::spawn({
        let request = cart.request("POST", "/cart-api/cart/items", &customer.authorization);
        request.json(&json!({"product_id": 2, "quantity": 1})).send()
    });
    eventually("the price was quoted", async || shop.faults.met(Step::Quote) >= 2).await;
    execute(&shop.catalog, "UPDATE products SET price_amount = 77700").await;
    let tags = [Tag::new("product", 1), Tag::new("product", 2)];
    catalog.invalidate_tags(CacheName::Cart, &tags, Reason::Tag).await.expect("Redis is there");
    lines.rollback().await.expect("the database is there");
    assert_eq!(adding.await.expect("it is not cancelled").expect("it is answered").status(), 200);

    let shown = read(&cart, &customer).await.json();
    assert_eq!(shown["total"]["amount"], 155_400, "{shown}");
}

#[tokio::test]
async fn without_the_catalog_a_cart_that_is_cached_is_shown_and_can_be_emptied() {
    let shop = Shop::new().await;
    let cart = shop.replica(HASTY).await;
    let (customer, stranger) = (shop.customer(), shop.customer());
    cart.fill(&customer, &[(1, 2), (2, 1)]).await;
    cart.fill(&stranger, &[(1, 1)]).await;
    shop.faults.set(Step::Quote, Fault::NotDone);
    let shown = read(&cart, &customer).await;
    assert!(shown.is_hit());
    assert_eq!(cart.items(&customer).await, [(1, 2), (2, 1)]);
    assert_eq!(cart.delete("/cart-api/cart/items/2", &customer).await.status, 204);
    let unknown = read(&cart, &customer).await;
    unknown.assert_problem(503, "dependency-unavailable");
    assert_eq!(unknown.json()["dependency"], json!("catalog"));
    assert_eq!(cart.delete("/cart-api/cart", &customer).await.status, 204);
    assert_eq!(cart.items(&customer).await, []);
}

#[tokio::test]
async fn a_checkout_orders_what_the_database_has_whatever_the_cache_says() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    // Behind the cache's back, as nobody does.
    execute(shop.db.pool(), "UPDATE cart_lines SET quantity = 7").await;
    assert_eq!(cart.items(&customer).await, [(1, 2)]);
    let receipt = cart.checkout(&customer, "k").await.json();
    assert_eq!(receipt["lines"][0]["quantity"], Value::from(7));
    assert_eq!(shop.stock(1).await, 93);
    assert_eq!(cart.items(&customer).await, []);
}
