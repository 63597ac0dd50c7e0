//! Many at once, through the gateway, on three pods of every service.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shopkeeper_e2e::cluster::Cluster;
use shopkeeper_e2e::load::{self, Customer, Shelf};
use uuid::Uuid;

use crate::kubernetes::{DEMO, SHOP, client, ready, shop_url};

/// A shop with three pods of every service, while `races` goes on.
async fn on_three_pods(races: impl AsyncFnOnce()) {
    ready(&client().await, SHOP, DEMO, Duration::from_secs(120)).await;
    let cluster = Cluster::connect(SHOP, DEMO).await.expect("KUBECONFIG leads to the cluster of `make up`");
    let before = cluster.replicate(3).await.expect("every service has three pods");
    races().await;
    cluster.give_back(&before).await.expect("the shop is as it was");
}

/// A product with so many pieces.
async fn product(pieces: i64) -> (Shelf, i64) {
    let mut admin = load::administrator(&shop_url()).await.expect("the administrator can log in");
    let shelf = Shelf::fill(&mut admin, &[pieces]).await.expect("a product can be added");
    let product = shelf.products()[0];
    (shelf, product)
}

async fn withdraw(shelf: Shelf) {
    let mut admin = load::administrator(&shop_url()).await.expect("the administrator can log in");
    shelf.clear(&mut admin).await.expect("products can be withdrawn");
}

async fn add(customer: &Customer, product: i64) -> (StatusCode, Value) {
    let line = json!({"product_id": product, "quantity": 1});
    customer.post("/cart-api/cart/items", None, Some(&line)).await.expect("the shop answers")
}

async fn orders(customer: &Customer) -> Vec<Value> {
    let (_, list) = customer.get("/order-api/orders?limit=100").await.expect("the shop answers");
    list["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn of_two_hundred_who_want_the_last_piece_one_gets_it_and_the_others_are_told_so() {
    const BUYERS: usize = 200;
    on_three_pods(async || {
        let (shelf, product) = product(1).await;
        let buyers = load::crowd(&shop_url(), BUYERS).await.expect("customers can register");
        for added in join_all(buyers.iter().map(|buyer| add(buyer, product))).await {
            assert_eq!(added.0, StatusCode::OK, "{}", added.1);
        }
        let began = Instant::now();
        let keys: Vec<String> = buyers.iter().map(|_| Uuid::new_v4().to_string()).collect();
        let checkouts = buyers.iter().zip(&keys).map(|(buyer, key)| buyer.check_out(key));
        let ended = join_all(checkouts).await;
        let took = began.elapsed();

        let ended: Vec<_> = ended.into_iter().map(|end| end.expect("the shop answers")).collect();
        let ordered = ended.iter().filter(|(status, _)| *status == StatusCode::CREATED).count();
        let refusals = ended.iter().filter(|(status, body)| {
            let line = body["lines"].get(0);
            *status == StatusCode::CONFLICT
                && body["type"].as_str().is_some_and(|kind| kind.ends_with("/out-of-stock"))
                && line.is_some_and(|line| line["product_id"] == product && line["available"] == 0)
        });
        let refused = refusals.count();
        println!(
            "{BUYERS} buyers, 3 pods: {ordered} order, {refused} told that none is left, in {:.1} s",
            took.as_secs_f64()
        );
        assert_eq!((ordered, refused), (1, BUYERS - 1), "{ended:?}");
        let placed: usize = join_all(buyers.iter().map(orders)).await.iter().map(Vec::len).sum();
        assert_eq!(placed, 1, "orders there are");
        let (_, shown) = buyers[0].get(&format!("/api/products/{product}")).await.expect("the shop answers");
        assert_eq!(shown["stock"], 0, "{shown}");
        withdraw(shelf).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_cart_that_is_checked_out_by_fifty_retries_at_once_is_ordered_once() {
    const RETRIES: usize = 50;
    on_three_pods(async || {
        let (shelf, product) = product(100).await;
        let customer = load::crowd(&shop_url(), 1).await.expect("customers can register").remove(0);
        assert_eq!(add(&customer, product).await.0, StatusCode::OK);
        let (key, began) = (Uuid::new_v4().to_string(), Instant::now());
        let connections: Vec<_> = (0..RETRIES).map(|_| customer.another_connection()).collect();
        let answers = join_all(connections.iter().map(|connection| connection.check_out_bytes(&key))).await;
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("the shop answers")).collect();
        let different: BTreeSet<_> = answers.iter().map(|(status, bytes)| (status.as_u16(), bytes)).collect();
        println!(
            "{RETRIES} at once under one key: {} different answers, in {:.2} s",
            different.len(),
            began.elapsed().as_secs_f64()
        );
        assert_eq!(different.len(), 1, "{different:?}");
        assert_eq!(answers[0].0, StatusCode::CREATED, "{}", answers[0].1);
        assert_eq!(orders(&customer).await.len(), 1);
        withdraw(shelf).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn twenty_tabs_of_one_customer_lose_no_line() {
    const TABS: usize = 20;
    const CLICKS: usize = 5;
    on_three_pods(async || {
        let (shelf, shared) = product(1_000).await;
        let customer = load::crowd(&shop_url(), 1).await.expect("customers can register").remove(0);
        let tabs = (1..=TABS).map(|tab| {
            let (tab_of, own) = (customer.another_connection(), i64::try_from(tab).expect("a small number"));
            async move {
                for _ in 0..CLICKS {
                    for product in [shared, own] {
                        let (status, body) = add(&tab_of, product).await;
                        assert_eq!(status, StatusCode::OK, "{body}");
                    }
                }
            }
        });
        join_all(tabs).await;
        let (_, cart) = customer.get("/cart-api/cart").await.expect("the shop answers");
        let lines = cart["lines"].as_array().cloned().unwrap_or_default();
        assert_eq!(lines.len(), TABS + 1, "{cart}");
        for line in &lines {
            let due = if line["product_id"] == shared { TABS * CLICKS } else { CLICKS };
            assert_eq!(line["quantity"], due, "{line}");
        }
        println!("{TABS} tabs, {} clicks: {} lines, none lost", 2 * TABS * CLICKS, lines.len());
        withdraw(shelf).await;
    })
    .await;
}
