//! Carts of visitors who have not logged in, and what becomes of them when they do.

use std::time::Duration;

use futures::future::{join, join_all};
use serde_json::{Value, json};
use shop_runtime::rate_limit::Rate;

use crate::browser::Browser;
use crate::faults::{Fault, Step};
use crate::support::{Answer, HASTY, PATIENT, Replica, Shop};

#[tokio::test]
async fn a_visitor_gets_a_cookie_with_the_first_line_and_finds_the_cart_through_any_replica() {
    let shop = Shop::new().await;
    let (one, two) = (shop.replica(PATIENT).await, shop.replica(PATIENT).await);
    let browser = Browser::new();
    let empty = browser.get(&one).await;
    assert_eq!((empty.status, &empty.json()["lines"], &empty.set_cookie), (200, &json!([]), &None));
    assert_eq!(empty.etag.as_deref(), Some("\"0\""));

    let added = browser.add(&one, 1, 2).await;
    let cookie = added.set_cookie.expect("a cookie is given");
    let attributes = cookie.split_once("; ").expect("it has attributes").1;
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000");
    assert_eq!(added.cache_control.as_deref(), Some("no-store"));
    browser.fill(&two, &[(2, 1), (1, 1)]).await;
    let read = browser.get(&two).await;
    assert_eq!(read.items(), [(1, 3), (2, 1)]);
    assert!(read.json().get("user_id").is_none());
    assert_eq!(Browser::new().get(&one).await.items(), [], "without the cookie it is another cart");

    let secret = browser.cookie().expect("it is kept");
    let row: String =
        sqlx::query_scalar("SELECT carts::text || checkouts::text FROM carts LEFT JOIN checkouts USING (user_id)")
            .fetch_optional(shop.db.pool())
            .await
            .expect("the carts can be read")
            .flatten()
            .unwrap_or_default();
    assert!(!row.contains(&secret), "the secret is not kept");
    let path = "/cart-api/cart/items/2";
    assert_eq!(browser.send(&one, one.anonymous_request("DELETE", path)).await.status, 204);
    assert_eq!(browser.get(&two).await.items(), [(1, 3)]);
    assert_eq!(browser.send(&one, one.anonymous_request("DELETE", "/cart-api/cart")).await.status, 204);
    assert_eq!(browser.get(&two).await.items(), []);
}

#[tokio::test]
async fn a_cookie_is_for_encrypted_connections_only_if_the_visitor_came_by_one() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let browser = Browser::new();
    let body = json!({"product_id": 1, "quantity": 1});
    let request = cart.anonymous_request("POST", "/api/cart/add").header("x-forwarded-proto", "https").json(&body);
    let cookie = browser.send(&cart, request).await.set_cookie.expect("a cookie is given");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(browser.get(&cart).await.items(), [(1, 1)]);
}

#[tokio::test]
async fn what_puts_nothing_into_a_cart_makes_none() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let browser = Browser::new();
    browser.add(&cart, 999, 1).await.assert_problem(404, "product-not-found");
    browser.add(&cart, 1, 101).await.assert_problem(409, "out-of-stock");
    for path in ["/cart-api/cart", "/cart-api/cart/items/1", "/cart-api/cart/left-out"] {
        assert_eq!(browser.send(&cart, cart.anonymous_request("DELETE", path)).await.status, 204);
    }
    assert_eq!(browser.cookie(), None);
    let carts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(shop.db.pool()).await.expect("they can be counted");
    assert_eq!(carts, 0);
}

#[tokio::test]
async fn a_cookie_that_somebody_made_up_opens_nothing_and_is_never_adopted() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    for made_up in ["", "x", "null", &"00".repeat(32), &"ab".repeat(33), "'; DROP TABLE carts; --"] {
        let browser = Browser::with_cookie(made_up);
        let read = browser.get(&cart).await;
        assert_eq!((read.status, read.items()), (200, vec![]), "{made_up}");
        browser.fill(&cart, &[(1, 1)]).await;
        assert_ne!(browser.cookie().as_deref(), Some(made_up), "whoever planted it would see what is put in");
        assert_eq!(browser.get(&cart).await.items(), [(1, 1)]);
        assert_eq!(Browser::with_cookie(made_up).get(&cart).await.items(), [], "{made_up}");
        let (customer, planted) = (shop.customer(), Browser::with_cookie(made_up));
        planted.log_in(&customer);
        assert_eq!(planted.get(&cart).await.items(), [], "nothing is merged");
    }
}

