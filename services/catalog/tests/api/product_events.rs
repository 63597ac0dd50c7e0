//! Stock, prices and withdrawals, as everyone hears of them.

use futures::future::join_all;
use serde_json::{Value, json};
use shop_testkit::eventually;
use shop_types::OrderId;

use crate::events::Client;
use crate::flash_sales::rub;
use crate::support::Catalog;

/// The next message of this kind.
async fn next(client: &mut Client, kind: &str) -> Value {
    loop {
        let message = client.message().await;
        if message["kind"] == kind {
            return message;
        }
    }
}

#[tokio::test]
async fn every_way_in_which_stock_changes_is_told_at_every_replica_with_what_is_left() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    let mut client = Client::with(&other, "").await;
    client.message().await;
    let (one, two) = (catalog.stock(1).await, catalog.stock(2).await);
    let [order, forgotten] = [OrderId::generate(), OrderId::generate()];

    assert_eq!(catalog.reserve(order, &[(1, 2), (2, 1)]).await.status, 200);
    let mut told = [client.message().await, client.message().await];
    told.sort_by_key(|event| event["product_id"].as_i64());
    assert_eq!(told.each_ref().map(|event| event["kind"].as_str()), [Some("stock_changed"); 2]);
    assert_eq!(told.each_ref().map(|event| event["stock"].as_i64()), [Some(one - 2), Some(two - 1)]);
    assert_eq!(told[0]["version"], 2);

    catalog.release(order).await;
    let mut told = [client.message().await, client.message().await];
    told.sort_by_key(|event| event["product_id"].as_i64());
    assert_eq!(told.each_ref().map(|event| event["stock"].as_i64()), [Some(one), Some(two)]);

    catalog.reserve(forgotten, &[(1, 1)]).await;
    assert_eq!(client.message().await["stock"], one - 1);
    catalog.expire().await;
    assert_eq!(client.message().await["stock"], one);
    catalog.set(1, &json!({"stock": 7})).await;
    assert_eq!(client.message().await["stock"], 7);
    // What changes nothing is not told: a refusal, a commit, another name.
    catalog.reserve(OrderId::generate(), &[(1, 8)]).await.assert_problem(409, "out-of-stock");
    catalog.set(1, &json!({"name": {"en": "Another", "ru": "Другой"}})).await;
    catalog.set(1, &json!({"stock_change": -1})).await;
    assert_eq!(client.message().await["stock"], 6);
}

#[tokio::test]
async fn a_price_is_told_whoever_changes_it_and_a_withdrawal_ends_what_is_told() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::with(&catalog, "").await;
    client.message().await;
    catalog.set(1, &json!({"price": rub(5_000)})).await;
    let told = client.message().await;
    assert_eq!((&told["kind"], &told["product_id"], &told["price"]), (&json!("price_changed"), &json!(1), &rub(5_000)));
    let sale = catalog.sale(1, 100).await;
    assert_eq!(next(&mut client, "price_changed").await["price"], rub(100));
    catalog.set(1, &json!({"price": rub(6_000)})).await;
    assert_eq!(next(&mut client, "price_changed").await["price"], rub(100), "while the sale runs");
    assert_eq!(catalog.stop_sale(&sale).await.status, 204);
    assert_eq!(next(&mut client, "price_changed").await["price"], rub(6_000));

    let order = OrderId::generate();
    catalog.reserve(order, &[(2, 1)]).await;
    assert_eq!(client.message().await["kind"], "stock_changed");
    catalog.delete(2).await;
    let told = client.message().await;
    assert_eq!((&told["kind"], &told["product_id"]), (&json!("product_withdrawn"), &json!(2)));
    // What comes back to it is nobody's business.
    catalog.release(order).await;
    catalog.set(3, &json!({"stock": 1})).await;
    assert_eq!(client.message().await["product_id"], 3);
}

