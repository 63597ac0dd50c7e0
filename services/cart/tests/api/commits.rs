//! The moment of a commit: the process dies, or the connection to the database breaks, just before it is sent or just after it was carried
//! out and before anybody heard of it. At every commit of a checkout.

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::Value;

use crate::audit::assert_sound;
use crate::faults::{Fault, Step};
use crate::severed::{Moment, PgProxy, Trap, When};
use crate::support::{Answer, Customer, HASTY, Replica, Shop};

/// What happens at the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// The connection breaks.
    Connection,
    /// The process dies.
    Process,
}

/// A commit of a checkout, by what it writes down.
#[derive(Clone, Copy, Debug)]
struct Commit {
    writes: &'static str,
    moment: Moment,
    refused: bool,
}

/// Every commit on the way to an order, and on the way to a refusal.
const COMMITS: [Commit; 5] = [
    Commit { writes: "the-wish", moment: Moment::Commit, refused: false },
    Commit { writes: "ORDERING", moment: Moment::Statement, refused: false },
    Commit { writes: "DONE", moment: Moment::Statement, refused: false },
    Commit { writes: "RELEASING", moment: Moment::Statement, refused: true },
    Commit { writes: "REFUSED", moment: Moment::Statement, refused: true },
];

/// What the first caller was told, if anything, and what whoever asked again was told.
async fn strike(blow: Blow, commit: Commit, when: When) -> (Option<Answer>, Answer) {
    let shop = Shop::new().await;
    let proxy = PgProxy::to(shop.db.address()).await;
    let cart = shop.replica_over(shop.db.url_by(proxy.address()), None, HASTY).await;
    let survivor = shop.replica(HASTY).await;
    let customer = shop.customer();
    cart.fill(&customer, &[(1, 2), (2, 1)]).await;
    if commit.refused {
        shop.faults.set(Step::Create, Fault::Refused(StatusCode::UNPROCESSABLE_ENTITY));
    }
    proxy.set(Trap { writes: commit.writes, moment: commit.moment, when, hold: blow == Blow::Process });
    let checkout = cart.checkout_in_background(&customer, "the-wish");
    proxy.until_sprung().await;
    let first = match blow {
        Blow::Process => {
            cart.kill();
            assert!(checkout.await.expect("it is not cancelled").is_err(), "nobody was left to answer");
            None
        }
        Blow::Connection => Some(checkout.await.expect("it is not cancelled").expect("it is answered")),
    };
    let retry = asked_again(&survivor, &customer).await;
    shop.until_settled().await;
    if commit.refused {
        retry.assert_problem(422, "order-not-accepted");
        assert_eq!(survivor.items(&customer).await, [(1, 2), (2, 1)]);
    } else {
        assert_eq!(retry.status, 201, "{blow:?} {commit:?} {when:?}: {retry:?}");
        assert_eq!(shop.orders_of(&customer).await, 1);
        assert_eq!(survivor.items(&customer).await, []);
    }
    assert_eq!(asked_again(&survivor, &customer).await, retry, "byte for byte");
    assert_sound(&shop, &[]).await;
    (first, retry)
}

async fn asked_again(cart: &Replica, customer: &Customer) -> Answer {
    cart.checkout(customer, "the-wish").await
}

async fn strike_everywhere(blow: Blow, each: impl Fn(Commit, When, Option<Answer>, Answer)) {
    for commit in COMMITS {
        let blows = [When::Before, When::After].map(async |when| (when, strike(blow, commit, when).await));
        for (when, (first, retry)) in join_all(blows).await {
            each(commit, when, first, retry);
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_before_or_after_any_commit_of_a_checkout_leaves_one_end() {
    strike_everywhere(Blow::Process, |_, _, _, _| ()).await;
}

#[tokio::test]
async fn a_connection_that_breaks_in_any_commit_of_a_checkout_costs_the_caller_at_most_a_retry() {
    strike_everywhere(Blow::Connection, |commit, when, first, retry| {
        let first = first.expect("the process is alive");
        if commit.writes == "the-wish" {
            // Nobody knows whether there is a checkout; asking again finds out.
            first.assert_problem(503, "database-unavailable");
            assert!(first.retry_after.is_some());
        } else {
            assert_eq!(first, retry, "{commit:?} {when:?}: the caller has not even noticed");
        }
    })
    .await;
}

#[tokio::test]
async fn an_addition_whose_commit_nobody_heard_of_is_made_once() {
    for when in [When::Before, When::After] {
        let shop = Shop::new().await;
        let proxy = PgProxy::to(shop.db.address()).await;
        let cart = shop.replica_over(shop.db.url_by(proxy.address()), None, HASTY).await;
        let customer = shop.customer();
        let add = || {
            let request = cart.request("POST", "/cart-api/cart/items", &customer.authorization);
            request.header("idempotency-key", "the-addition").json(&serde_json::json!({"product_id": 1, "quantity": 2}))
        };
        proxy.set(Trap { writes: "the-addition", moment: Moment::Commit, when, hold: false });
        cart.send(add()).await.assert_problem(503, "database-unavailable");
        let retry = cart.send(add()).await;
        assert_eq!((retry.status, &retry.json()["version"]), (200, &Value::from(1)), "{when:?}");
        assert_eq!(cart.items(&customer).await, [(1, 2)]);
    }
}

#[tokio::test]
async fn a_merge_whose_commit_nobody_heard_of_is_made_once() {
    for when in [When::Before, When::After] {
        let shop = Shop::new().await;
        let proxy = PgProxy::to(shop.db.address()).await;
        let cart = shop.replica_over(shop.db.url_by(proxy.address()), None, HASTY).await;
        let (customer, browser) = (shop.customer(), crate::browser::Browser::new());
        cart.fill(&customer, &[(1, 2)]).await;
        browser.fill(&cart, &[(1, 3), (2, 1)]).await;
        browser.log_in(&customer);
        let cookie = browser.cookie();
        proxy.set(Trap { writes: "RUB", moment: Moment::Commit, when, hold: false });
        browser.merge(&cart).await.assert_problem(503, "database-unavailable");
        assert_eq!(browser.cookie(), cookie, "it is kept, to ask again");
        assert_eq!(browser.merge(&cart).await.status, 200);
        assert_eq!(cart.items(&customer).await, [(1, 5), (2, 1)], "{when:?}");
        assert_eq!(browser.cookie(), None);
    }
}
