//! From a cart to an order.

use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::json;
use shop_cart::config::Times;

use crate::audit::assert_sound;
use crate::faults::{Fault, Step};
use crate::support::{HASTY, PATIENT, Shop};

#[tokio::test]
async fn a_checkout_orders_what_is_in_the_cart_and_empties_it() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (5, 1)]).await;
    let total = cart.get("/cart-api/cart", &customer).await.json()["total"].clone();

    let answer = cart.checkout(&customer, "first").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let receipt = answer.json();
    assert_eq!(receipt["status"], "CREATED");
    assert_eq!(receipt["total"], total);
    assert_eq!(receipt["cart_version"], 2);
    let order = receipt["order_id"].as_str().expect("an id");
    assert_eq!(answer.location, Some(format!("/order-api/orders/{order}")));
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));

    assert_eq!(cart.items(&customer).await, []);
    assert_eq!((shop.stock(1).await, shop.stock(5).await), (98, 99));
    assert_eq!(shop.orders_of(&customer).await, 1);
    cart.checkout(&customer, "second").await.assert_problem(422, "cart-empty");
}

#[tokio::test]
async fn fifty_concurrent_retries_of_one_checkout_make_one_order_and_fifty_equal_answers() {
    let shop = Shop::new().await;
    let replicas = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    replicas[0].fill(&customer, &[(1, 2), (2, 1)]).await;
    shop.faults.set(Step::Create, Fault::Slow(Duration::from_millis(100)));

    let retries = (0..50).map(|retry| replicas[retry % 3].checkout(&customer, "one-wish"));
    let answers = join_all(retries).await;

    assert_eq!(answers[0].status, 201, "{:?}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "all get the same, byte for byte");
    assert_eq!(shop.orders_of(&customer).await, 1);
    assert_eq!((shop.stock(1).await, shop.stock(2).await), (98, 99));
    assert_eq!(shop.faults.met(Step::Create), 1, "the steps were not even repeated");
    assert_sound(&shop, &[]).await;
}

#[tokio::test]
async fn new_checkouts_are_limited_over_all_replicas_and_retries_count_for_nothing() {
    let shop = Shop::new().await;
    let replicas = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    replicas[0].fill(&customer, &[(1, 1)]).await;
    let first = replicas[0].checkout(&customer, "first").await;
    let retries = join_all((0..60).map(|retry| replicas[retry % 3].checkout(&customer, "first"))).await;
    assert!(retries.iter().all(|retry| *retry == first), "nobody is limited for asking again");
    let mut let_through = 1;
    let limited = loop {
        let replica = &replicas[let_through % 3];
        replica.fill(&customer, &[(1, 1)]).await;
        let answer = replica.checkout(&customer, &format!("wish-{let_through}")).await;
        if answer.status != 201 {
            break answer;
        }
        let_through += 1;
        assert!(let_through < 90, "there is no limit");
    };
    limited.assert_problem(429, "too-many-checkouts");
    assert!(limited.retry_after.is_some());
    assert!(let_through >= 30, "the retries were counted: {let_through}");
    assert_eq!(replicas[1].checkout(&customer, "first").await, first, "not even now");
    let other = shop.customer();
    replicas[1].fill(&other, &[(1, 1)]).await;
    assert_eq!(replicas[1].checkout(&other, "first").await.status, 201, "each customer has a limit of their own");
}

#[tokio::test]
async fn a_retry_after_the_cart_has_changed_still_gets_the_first_answer() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let first = cart.checkout(&customer, "k").await;
    cart.fill(&customer, &[(3, 3)]).await;
    assert_eq!(cart.checkout(&customer, "k").await, first);
    assert_eq!(cart.checkout(&customer, "\"k\"").await, first, "quotes belong to the header, not to the key");
    assert_eq!(cart.items(&customer).await, [(3, 3)]);
    assert_eq!(shop.orders_of(&customer).await, 1);
}

#[tokio::test]
async fn a_key_is_of_one_customer() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let (one, other) = (shop.customer(), shop.customer());
    cart.fill(&one, &[(1, 1)]).await;
    cart.fill(&other, &[(2, 1)]).await;
    let (first, second) = (cart.checkout(&one, "k").await, cart.checkout(&other, "k").await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_ne!(first.json()["order_id"], second.json()["order_id"]);
}

