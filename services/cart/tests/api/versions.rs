//! Versions of a cart, and additions that are made once.

use std::time::Duration;

use futures::future::join_all;
use reqwest::RequestBuilder;
use serde_json::json;

use crate::faults::{Fault, Step};
use crate::support::{Customer, HASTY, PATIENT, Replica, Shop, execute};

fn addition(cart: &Replica, customer: &Customer, quantity: i64, key: &str) -> RequestBuilder {
    let request = cart.request("POST", "/cart-api/cart/items", &customer.authorization);
    request.header("idempotency-key", key).json(&json!({"product_id": 1, "quantity": quantity}))
}

#[tokio::test]
async fn every_answer_tells_the_version_and_every_change_can_be_meant_for_one() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    let put = json!({"quantity": 3});
    let added = json!({"product_id": 2, "quantity": 1});
    let changes = [
        ("POST", "/cart-api/cart/items", Some(&added)),
        ("POST", "/api/cart/add", Some(&added)),
        ("PUT", "/cart-api/cart/items/1", Some(&put)),
        ("DELETE", "/cart-api/cart/items/1", None),
        ("DELETE", "/cart-api/cart", None),
    ];
    let mut version = 0;
    for (method, path, body) in changes {
        let request = |seen: &str| {
            let request = cart.request(method, path, &customer.authorization).header("if-match", seen);
            body.map_or(request.try_clone().expect("no body yet"), |body| request.json(body))
        };
        for other in ["\"99\"", "W/\"99\"", "\"98\", \"99\"", "\"\""] {
            let refused = cart.send(request(other)).await;
            refused.assert_problem(412, "precondition-failed");
            assert_eq!(refused.json()["version"], version, "{method} {path}");
            assert_eq!(refused.etag, Some(format!("\"{version}\"")));
        }
        cart.send(request("nonsense")).await.assert_problem(400, "bad-request");
        let read = cart.get("/cart-api/cart", &customer).await;
        assert_eq!(read.etag, Some(format!("\"{version}\"")), "what is refused changes nothing");
        // As a browser got it from the gateway, which weakens the tags of what it compresses.
        let answer = cart.send(request(&format!("\"99\", W/\"{version}\""))).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        version += 1;
        assert_eq!(answer.etag, Some(format!("\"{version}\"")), "{method} {path}");
    }
    let fresh = cart.request("DELETE", "/cart-api/cart", &customer.authorization).header("if-match", "*");
    assert_eq!(
        cart.send(fresh).await.etag,
        Some(format!("\"{version}\"")),
        "what changes nothing has the same version"
    );

    cart.fill(&customer, &[(1, 1)]).await;
    let order = |seen: &str| cart.checkout_request(&customer, "k").header("if-match", seen);
    cart.send(order("\"1\"")).await.assert_problem(412, "precondition-failed");
    let ordered = cart.send(order(&format!("\"{}\"", version + 1))).await;
    assert_eq!(ordered.status, 201, "nothing was begun under the key: {ordered:?}");
    assert_eq!(cart.send(order("\"1\"")).await, ordered, "a retry is not refused for what the checkout has changed");
}

#[tokio::test]
async fn a_change_that_comes_a_second_time_is_answered_like_the_first_time_as_long_as_nothing_else_has_happened() {
    let shop = Shop::new().await;
    let [first, second, _] = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    let set = async |replica: &Replica, seen: &str, quantity: i64| {
        let request = replica.request("PUT", "/cart-api/cart/items/1", &customer.authorization);
        replica.send(request.header("if-match", seen).json(&json!({"quantity": quantity}))).await
    };
    let take = async |replica: &Replica, path: &str, seen: &str| {
        replica.send(replica.request("DELETE", path, &customer.authorization).header("if-match", seen)).await
    };
    let answer = set(&first, "\"0\"", 3).await;
    assert_eq!(answer.status, 200);
    assert_eq!(set(&second, "W/\"0\"", 3).await, answer, "byte for byte");
    set(&second, "\"0\"", 4).await.assert_problem(412, "precondition-failed");
    for (path, seen) in [("/cart-api/cart/items/1", "\"1\""), ("/cart-api/cart", "\"3\"")] {
        let answer = take(&first, path, seen).await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(take(&second, path, seen).await, answer, "{path}");
        first.fill(&customer, &[(1, 1)]).await;
        take(&second, path, seen).await.assert_problem(412, "precondition-failed");
    }
    set(&second, "\"3\"", 1).await.assert_problem(412, "precondition-failed");
}

