//! What changes between the cart and the order, and what the customer is told of it.

use serde_json::{Value, json};

use crate::audit::assert_sound;
use crate::support::{Answer, Customer, PATIENT, Replica, Shop};

async fn order(cart: &Replica, customer: &Customer, key: &str, expected: &Value) -> Answer {
    cart.send(cart.checkout_request(customer, key).json(expected)).await
}

fn rub(kopeks: i64) -> Value {
    json!({"amount": kopeks, "currency": "RUB"})
}

/// A shop where the product with number n costs n roubles.
async fn shop() -> Shop {
    let shop = Shop::new().await;
    for product in 1..=20 {
        shop.reprice(product, product * 100).await;
    }
    shop
}

#[tokio::test]
async fn a_cart_shows_what_a_line_cost_when_it_was_put_in_and_how_many_pieces_it_lacks() {
    let shop = shop().await;
    let cart = shop.replica_without_redis(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 3)]).await;
    let line = async |at: usize| cart.get("/cart-api/cart", &customer).await.json()["lines"][at].clone();
    assert_eq!(line(0).await.get("price_when_added"), None, "as long as it is the same nothing is told");
    assert_eq!(line(0).await.get("short_by"), None);
    shop.reprice(1, 90).await;
    shop.set_stock(1, 1).await;
    let (first, second) = (line(0).await, line(1).await);
    assert_eq!((&first["unit_price"], &first["price_when_added"]), (&rub(90), &rub(100)));
    assert_eq!((&first["quantity"], &first["stock"], &first["short_by"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!((second.get("price_when_added"), second.get("short_by")), (None, None));
    shop.set_stock(1, 9).await;
    cart.fill(&customer, &[(1, 1)]).await;
    assert_eq!(line(0).await.get("price_when_added"), None, "who puts more in has seen the new price");
}

#[tokio::test]
async fn an_order_that_would_cost_something_else_than_expected_is_not_made() {
    let shop = shop().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 3)]).await;
    shop.reprice(2, 250).await;
    let refused = order(&cart, &customer, "old", &json!({"expected_total": rub(800)})).await;
    refused.assert_problem(409, "price-changed");
    let told = refused.json();
    let line = json!({"product_id": 2, "reason": "price_changed", "expected": rub(200), "now": rub(250)});
    assert_eq!(told["lines"], json!([line]));
    assert_eq!((&told["expected_total"], &told["total"]), (&rub(800), &rub(950)));
    assert_eq!((shop.stock(1).await, shop.stock(2).await), (100, 100), "nothing is kept back");
    assert_eq!(cart.items(&customer).await, [(1, 2), (2, 3)]);

    let again = order(&cart, &customer, "old", &json!({"expected_total": rub(800)})).await;
    assert_eq!(again, refused, "the key keeps its answer, byte for byte");
    let other = order(&cart, &customer, "old", &json!({"expected_total": rub(950)})).await;
    other.assert_problem(422, "idempotency-key-reused");
    let seen = json!({"expected_total": rub(950), "cart_version": 2});
    assert_eq!(order(&cart, &customer, "new", &seen).await.status, 201);
    assert_sound(&shop, &[]).await;
}

#[tokio::test]
async fn a_customer_can_hold_the_shop_to_the_prices_that_were_seen() {
    let shop = shop().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 3)]).await;
    let seen = |first: i64| {
        json!({"expected_prices": [
            {"product_id": 2, "unit_price": rub(200)},
            {"product_id": 1, "unit_price": rub(first)},
            {"product_id": 9, "unit_price": rub(1)},
        ]})
    };
    shop.reprice(1, 99).await;
    let refused = order(&cart, &customer, "a", &seen(100)).await;
    refused.assert_problem(409, "price-changed");
    let line = json!({"product_id": 1, "reason": "price_changed", "expected": rub(100), "now": rub(99)});
    assert_eq!(refused.json()["lines"], json!([line]), "also if it is less");
    assert_eq!(refused.json().get("expected_total"), None);
    assert_eq!(order(&cart, &customer, "b", &seen(99)).await.status, 201);
    assert_sound(&shop, &[]).await;
}

#[tokio::test]
async fn who_expects_nothing_pays_the_price_of_the_moment_and_is_told_it() {
    let shop = shop().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.reprice(1, 150).await;
    let answer = cart.checkout(&customer, "k").await;
    assert_eq!((answer.status, &answer.json()["total"]), (201, &rub(300)));
}

#[tokio::test]
async fn all_that_stands_against_an_order_is_told_at_once_line_by_line() {
    let shop = shop().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]).await;
    shop.withdraw(1).await;
    shop.set_stock(2, 0).await;
    shop.reprice(3, 333).await;
    shop.set_stock(4, 3).await;
    shop.reprice(4, 444).await;
    let refused = order(&cart, &customer, "k", &json!({"expected_total": rub(7_000)})).await;
    refused.assert_problem(409, "lines-refused");
    let lines = json!([
        {"product_id": 1, "reason": "not_sold"},
        {"product_id": 2, "reason": "out_of_stock", "requested": 3, "available": 0},
        {"product_id": 3, "reason": "price_changed", "expected": rub(300), "now": rub(333)},
        {"product_id": 4, "reason": "out_of_stock", "requested": 5, "available": 3},
        {"product_id": 4, "reason": "price_changed", "expected": rub(400), "now": rub(444)},
    ]);
    assert_eq!(refused.json()["lines"], lines);
    assert_eq!(order(&cart, &customer, "k", &json!({"expected_total": rub(7_000)})).await, refused);
    // Without any expectation prices stand against nothing.
    let refused = cart.checkout(&customer, "other").await;
    assert_eq!(refused.json()["lines"].as_array().map(Vec::len), Some(3), "{refused:?}");
    assert_sound(&shop, &[(2, 0), (4, 3)]).await;
}

#[tokio::test]
async fn an_expectation_that_makes_no_sense_is_refused_before_anything_is_begun() {
    let shop = shop().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let price = |kopeks: i64| json!({"product_id": 1, "unit_price": rub(kopeks)});
    let twice = order(&cart, &customer, "k", &json!({"expected_prices": [price(100), price(200)]})).await;
    twice.assert_problem(422, "invalid-input");
    assert_eq!(twice.json()["errors"][0]["field"], "/expected_prices");
    for nonsense in [
        json!({"expected_total": 200}),
        json!({"expected_total": {"amount": 2.5, "currency": "RUB"}}),
        json!({"expected_total": {"amount": 200, "currency": "XXX"}}),
        json!({"expected_prices": [{"product_id": 0, "unit_price": rub(1)}]}),
        json!({"expected_prices": price(100)}),
    ] {
        let refused = order(&cart, &customer, "k", &nonsense).await;
        assert!(matches!(refused.status, 400 | 422), "{nonsense}: {refused:?}");
    }
    assert_eq!(order(&cart, &customer, "k", &json!({"expected_total": rub(200)})).await.status, 201);
}