#[tokio::test]
async fn a_key_with_another_request_is_refused() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let with = |body| cart.checkout_request(&customer, "k").json(&body);
    let first = cart.send(with(json!({"cart_version": 1}))).await;
    assert_eq!(first.status, 201);
    assert_eq!(cart.send(with(json!({"cart_version": 1}))).await, first);
    cart.send(with(json!({"cart_version": 2}))).await.assert_problem(422, "idempotency-key-reused");
    cart.checkout(&customer, "k").await.assert_problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn a_cart_that_the_customer_has_not_seen_is_not_ordered() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 1), (2, 1)]).await;
    let stale = cart.send(cart.checkout_request(&customer, "k").json(&json!({"cart_version": 1}))).await;
    stale.assert_problem(409, "cart-changed");
    assert_eq!(stale.json()["cart_version"], 2);
    let fresh = cart.send(cart.checkout_request(&customer, "k").json(&json!({"cart_version": 2}))).await;
    assert_eq!(fresh.status, 201, "nothing was begun under the key: {fresh:?}");
}

#[tokio::test]
async fn a_checkout_without_a_key_or_with_a_body_that_is_none_is_refused() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 1)]).await;
    let without = cart.request("POST", "/cart-api/cart/checkout", &customer.authorization);
    cart.send(without).await.assert_problem(400, "bad-request");
    for key in ["", "two words", &"x".repeat(256)] {
        cart.checkout(&customer, key).await.assert_problem(400, "bad-request");
    }
    let with = |body: &'static str| cart.send(cart.checkout_request(&customer, "k").body(body));
    for body in ["{", "x", "{} {}"] {
        with(body).await.assert_problem(400, "malformed-json");
    }
    for (body, field) in [
        ("7", ""),
        ("[]", ""),
        (r#"{"price":1}"#, "/price"),
        (r#"{"cart_version":"1"}"#, "/cart_version"),
        (r#"{"expected_total":{"amount":1.5,"currency":"RUB"}}"#, "/expected_total/amount"),
        (
            r#"{"expected_prices":[{"product_id":0,"unit_price":{"amount":1,"currency":"RUB"}}]}"#,
            "/expected_prices/0/product_id",
        ),
    ] {
        let refused = with(body).await;
        refused.assert_problem(422, "invalid-input");
        assert_eq!(refused.json()["errors"][0]["field"], field, "{body}: {refused:?}");
    }
    assert_eq!(shop.orders_of(&customer).await, 0);
}

#[tokio::test]
async fn two_checkouts_of_one_cart_under_two_keys_order_its_lines_once() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Reserve, Fault::Slow(Duration::from_millis(100)));
    let keys: Vec<_> = (0..10).map(|key| format!("key-{key}")).collect();
    let answers = join_all(keys.iter().map(|key| cart.checkout(&customer, key))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for other in answers.iter().filter(|answer| answer.status != 201) {
        if other.status == 409 {
            other.assert_problem(409, "other-checkout-in-flight");
            assert_eq!(other.retry_after.as_deref(), Some("1"));
        } else {
            other.assert_problem(422, "cart-empty"); // it came when the first was done already
        }
    }
    assert_eq!((shop.orders_of(&customer).await, shop.stock(1).await), (1, 98));
}

#[tokio::test]
async fn lines_added_while_a_checkout_runs_stay_in_the_cart() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 3), (3, 4)]).await;
    shop.faults.set(Step::Create, Fault::Slow(Duration::from_secs(2)));
    let checkout = cart.checkout_in_background(&customer, "k");
    shop.faults.until_met(Step::Create).await;

    cart.fill(&customer, &[(1, 5), (9, 1)]).await; // more of one that is being ordered, and a new one
    assert_eq!(cart.delete("/cart-api/cart/items/2", &customer).await.status, 204); // taken out…
    cart.fill(&customer, &[(2, 1)]).await; // …and put in anew: another line

    let answer = checkout.await.expect("it is not cancelled").expect("it is answered");
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["lines"].as_array().map(Vec::len), Some(3));
    assert_eq!(cart.items(&customer).await, [(1, 5), (2, 1), (9, 1)]);
    assert_eq!((shop.stock(1).await, shop.stock(2).await, shop.stock(3).await), (98, 97, 96));
}

