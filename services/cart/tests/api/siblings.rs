//! Siblings that are away, silent, slow or answer rubbish, from any step on: the customer is told to ask again, and gets one order.

use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;
use shop_cart::config::Times;
use shop_testkit::ChaosProxy;

use crate::audit::assert_sound;
use crate::faults::{Fault, Step};
use crate::support::{HASTY, Shop};

/// A name of it, and what begins it.
type Trouble = (&'static str, fn(&ChaosProxy));

/// What the network does to every answer.
const TROUBLES: [Trouble; 4] = [
    ("away", ChaosProxy::break_networking),
    ("silent", ChaosProxy::silence),
    ("slow", |proxy| proxy.slow(Duration::from_secs(2))),
    ("garbled", ChaosProxy::garble),
];

const IMPATIENT: Times = Times { checkout_wait: Duration::from_millis(500), ..HASTY };

fn proxy_of(shop: &Shop, step: Step) -> &ChaosProxy {
    if step == Step::Create { &shop.orders_proxy } else { &shop.catalog_proxy }
}

#[tokio::test]
async fn a_sibling_that_fails_from_any_step_on_delays_a_checkout_and_does_not_change_its_end() {
    for (trouble, begin) in TROUBLES {
        let steps = [Step::Reserve, Step::Commit, Step::Create, Step::Release];
        join_all(steps.map(async |step| {
            let what = format!("{trouble} from {step:?} on");
            let shop = Shop::new().await;
            let cart = shop.replica_by_proxies(IMPATIENT).await;
            let customer = shop.customer();
            cart.fill(&customer, &[(1, 2), (2, 1)]).await;
            if step == Step::Release {
                shop.faults.set(Step::Create, Fault::Refused(StatusCode::UNPROCESSABLE_ENTITY));
            }
            shop.faults.set(step, Fault::Held);
            let checkout = cart.checkout_in_background(&customer, "k");
            shop.faults.until_met(step).await;
            begin(proxy_of(&shop, step));
            shop.faults.let_go(step);
            let told = checkout.await.expect("it is not cancelled").expect("it is answered");
            told.assert_problem(409, "checkout-in-flight");
            assert_eq!(told.retry_after.as_deref(), Some("1"), "{what}");
            cart.checkout(&customer, "k").await.assert_problem(409, "checkout-in-flight");
            cart.checkout(&customer, "other").await.assert_problem(409, "other-checkout-in-flight");

            proxy_of(&shop, step).restore_networking();
            shop.until_settled().await;
            let answer = cart.checkout(&customer, "k").await;
            if step == Step::Release {
                answer.assert_problem(422, "order-not-accepted");
                assert_eq!(shop.stock(1).await, 100, "{what}");
            } else {
                assert_eq!(answer.status, 201, "{what}: {answer:?}");
                assert_eq!(shop.orders_of(&customer).await, 1, "{what}");
            }
            assert_sound(&shop, &[]).await;
        }))
        .await;
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_than_agreed_is_no_outcome_at_any_step() {
    let steps = [Step::Reserve, Step::Commit, Step::Create];
    join_all(steps.map(async |step| {
        let shop = Shop::new().await;
        let cart = shop.replica(IMPATIENT).await;
        let customer = shop.customer();
        cart.fill(&customer, &[(1, 2), (2, 1)]).await;
        for rubbish in
            [Fault::Says(StatusCode::OK), Fault::Says(StatusCode::NOT_FOUND), Fault::Says(StatusCode::IM_A_TEAPOT)]
        {
            shop.faults.set(step, rubbish);
            cart.checkout(&customer, "k").await.assert_problem(409, "checkout-in-flight");
        }
        shop.faults.clear();
        shop.until_settled().await;
        assert_eq!(cart.checkout(&customer, "k").await.status, 201, "{step:?}");
        assert_eq!(shop.orders_of(&customer).await, 1);
        assert_sound(&shop, &[]).await;
    }))
    .await;
}

#[tokio::test]
async fn without_prices_nothing_comes_into_a_cart_and_the_customer_is_told_to_try_again() {
    for (trouble, begin) in TROUBLES {
        let shop = Shop::new().await;
        let cart = shop.replica_by_proxies(HASTY).await;
        let customer = shop.customer();
        cart.fill(&customer, &[(1, 2)]).await;
        begin(&shop.catalog_proxy);
        for answer in [cart.add(&customer, 1, 1).await, cart.set(&customer, 1, 9).await] {
            answer.assert_problem(503, "dependency-unavailable");
            assert_eq!((answer.json()["dependency"].as_str(), answer.retry_after.is_some()), (Some("catalog"), true));
        }
        shop.catalog_proxy.restore_networking();
        shop_testkit::eventually(trouble, async || cart.add(&customer, 1, 1).await.status == 200).await;
        assert_eq!(cart.items(&customer).await, [(1, 3)], "{trouble}");
    }
    let shop = Shop::new().await;
    let cart = shop.replica(HASTY).await;
    let customer = shop.customer();
    shop.faults.set(Step::Quote, Fault::Says(StatusCode::OK));
    cart.add(&customer, 1, 1).await.assert_problem(503, "dependency-unavailable");
    shop.faults.clear();
    assert_eq!(cart.add(&customer, 1, 1).await.status, 200);
}