#[tokio::test]
async fn a_sale_that_begins_and_ends_by_the_clock_changes_the_price_for_those_who_listen_and_those_who_ask() {
    let catalog = Catalog::with_products(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    let regular = catalog.product(1).await["price"].clone();
    let mut client = Client::with(&other, "").await;
    client.message().await;
    let (soon, later) = (time::Duration::milliseconds(400), time::Duration::milliseconds(1_200));
    assert_eq!(catalog.start_sale(1, 100, Some(soon), later).await.status, 201);
    // Told when it is planned too, which makes nothing cheaper yet.
    while next(&mut client, "price_changed").await["price"] != rub(100) {}
    assert_eq!(other.product(1).await["price"], rub(100));
    assert_eq!(next(&mut client, "price_changed").await["price"], regular);
    assert_eq!(other.product(1).await["price"], regular);
    assert_eq!(catalog.product(1).await["price"], regular);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_before_one_product_makes_few_events_and_the_last_one_is_true() {
    let catalog = Catalog::with_products(8).await;
    let other = Catalog::start(catalog.replica().await).await;
    catalog.set(1, &json!({"stock": 1_000})).await;
    catalog.settled(1).await;
    let mut client = Client::with(&other, "").await;
    assert_eq!(client.message().await["kind"], "hello");
    let mut here = Client::with(&catalog, "").await;
    assert_eq!(here.message().await["kind"], "hello");
    for _ in 0..10 {
        let sold = (0..30).map(|index| {
            let replica = if index % 2 == 0 { &catalog } else { &other };
            replica.reserve(OrderId::generate(), &[(1, 1)])
        });
        assert!(join_all(sold).await.iter().all(|answer| answer.status == 200));
    }
    let (mut told, mut stock) = (0, i64::MAX);
    while stock != 700 {
        let event = client.message().await;
        let now = event["stock"].as_i64().expect("a number");
        assert!(now <= stock, "{now} after {stock}");
        (told, stock) = (told + 1, now);
    }
    assert!(told < 150, "{told} events for 300 sales");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM shop_events")
        .fetch_one(catalog.db.pool())
        .await
        .expect("the table is ours");
    assert_eq!(kept, 1, "only the last is kept");
    // Each replica hears of it in its own time, so this one is waited for before it is asked.
    while here.message().await["stock"] != 700 {}
    let mut late = Client::with(&catalog, "?since=0").await;
    assert_eq!(late.message().await["stock"], 700);
    assert_eq!(late.message().await["kind"], "hello");
}

#[tokio::test]
async fn a_change_is_told_though_the_process_that_made_it_is_gone_and_one_that_is_taken_back_is_not() {
    let catalog = Catalog::with_products(8).await;
    let mut client = Client::with(&catalog, "").await;
    client.message().await;
    let mut undone = catalog.pool.begin().await.expect("the database is there");
    let note = "INSERT INTO product_changes VALUES (2, 'stock')";
    sqlx::query(note).execute(&mut *undone).await.expect("the table is ours");
    undone.rollback().await.expect("the database is there");
    // Nobody wakes anybody here.
    sqlx::query(
        "WITH sold AS (UPDATE products SET stock = 3 WHERE id = 1) INSERT INTO product_changes VALUES (1, 'stock')",
    )
    .execute(&catalog.pool)
    .await
    .expect("the tables are ours");
    let told = client.message().await;
    assert_eq!((&told["product_id"], &told["stock"]), (&json!(1), &json!(3)));
    eventually("nothing is left to tell", async || {
        let left = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM product_changes").fetch_one(&catalog.pool).await;
        left.ok() == Some(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_products_at_once_are_all_told_and_cost_nobody_who_reads_the_socket() {
    let catalog = Catalog::with_products(900).await;
    let mut clients = [Client::with(&catalog, "").await, Client::with(&catalog, "").await];
    for client in &mut clients {
        client.message().await;
    }
    sqlx::query(
        "WITH sold AS (UPDATE products SET stock = 1) INSERT INTO product_changes SELECT id, 'stock' FROM products",
    )
    .execute(&catalog.pool)
    .await
    .expect("the tables are ours");
    for client in &mut clients {
        let mut products = std::collections::BTreeSet::new();
        while products.len() < 900 {
            let event = client.message().await;
            assert_eq!(event["stock"], 1);
            assert!(products.insert(event["product_id"].as_i64()), "each once");
        }
    }
}