#[tokio::test]
async fn a_checkout_without_stock_is_refused_for_good_and_leaves_everything_as_it_was() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 50)]).await;
    shop.set_stock(2, 49).await;

    let refused = cart.checkout(&customer, "k").await;
    refused.assert_problem(409, "out-of-stock");
    assert_eq!(
        refused.json()["lines"],
        json!([{"product_id": 2, "reason": "out_of_stock", "requested": 50, "available": 49}])
    );
    assert_eq!((shop.stock(1).await, shop.stock(2).await), (100, 49));
    assert_eq!(cart.items(&customer).await, [(1, 2), (2, 50)]);

    shop.set_stock(2, 50).await;
    assert_eq!(cart.checkout(&customer, "k").await, refused, "the key keeps its answer, byte for byte");
    assert_eq!(cart.checkout(&customer, "another").await.status, 201);
    assert_eq!((shop.stock(1).await, shop.stock(2).await), (98, 0));
    assert_eq!(shop.orders_of(&customer).await, 1);
}

#[tokio::test]
async fn many_customers_who_want_the_last_pieces_get_exactly_those() {
    let shop = Shop::new().await;
    let replicas = [shop.replica(PATIENT).await, shop.replica(PATIENT).await];
    let customers: Vec<_> = (0..30).map(|_| shop.customer()).collect();
    join_all(customers.iter().map(|customer| replicas[0].fill(customer, &[(1, 1), (2, 1)]))).await;
    shop.set_stock(1, 10).await;
    let wishes = customers.iter().enumerate().map(|(i, customer)| replicas[i % 2].checkout(customer, "k"));
    let answers = join_all(wishes).await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(201), with(409)), (10, 20));
    assert_eq!((shop.stock(1).await, shop.stock(2).await), (0, 90));
    assert_sound(&shop, &[(1, 10)]).await;
}

#[tokio::test]
async fn an_order_that_the_order_service_does_not_take_gives_its_stock_back() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Create, Fault::Refused(StatusCode::UNPROCESSABLE_ENTITY));
    let refused = cart.checkout(&customer, "k").await;
    refused.assert_problem(422, "order-not-accepted");
    shop.faults.clear();
    assert_eq!((shop.stock(1).await, shop.orders_of(&customer).await), (100, 0));
    assert_eq!(cart.checkout(&customer, "k").await, refused);
    assert_eq!(cart.items(&customer).await, [(1, 2)]);
}

#[tokio::test]
async fn a_customer_who_hangs_up_gets_the_order_all_the_same() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Reserve, Fault::Slow(Duration::from_millis(300)));
    let request = cart.checkout_in_background(&customer, "k");
    shop.faults.until_met(Step::Reserve).await;
    request.abort();
    shop.until_settled().await;
    assert_eq!((shop.orders_of(&customer).await, shop.stock(1).await), (1, 98));
    assert_eq!(cart.items(&customer).await, []);
    assert_eq!(shop.faults.met(Step::Reserve), 1, "the same task went on");
}

#[tokio::test]
async fn a_checkout_that_takes_too_long_is_said_to_be_in_flight_and_can_be_asked_for_again() {
    let shop = Shop::new().await;
    let impatient = Times { checkout_wait: Duration::from_millis(200), ..HASTY };
    let cart = shop.replica(impatient).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Create, Fault::NotDone);
    for _ in 0..2 {
        let waiting = cart.checkout(&customer, "k").await;
        waiting.assert_problem(409, "checkout-in-flight");
        assert_eq!(waiting.retry_after.as_deref(), Some("1"));
        assert!(waiting.json()["order_id"].is_string());
    }
    shop.faults.clear();
    shop.until_settled().await;
    assert_eq!(cart.checkout(&customer, "k").await.status, 201);
    assert_eq!((shop.orders_of(&customer).await, shop.stock(1).await), (1, 98));
    assert_eq!(shop.faults.met(Step::Release), 0, "no answer is not a refusal");
}