/// Adds a piece from an address, as the gateway tells it.
async fn add_from(address: &str, browser: &Browser, replica: &Replica) -> Answer {
    let request = replica.anonymous_request("POST", "/cart-api/cart/items").header("x-forwarded-for", address);
    browser.send(replica, request.json(&json!({"product_id": 1, "quantity": 1}))).await
}

#[tokio::test]
async fn new_carts_of_an_address_are_limited_over_all_replicas_and_nobody_with_a_cart_is_hindered() {
    let mut shop = Shop::new().await;
    shop.new_carts = Rate { burst: 4, interval: Duration::from_secs(3600) };
    let replicas = [shop.replica(PATIENT).await, shop.replica(PATIENT).await];
    let (address, chosen) = ("203.0.113.7", "198.51.100.1, 203.0.113.7");
    let early = Browser::new();
    for replica in &replicas {
        assert_eq!(add_from(address, &early, replica).await.status, 200);
        assert_eq!(add_from(chosen, &Browser::new(), replica).await.status, 200);
    }
    assert_eq!(add_from(address, &Browser::new(), &replicas[0]).await.status, 200, "the second use was no new cart");

    let path = "/cart-api/cart/items/1";
    for replica in &replicas {
        for late in [Browser::new(), Browser::with_cookie(&"00".repeat(32))] {
            let put = replica.anonymous_request("PUT", path).header("x-forwarded-for", address);
            let old = replica.anonymous_request("POST", "/api/cart/add").header("x-forwarded-for", address);
            let refusals = [
                add_from(chosen, &late, replica).await,
                late.send(replica, put.json(&json!({"quantity": 1}))).await,
                late.send(replica, old.json(&json!({"product_id": 1, "quantity": 1}))).await,
            ];
            for refused in refusals {
                refused.assert_problem(429, "too-many-carts");
                assert_eq!((refused.retry_after.as_deref(), refused.set_cookie), (Some("3600"), None));
            }
            let read = replica.anonymous_request("GET", "/cart-api/cart").header("x-forwarded-for", address);
            assert_eq!(late.send(replica, read).await.items(), [], "an empty cart can still be looked at");
        }
        assert_eq!(add_from(address, &early, replica).await.status, 200, "whoever has a cart goes on");
        let logged_in = Browser::new();
        logged_in.log_in(&shop.customer());
        assert_eq!(add_from(address, &logged_in, replica).await.status, 200, "and whoever has logged in");
    }
    assert_eq!(early.get(&replicas[0]).await.items(), [(1, 4)]);
    let neighbour = add_from("203.0.113.8", &Browser::new(), &replicas[0]).await;
    assert_eq!(neighbour.status, 200, "each address has a limit of its own");
}

