//! Carts and their lines.

use futures::future::join_all;
use serde_json::json;

use crate::support::{PATIENT, Shop, execute};

#[tokio::test]
async fn a_cart_shows_the_catalogs_names_prices_and_stock() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    execute(&shop.catalog, "UPDATE products SET price_amount = id * 100").await;
    assert_eq!(cart.get("/cart-api/cart", &customer).await.json()["version"], 0);

    let added = cart.add(&customer, 2, 3).await;
    assert_eq!(added.status, 200);
    assert_eq!(added.json()["line"]["line_total"], json!({"amount": 600, "currency": "RUB"}));
    cart.fill(&customer, &[(1, 1), (2, 1)]).await;

    let answer = cart.get("/cart-api/cart", &customer).await;
    let shown = answer.json();
    assert_eq!(shown["version"], 3);
    assert_eq!(shown["total"], json!({"amount": 900, "currency": "RUB"}));
    assert_eq!(shown["lines"][1]["stock"], 100);
    assert!(shown["lines"][1]["name"]["ru"].is_string());
    assert_eq!(cart.items(&customer).await, [(1, 1), (2, 4)]);
    assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
}

#[tokio::test]
async fn twenty_tabs_adding_lines_lose_none() {
    let shop = Shop::new().await;
    let [one, two, three] = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    let tabs = (1..=20).map(async |tab| {
        let replica = [&one, &two, &three][usize::try_from(tab % 3).unwrap_or_default()];
        replica.fill(&customer, &[(1, 1), (tab, 2), (20, 1)]).await;
    });
    join_all(tabs).await;
    let mut expected: Vec<_> = (1..=20).map(|product| (product, 2)).collect();
    expected[0].1 += 20;
    expected[19].1 += 20;
    assert_eq!(one.items(&customer).await, expected);
    assert_eq!(one.get("/cart-api/cart", &customer).await.json()["version"], 60, "one version for each change");
}

#[tokio::test]
async fn tabs_that_race_for_the_last_pieces_never_get_more_than_there_are() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    shop.set_stock(3, 7).await;
    let answers = join_all((0..20).map(|_| cart.add(&customer, 3, 1))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 7);
    assert_eq!(cart.items(&customer).await, [(3, 7)]);

    let refused = cart.add(&customer, 3, 2).await;
    refused.assert_problem(409, "out-of-stock");
    assert_eq!(refused.json()["lines"], json!([{"product_id": 3, "requested": 9, "available": 7}]));
    cart.set(&customer, 3, 8).await.assert_problem(409, "out-of-stock");
    assert_eq!(cart.get("/cart-api/cart", &customer).await.json()["version"], 7, "a refusal is no change");
}

#[tokio::test]
async fn a_quantity_can_be_set_and_products_taken_out_again() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 5), (2, 1), (3, 1)]).await;
    assert_eq!(cart.set(&customer, 1, 2).await.json()["line"]["quantity"], 2);
    assert_eq!(cart.set(&customer, 4, 9).await.status, 200);
    for _ in 0..2 {
        assert_eq!(cart.delete("/cart-api/cart/items/2", &customer).await.status, 204);
    }
    assert_eq!(cart.items(&customer).await, [(1, 2), (3, 1), (4, 9)]);
    for _ in 0..2 {
        assert_eq!(cart.delete("/cart-api/cart", &customer).await.status, 204);
    }
    assert_eq!(cart.items(&customer).await, []);
    assert_eq!(cart.get("/cart-api/cart", &customer).await.json()["version"], 7, "what changes nothing is no change");
}

#[tokio::test]
async fn what_is_not_sold_or_no_quantity_does_not_get_into_a_cart() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.add(&customer, 999, 1).await.assert_problem(404, "product-not-found");
    cart.set(&customer, 999, 1).await.assert_problem(404, "product-not-found");
    for bad in [0, -1, 1000] {
        cart.add(&customer, 1, bad).await.assert_problem(422, "invalid-input");
    }
    cart.add(&customer, -1, 1).await.assert_problem(422, "invalid-input");
    shop.set_stock(1, 5_000).await;
    cart.fill(&customer, &[(1, 999)]).await;
    cart.add(&customer, 1, 1).await.assert_problem(422, "too-many-pieces");
    assert_eq!(cart.items(&customer).await, [(1, 999)]);
}

#[tokio::test]
async fn a_cart_holds_a_hundred_products_and_no_more() {
    let shop = Shop::with_products(101).await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    for product in 1..=100 {
        cart.fill(&customer, &[(product, 1)]).await;
    }
    cart.add(&customer, 101, 1).await.assert_problem(409, "cart-full");
    cart.set(&customer, 101, 1).await.assert_problem(409, "cart-full");
    cart.fill(&customer, &[(100, 1)]).await;
    assert_eq!(cart.items(&customer).await.len(), 100);
}

#[tokio::test]
async fn a_product_that_is_no_longer_sold_is_shown_apart() {
    let shop = Shop::new().await;
    let cart = shop.replica_without_redis(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 1), (2, 1)]).await;
    execute(&shop.catalog, "UPDATE products SET deleted_at = now() WHERE id = 2").await;
    let shown = cart.get("/cart-api/cart", &customer).await.json();
    assert_eq!(shown["unavailable"], json!([{"product_id": 2, "quantity": 1}]));
    assert_eq!(shown["total"], shown["lines"][0]["line_total"]);

    let refused = cart.checkout(&customer, "k").await;
    refused.assert_problem(409, "product-not-sold");
    assert_eq!(refused.json()["product_ids"], json!([2]));
    assert_eq!(refused.json()["lines"], json!([{"product_id": 2, "reason": "not_sold"}]));
}

#[tokio::test]
async fn the_older_addresses_lead_to_the_same_cart() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    let body = json!({"product_id": 1, "quantity": 2});
    let request = cart.request("POST", "/api/cart/add", &customer.authorization).json(&body);
    assert_eq!(cart.send(request).await.status, 200);
    assert_eq!(cart.get("/api/cart", &customer).await.json(), cart.get("/cart-api/cart", &customer).await.json());
    assert!(cart.get("/api/cart", &customer).await.is_hit());
    assert_eq!(cart.items(&customer).await, [(1, 2)]);
}
