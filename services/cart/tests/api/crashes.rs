//! Checkouts whose process dies: whatever the moment, they come to the same end.

use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;

use crate::audit::assert_sound;
use crate::faults::{Fault, Step};
use crate::support::{Customer, HASTY, Replica, Shop};

/// A checkout whose process is killed in this step.
async fn cut(shop: &Shop, step: Step, fault: Fault) -> Customer {
    let doomed = shop.replica(HASTY).await;
    let customer = shop.customer();
    doomed.fill(&customer, &[(1, 2), (2, 1)]).await;
    shop.faults.set(step, fault);
    let checkout = doomed.checkout_in_background(&customer, "k");
    shop.faults.until_met(step).await;
    doomed.kill();
    assert!(checkout.await.expect("it is not cancelled").is_err(), "nobody was left to answer");
    shop.faults.clear();
    customer
}

/// Everything is as if nothing had happened to the checkout.
async fn assert_done_once(shop: &Shop, cart: &Replica, customer: &Customer) {
    let answer = cart.checkout(customer, "k").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["lines"].as_array().map(Vec::len), Some(2));
    assert_eq!(cart.checkout(customer, "k").await, answer);
    assert_eq!(shop.orders_of(customer).await, 1);
    assert_eq!((shop.stock(1).await, shop.stock(2).await), (98, 99));
    assert_eq!(cart.items(customer).await, []);
    assert_eq!(shop.faults.met(Step::Release), 0, "nothing was given back in between");
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM reservations WHERE state <> 'committed'")
        .fetch_one(&shop.catalog)
        .await
        .expect("reservations can be counted");
    assert_eq!(open, 0, "the reservation is sold");
    assert_sound(shop, &[]).await;
}

#[tokio::test]
async fn a_checkout_cut_after_each_step_is_finished_by_the_sweeper() {
    let cuts = [Step::Reserve, Step::Commit, Step::Create].into_iter().flat_map(|step| {
        // Before it is done, and between its being done and its being written down.
        [Fault::Swallowed, Fault::AnswerSwallowed].map(|fault| (step, fault))
    });
    join_all(cuts.map(async |(step, fault)| {
        let shop = Shop::new().await;
        let customer = cut(&shop, step, fault).await;
        let survivor = shop.replica(HASTY).await;
        shop.until_settled().await;
        assert_done_once(&shop, &survivor, &customer).await;
    }))
    .await;
}

#[tokio::test]
async fn each_step_whose_answer_is_lost_is_repeated_and_done_once() {
    for step in [Step::Reserve, Step::Commit, Step::Create] {
        let shop = Shop::new().await;
        let cart = shop.replica(HASTY).await;
        let customer = shop.customer();
        cart.fill(&customer, &[(1, 2), (2, 1)]).await;
        shop.faults.set(step, Fault::AnswerLost);
        let checkout = cart.checkout_in_background(&customer, "k");
        shop.faults.until_met(step).await;
        shop.faults.clear();
        let answer = checkout.await.expect("it is not cancelled").expect("it is answered");
        assert_eq!(answer.status, 201, "{step:?}: {answer:?}");
        assert_done_once(&shop, &cart, &customer).await;
    }
}

#[tokio::test]
async fn a_refusal_cut_before_or_after_its_release_gives_everything_back_once() {
    for fault in [Fault::Swallowed, Fault::AnswerSwallowed] {
        let shop = Shop::new().await;
        shop.faults.set(Step::Create, Fault::Refused(StatusCode::UNPROCESSABLE_ENTITY));
        let customer = cut(&shop, Step::Release, fault).await;
        let survivor = shop.replica(HASTY).await;
        shop.until_settled().await;
        survivor.checkout(&customer, "k").await.assert_problem(422, "order-not-accepted");
        assert_eq!((shop.stock(1).await, shop.stock(2).await), (100, 100));
        assert_eq!(shop.orders_of(&customer).await, 0);
        assert_eq!(survivor.items(&customer).await, [(1, 2), (2, 1)]);
        assert_sound(&shop, &[]).await;
    }
}

#[tokio::test]
async fn a_driver_that_was_taken_for_dead_and_wakes_up_does_no_harm() {
    let shop = Shop::new().await;
    let patient = shop_cart::config::Times { sibling_timeout: Duration::from_secs(10), ..HASTY };
    let (sleeper, other) = (shop.replica(patient).await, shop.replica(HASTY).await);
    let customer = shop.customer();
    sleeper.fill(&customer, &[(1, 2), (2, 1)]).await;
    shop.faults.set(Step::Create, Fault::Slow(Duration::from_secs(3)));
    let checkout = sleeper.checkout_in_background(&customer, "k");
    shop.faults.until_met(Step::Create).await;
    shop.faults.clear();
    // The lease runs out long before the sleeper hears from the order service.
    shop.until_settled().await;
    let by_the_other = other.checkout(&customer, "k").await;
    other.fill(&customer, &[(7, 1)]).await;

    let by_the_sleeper = checkout.await.expect("it is not cancelled").expect("it is answered");
    assert_eq!(by_the_sleeper, by_the_other, "both tell the same");
    assert_eq!(other.items(&customer).await, [(7, 1)], "and the cart was emptied once");
    assert_eq!((shop.orders_of(&customer).await, shop.stock(1).await), (1, 98));
}

#[tokio::test]
async fn a_reservation_that_was_given_back_in_the_meantime_refuses_the_checkout() {
    let shop = Shop::new().await;
    let customer = cut(&shop, Step::Commit, Fault::Swallowed).await;
    let mut catalog = shop.catalog.begin().await.expect("the catalog's database is there");
    // What the catalog does when a reservation is overdue.
    for statement in [
        "UPDATE products SET stock = stock + line.quantity FROM reservation_lines AS line WHERE line.product_id = products.id",
        "UPDATE reservations SET state = 'released', expires_at = NULL",
    ] {
        sqlx::query(statement).execute(&mut *catalog).await.expect("the statement works");
    }
    catalog.commit().await.expect("the catalog's database is there");

    let survivor = shop.replica(HASTY).await;
    shop.until_settled().await;
    survivor.checkout(&customer, "k").await.assert_problem(409, "reservation-lost");
    assert_eq!((shop.stock(1).await, shop.orders_of(&customer).await), (100, 0));
    assert_eq!(survivor.checkout(&customer, "again").await.status, 201);
    assert_eq!((shop.stock(1).await, shop.orders_of(&customer).await), (98, 1));
}