#[tokio::test]
async fn whoever_is_not_logged_in_cannot_order_and_is_told_what_to_do() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let browser = Browser::new();
    browser.fill(&cart, &[(1, 2)]).await;
    let refused = browser.checkout(&cart, "k").await;
    refused.assert_problem(401, "unauthenticated");
    assert_eq!(refused.json()["detail"], "who wants to order has to log in; what is in the cart comes along");
    browser.merge(&cart).await.assert_problem(401, "unauthenticated");
    assert_eq!(browser.get(&cart).await.items(), [(1, 2)], "the cart stays");
    let wrong = cart.request("GET", "/cart-api/cart", "Bearer nonsense");
    browser.send(&cart, wrong).await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_cart_of_before_the_login_is_merged_into_the_customers_once() {
    let shop = Shop::new().await;
    let (one, two) = (shop.replica(PATIENT).await, shop.replica(PATIENT).await);
    let customer = shop.customer();
    one.fill(&customer, &[(1, 2), (2, 1)]).await;
    let browser = Browser::new();
    browser.fill(&two, &[(2, 3), (3, 4)]).await;
    let cookie = browser.cookie().expect("it is kept");
    // Both are in the caches of both replicas.
    for replica in [&one, &two] {
        assert_eq!(browser.get(replica).await.items(), [(2, 3), (3, 4)]);
        assert_eq!(replica.items(&customer).await, [(1, 2), (2, 1)]);
    }

    browser.log_in(&customer);
    let read = browser.get(&one).await;
    assert_eq!(read.items(), [(1, 2), (2, 4), (3, 4)]);
    assert_eq!(read.etag.as_deref(), Some("\"3\""), "one merge is one version");
    assert!(read.set_cookie.expect("the cookie is taken back").contains("Max-Age=0"));
    assert_eq!(browser.cookie(), None);
    for replica in [&one, &two] {
        assert_eq!(replica.items(&customer).await, [(1, 2), (2, 4), (3, 4)]);
        assert_eq!(Browser::with_cookie(&cookie).get(replica).await.items(), [], "and the other is empty everywhere");
    }

    let again = Browser::with_cookie(&cookie);
    again.log_in(&customer);
    assert_eq!(again.get(&two).await.items(), [(1, 2), (2, 4), (3, 4)]);
    assert_eq!(again.cookie(), None, "it is of no use any more");
    let thief = Browser::with_cookie(&cookie);
    thief.log_in(&shop.customer());
    assert_eq!(thief.get(&one).await.items(), []);
}

#[tokio::test]
async fn twenty_requests_at_once_with_token_and_cookie_merge_once() {
    let shop = Shop::new().await;
    let replicas = shop.replicas(PATIENT).await;
    let customer = shop.customer();
    let browser = Browser::new();
    browser.fill(&replicas[0], &[(1, 2), (2, 3)]).await;
    let cookie = browser.cookie().expect("it is kept");
    let tabs = (0..20).map(async |tab: usize| {
        let (browser, replica) = (Browser::with_cookie(&cookie), &replicas[tab % 3]);
        browser.log_in(&customer);
        let answer = match tab % 4 {
            0 => browser.get(replica).await,
            1 => browser.merge(replica).await,
            _ => browser.add(replica, 9, 1).await,
        };
        assert_eq!(answer.status, 200, "{answer:?}");
    });
    join_all(tabs).await;
    assert_eq!(replicas[0].items(&customer).await, [(1, 2), (2, 3), (9, 10)]);
}

#[tokio::test]
async fn what_another_tab_puts_in_while_the_cart_is_merged_is_merged_or_refused_and_never_lost() {
    let shop = Shop::new().await;
    let replicas = shop.replicas(PATIENT).await;
    for round in 0..10 {
        let customer = shop.customer();
        let browser = Browser::new();
        browser.fill(&replicas[0], &[(1, 1)]).await;
        let cookie = browser.cookie().expect("it is kept");
        let tabs = join_all((0..8).map(async |tab: usize| {
            let other = Browser::with_cookie(&cookie);
            let answer = other.add(&replicas[tab % 3], 1, 1).await;
            if answer.status == 200 {
                assert_eq!(other.cookie().as_ref(), Some(&cookie), "it went into the cart that it was meant for");
            } else {
                answer.assert_problem(409, "cart-merged");
            }
            i64::from(answer.status == 200)
        }));
        let logged_in = Browser::with_cookie(&cookie);
        logged_in.log_in(&customer);
        let (added, merged) = join(tabs, logged_in.merge(&replicas[round % 3])).await;
        assert_eq!(merged.status, 200, "{merged:?}");
        let expected = 1 + added.iter().sum::<i64>();
        assert_eq!(replicas[0].items(&customer).await, [(1, expected)], "all that was told to be in is in");
    }
}