#[tokio::test]
async fn of_twenty_tabs_that_change_the_version_that_they_saw_one_does() {
    let shop = Shop::new().await;
    let replicas = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    replicas[0].fill(&customer, &[(1, 1)]).await;
    let tabs = (0..20).map(async |tab: usize| {
        let replica = &replicas[tab % 3];
        let request = replica.request("PUT", "/cart-api/cart/items/1", &customer.authorization);
        let quantity = i64::try_from(tab).expect("small") + 2;
        replica.send(request.header("if-match", "\"1\"").json(&json!({"quantity": quantity}))).await.status
    });
    let mut statuses = join_all(tabs).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    assert!(statuses[1..].iter().all(|status| *status == 412), "{statuses:?}");
}

#[tokio::test]
async fn an_addition_under_a_key_is_made_once_and_every_retry_gets_its_answer() {
    let shop = Shop::new().await;
    let replicas = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    let retries = (0..20).map(async |retry: usize| {
        let replica = &replicas[retry % 3];
        replica.send(addition(replica, &customer, 3, "one-wish")).await
    });
    let answers = join_all(retries).await;
    assert_eq!(answers[0].status, 200, "{:?}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "all get the same");
    let [cart, ..] = &replicas;
    assert_eq!(cart.items(&customer).await, [(1, 3)]);

    cart.send(addition(cart, &customer, 4, "one-wish")).await.assert_problem(422, "idempotency-key-reused");
    cart.send(addition(cart, &shop.customer(), 4, "one-wish")).await.assert_problem_free();
    cart.fill(&customer, &[(1, 1)]).await;
    let seen = addition(cart, &customer, 3, "\"one-wish\"").header("if-match", "\"0\"");
    assert_eq!(cart.send(seen).await, answers[0], "whatever has changed since");
    assert_eq!(cart.items(&customer).await, [(1, 4)]);
    for key in ["", "two words", &"x".repeat(256)] {
        cart.send(addition(cart, &customer, 1, key)).await.assert_problem(400, "bad-request");
    }
}

#[tokio::test]
async fn an_addition_that_was_refused_is_decided_anew_when_it_comes_again() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.send(addition(&cart, &customer, 101, "k")).await.assert_problem(409, "out-of-stock");
    shop.set_stock(1, 200).await;
    assert_eq!(cart.send(addition(&cart, &customer, 101, "k")).await.status, 200);
    assert_eq!(cart.items(&customer).await, [(1, 101)]);
}

#[tokio::test]
async fn the_retry_of_an_addition_is_answered_without_the_catalog_and_its_key_is_forgotten_after_a_day() {
    let shop = Shop::new().await;
    let cart = shop.replica(HASTY).await;
    let customer = shop.customer();
    let first = cart.send(addition(&cart, &customer, 2, "k")).await;
    shop.faults.set(Step::Quote, Fault::NotDone);
    assert_eq!(cart.send(addition(&cart, &customer, 2, "k")).await, first);
    shop.faults.clear();

    execute(shop.db.pool(), "UPDATE cart_additions SET created_at = now() - interval '25 hours'").await;
    execute(shop.db.pool(), "UPDATE checkouts SET updated_at = now() - interval '25 hours'").await;
    let cleaner = shop.replica(PATIENT).await;
    shop_testkit::eventually("the key is forgotten", async || {
        let kept = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM cart_additions").fetch_one(shop.db.pool()).await;
        kept.is_ok_and(|kept| kept == 0)
    })
    .await;
    assert_eq!(cleaner.send(addition(&cleaner, &customer, 2, "k")).await.status, 200);
    assert_eq!(cleaner.items(&customer).await, [(1, 4)]);
}

#[tokio::test]
async fn the_retry_of_an_addition_whose_process_died_adds_nothing() {
    let shop = Shop::new().await;
    let customer = shop.customer();
    let doomed = shop.replica(HASTY).await;
    shop.faults.set(Step::Quote, Fault::Slow(Duration::from_millis(50)));
    let adding = tokio::spawn(addition(&doomed, &customer, 2, "k").send());
    shop_testkit::eventually("it is committed", async || {
        let made = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM cart_additions").fetch_one(shop.db.pool()).await;
        made.is_ok_and(|made| made == 1)
    })
    .await;
    doomed.kill();
    let _ = adding.await;
    let survivor = shop.replica(HASTY).await;
    assert_eq!(survivor.send(addition(&survivor, &customer, 2, "k")).await.status, 200);
    shop_testkit::eventually("the cart is shown", async || survivor.items(&customer).await == [(1, 2)]).await;
}
