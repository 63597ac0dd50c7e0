//! What is deleted when its time is over, and what is given up.

use std::time::Duration;

use shop_cart::config::Times;
use shop_testkit::eventually;
use sqlx::AssertSqlSafe;

use crate::audit::assert_sound;
use crate::browser::Browser;
use crate::faults::{Fault, Step};
use crate::support::{HASTY, PATIENT, Shop, execute};

async fn age(shop: &Shop, days: u32) {
    let statement = format!("UPDATE carts SET updated_at = updated_at - interval '{days} days'");
    sqlx::query(AssertSqlSafe(statement)).execute(shop.db.pool()).await.expect("carts grow old");
}

async fn carts(shop: &Shop) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(shop.db.pool()).await;
    count.expect("carts can be counted")
}

#[tokio::test]
async fn carts_that_nobody_changes_are_deleted_and_the_caches_are_told() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let (customer, browser) = (shop.customer(), Browser::new());
    cart.fill(&customer, &[(1, 2)]).await;
    browser.fill(&cart, &[(2, 3)]).await;
    age(&shop, 29).await;
    let cleaner = shop.replica(PATIENT).await;
    browser.fill(&cart, &[(2, 1)]).await;
    age(&shop, 29).await;
    drop(cleaner);
    let cleaner = shop.replica(PATIENT).await;
    for replica in [&cart, &cleaner] {
        assert_eq!(browser.get(replica).await.items(), [(2, 4)], "a change begins the time anew");
        assert!(browser.get(replica).await.is_hit());
    }

    age(&shop, 2).await;
    drop(cleaner);
    let cleaner = shop.replica(PATIENT).await;
    eventually("the anonymous cart is gone", async || carts(&shop).await == 1).await;
    for replica in [&cart, &cleaner] {
        assert_eq!(browser.get(replica).await.items(), [], "it is not shown from a cache either");
        assert_eq!(replica.items(&customer).await, [(1, 2)], "a user's cart is kept for longer");
    }
    age(&shop, 306).await;
    drop(cleaner);
    let _cleaner = shop.replica(PATIENT).await;
    eventually("the user's cart is gone", async || carts(&shop).await == 0).await;
    assert_eq!(cart.items(&customer).await, []);
    let old = browser.cookie();
    browser.fill(&cart, &[(3, 1)]).await;
    assert_ne!(browser.cookie(), old, "an old cookie begins a new cart");
}

#[tokio::test]
async fn a_cart_that_is_being_ordered_is_kept() {
    let shop = Shop::new().await;
    let cart = shop.replica(PATIENT).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Create, Fault::Slow(Duration::from_secs(2)));
    let checkout = cart.checkout_in_background(&customer, "k");
    shop.faults.until_met(Step::Create).await;
    age(&shop, 400).await;
    let other = Browser::new();
    other.fill(&cart, &[(1, 1)]).await;
    execute(shop.db.pool(), "UPDATE carts SET updated_at = now() - interval '400 days'").await;
    let _cleaner = shop.replica(PATIENT).await;
    eventually("the other cart is gone", async || carts(&shop).await == 1).await;
    let answer = checkout.await.expect("it is not cancelled").expect("it is answered");
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_sound(&shop, &[]).await;
}

#[tokio::test]
async fn a_checkout_that_could_not_be_done_in_time_is_given_up_and_its_stock_given_back() {
    for (step, fault) in
        [(Step::Reserve, Fault::NotDone), (Step::Reserve, Fault::AnswerLost), (Step::Commit, Fault::AnswerLost)]
    {
        let shop = Shop::new().await;
        let short =
            Times { checkout_deadline: Duration::from_secs(1), checkout_wait: Duration::from_millis(300), ..HASTY };
        let cart = shop.replica(short).await;
        let customer = shop.customer();
        cart.fill(&customer, &[(1, 2)]).await;
        shop.faults.set(step, fault);
        cart.checkout(&customer, "k").await.assert_problem(409, "checkout-in-flight");
        // The step goes on failing: only the deadline ends it.
        shop.until_settled().await;
        let refused = cart.checkout(&customer, "k").await;
        refused.assert_problem(409, "checkout-given-up");
        shop.faults.clear();
        assert_eq!(cart.items(&customer).await, [(1, 2)]);
        assert_eq!(shop.stock(1).await, 100, "{step:?} {fault:?}");
        assert_sound(&shop, &[]).await;
        let patient = shop.replica(PATIENT).await;
        assert_eq!(patient.checkout(&customer, "again").await.status, 201);
        assert_sound(&shop, &[]).await;
    }
}

#[tokio::test]
async fn a_checkout_whose_order_may_be_there_is_never_given_up() {
    let shop = Shop::new().await;
    let short =
        Times { checkout_deadline: Duration::from_millis(100), checkout_wait: Duration::from_millis(900), ..HASTY };
    let cart = shop.replica(short).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2)]).await;
    shop.faults.set(Step::Create, Fault::AnswerLost);
    cart.checkout(&customer, "k").await.assert_problem(409, "checkout-in-flight");
    shop.faults.clear();
    shop.until_settled().await;
    assert_eq!(cart.checkout(&customer, "k").await.status, 201);
    assert_eq!(shop.faults.met(Step::Release), 0);
    assert_sound(&shop, &[]).await;
}