#[tokio::test]
async fn what_finds_no_place_is_told_until_the_customer_has_seen_it() {
    let shop = Shop::with_products(101).await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    for product in 1..=99 {
        cart.fill(&customer, &[(product, 1)]).await;
    }
    let browser = Browser::new();
    shop.set_stock(2, 5_000).await;
    browser.fill(&cart, &[(1, 60), (2, 999), (3, 1), (100, 5), (101, 1)]).await;
    shop.set_stock(1, 10).await;
    shop.withdraw(3).await;
    browser.log_in(&customer);
    let told = browser.merge(&cart).await;
    assert_eq!(told.status, 200, "{told:?}");
    let merged = json!([{"product_id": 1, "quantity": 9}, {"product_id": 2, "quantity": 998}, {"product_id": 100, "quantity": 5}]);
    assert_eq!(told.json()["merged"], merged);
    let left_out = json!([
        {"product_id": 1, "quantity": 51, "reason": "out_of_stock"},
        {"product_id": 2, "quantity": 1, "reason": "too_many_pieces"},
        {"product_id": 3, "quantity": 1, "reason": "not_sold"},
        {"product_id": 101, "quantity": 1, "reason": "cart_full"},
    ]);
    assert_eq!(told.json()["left_out"], left_out);

    // Whoever did not hear the answer is told by every read.
    assert_eq!(cart.get("/cart-api/cart", &customer).await.json()["left_out"], left_out);
    assert_eq!(browser.merge(&cart).await.json()["left_out"], left_out);
    assert_eq!(cart.delete("/cart-api/cart/left-out", &customer).await.status, 204);
    let shown = cart.get("/cart-api/cart", &customer).await.json();
    assert_eq!(shown.get("left_out"), None);
    assert_eq!(shown["lines"].as_array().map(Vec::len), Some(99), "100 less the one that is not sold: {shown}");
    assert_eq!(shown["lines"][0]["quantity"], 10);
}

#[tokio::test]
async fn a_merge_while_the_customers_cart_is_being_ordered_stays_out_of_that_order() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let browser = Browser::new();
    browser.fill(&cart, &[(1, 5), (2, 1)]).await;
    shop.faults.set(Step::Create, Fault::Slow(Duration::from_secs(2)));
    let checkout = cart.checkout_in_background(&customer, "k");
    shop.faults.until_met(Step::Create).await;
    browser.log_in(&customer);
    assert_eq!(browser.get(&cart).await.items(), [(1, 7), (2, 1)]);
    let answer = checkout.await.expect("it is not cancelled").expect("it is answered");
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["lines"].as_array().map(Vec::len), Some(1));
    assert_eq!(cart.items(&customer).await, [(1, 5), (2, 1)]);
}

#[tokio::test]
async fn who_logs_in_and_orders_at_once_orders_both_carts_and_a_retry_gets_the_same_answer() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let browser = Browser::new();
    browser.fill(&cart, &[(2, 3)]).await;
    let cookie = browser.cookie().expect("it is kept");
    browser.log_in(&customer);
    let seen = json!({"cart_version": 1});
    let request = cart.anonymous_request("POST", "/cart-api/cart/checkout").header("idempotency-key", "unseen");
    browser.send(&cart, request.json(&seen)).await.assert_problem(409, "cart-changed");
    let first = browser.checkout(&cart, "k").await;
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.json()["lines"].as_array().map(Vec::len), Some(2));

    let retry = Browser::with_cookie(&cookie);
    retry.log_in(&customer);
    assert_eq!(retry.checkout(&cart, "k").await.text, first.text);
    assert_eq!(cart.items(&customer).await, []);
}

#[tokio::test]
async fn without_the_catalog_a_merge_waits_and_nothing_is_lost() {
    let shop = Shop::new().await;
    let cart = shop.replica(HASTY).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    let browser = Browser::new();
    browser.fill(&cart, &[(2, 3)]).await;
    browser.log_in(&customer);
    let cookie = browser.cookie();
    shop.faults.set(Step::Quote, Fault::NotDone);
    browser.merge(&cart).await.assert_problem(503, "dependency-unavailable");
    let read = browser.get(&cart).await;
    assert_eq!((read.status, read.items()), (200, vec![(1, 2)]), "the customer's own cart is shown meanwhile");
    assert_eq!(browser.cookie(), cookie, "the cookie is kept for later");
    shop.faults.clear();
    let mut merged = Value::Null;
    shop_testkit::eventually("the catalog is asked again", async || {
        let answer = browser.merge(&cart).await;
        merged = answer.json();
        answer.status == 200
    })
    .await;
    assert_eq!(merged["merged"], json!([{"product_id": 2, "quantity": 3}]));
    assert_eq!(cart.items(&customer).await, [(1, 2), (2, 3)]);
}
