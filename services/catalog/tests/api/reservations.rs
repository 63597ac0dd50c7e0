//! What a reservation does, one call after the other.

use proptest::prelude::{Just, Strategy as _, prop_oneof};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;
use shop_catalog::reservations::KEPT;
use shop_runtime::job::Round;
use shop_types::OrderId;
use time::{Duration, OffsetDateTime};

use crate::support::Catalog;

#[tokio::test]
async fn a_reservation_takes_stock_at_todays_price_and_name() {
    let catalog = Catalog::with_products(8).await;
    let (product, stock) = (catalog.product(3).await, catalog.stock(3).await);
    let order = OrderId::generate();

    let answer = catalog.reserve(order, &[(3, 2)]).await;

    assert_eq!(answer.status, 200, "{answer:?}");
    let line = json!({"product_id": 3, "quantity": 2, "unit_price": product["price"], "name": product["name"]});
    assert_eq!(answer.body, json!({"order_id": order, "lines": [line]}));
    assert_eq!(catalog.stock(3).await, stock - 2);
    assert_eq!(catalog.product(3).await["version"], 2);
}

#[tokio::test]
async fn a_repeated_reserve_answers_the_same_even_when_the_price_has_changed_meanwhile() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());
    let first = catalog.reserve(order, &[(1, 2)]).await;
    catalog.set(1, &json!({"price": {"amount": 1, "currency": "RUB"}})).await;

    let again = catalog.reserve(order, &[(1, 2)]).await;

    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(catalog.stock(1).await, stock - 2);
    assert_eq!(catalog.commit(order).await.status, 204);
    assert_eq!(catalog.reserve(order, &[(1, 2)]).await.status, 200, "after the commit as well");
}

#[tokio::test]
async fn a_repeated_reserve_with_other_lines_is_refused_and_takes_nothing() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());
    catalog.reserve(order, &[(1, 2)]).await;

    for lines in [&[(1, 3)][..], &[(2, 2)], &[(1, 2), (2, 1)]] {
        catalog.reserve(order, lines).await.assert_problem(422, "reservation-mismatch");
    }
    assert_eq!(catalog.stock(1).await, stock - 2);
}

#[tokio::test]
async fn two_lines_of_one_cart_for_the_same_product_are_summed() {
    let catalog = Catalog::with_products(8).await;
    catalog.set(1, &json!({"stock": 5})).await;

    let refused = catalog.reserve(OrderId::generate(), &[(1, 3), (2, 1), (1, 3)]).await;
    refused.assert_problem(409, "out-of-stock");
    assert_eq!(refused.body["lines"], json!([{"product_id": 1, "requested": 6, "available": 5}]));

    let taken = catalog.reserve(OrderId::generate(), &[(1, 3), (2, 1), (1, 2)]).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(taken.body["lines"][0]["quantity"], 5);
    assert_eq!(taken.body["lines"].as_array().map(Vec::len), Some(2));
    assert_eq!(catalog.stock(1).await, 0);
}

#[tokio::test]
async fn an_order_gets_everything_or_nothing_and_may_come_again() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());
    catalog.set(2, &json!({"stock": 1})).await;

    catalog.reserve(order, &[(1, 1), (2, 2)]).await.assert_problem(409, "out-of-stock");
    assert_eq!((catalog.stock(1).await, catalog.stock(2).await), (stock, 1));

    catalog.set(2, &json!({"stock_change": 1})).await;
    assert_eq!(catalog.reserve(order, &[(1, 1), (2, 2)]).await.status, 200);
    assert_eq!((catalog.stock(1).await, catalog.stock(2).await), (stock - 1, 0));
}

#[tokio::test]
async fn what_is_not_sold_is_named() {
    let catalog = Catalog::with_products(8).await;
    let stock = catalog.stock(1).await;
    catalog.delete(4).await;

    let refused = catalog.reserve(OrderId::generate(), &[(1, 1), (4, 1), (99, 1)]).await;

    refused.assert_problem(404, "product-not-found");
    assert_eq!(refused.body["product_ids"], json!([4, 99]));
    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test]
async fn a_release_gives_the_stock_back_once() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());
    catalog.reserve(order, &[(1, 5)]).await;

    for _ in 0..3 {
        assert_eq!(catalog.release(order).await.status, 204);
        assert_eq!(catalog.stock(1).await, stock);
    }
    catalog.reserve(order, &[(1, 5)]).await.assert_problem(409, "reservation-released");
    catalog.commit(order).await.assert_problem(409, "reservation-released");
    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test]
async fn a_release_that_overtakes_its_reserve_wins() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());

    assert_eq!(catalog.release(order).await.status, 204);

    catalog.reserve(order, &[(1, 5)]).await.assert_problem(409, "reservation-released");
    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test]
async fn the_stock_of_a_cancelled_order_comes_back_after_the_sale_too_even_to_a_product_that_is_no_longer_sold() {
    let catalog = Catalog::with_products(8).await;
    let (stock, order) = (catalog.stock(1).await, OrderId::generate());
    catalog.reserve(order, &[(1, 5), (2, 1)]).await;
    assert_eq!(catalog.commit(order).await.status, 204);
    catalog.delete(2).await;

    assert_eq!(catalog.release(order).await.status, 204);

    assert_eq!(catalog.stock(1).await, stock);
}

#[tokio::test]
async fn a_commit_may_be_repeated_but_not_without_a_reserve() {
    let catalog = Catalog::with_products(8).await;
    let order = OrderId::generate();
    catalog.commit(order).await.assert_problem(409, "reservation-released");

    catalog.reserve(order, &[(1, 1)]).await;
    assert_eq!(catalog.commit(order).await.status, 204);
    assert_eq!(catalog.commit(order).await.status, 204);
}

#[tokio::test]
async fn only_what_was_forgotten_expires() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    let stock = catalog.stock(1).await;
    let [forgotten, sold] = [OrderId::generate(), OrderId::generate()];
    catalog.reserve(forgotten, &[(1, 3)]).await;
    catalog.reserve(sold, &[(1, 4)]).await;
    catalog.commit(sold).await;

    assert_eq!(catalog.expire().await, 1);

    assert_eq!(catalog.stock(1).await, stock - 4);
    assert_eq!(catalog.expire().await, 0);
    catalog.commit(forgotten).await.assert_problem(409, "reservation-released");
    assert_eq!(catalog.release(forgotten).await.status, 204);
    assert_eq!(catalog.stock(1).await, stock - 4);
}

#[tokio::test]
async fn a_reservation_does_not_expire_before_its_time() {
    let catalog = Catalog::with_products(8).await;
    catalog.reserve(OrderId::generate(), &[(1, 1)]).await;
    assert_eq!(catalog.expire().await, 0);
}

#[tokio::test]
async fn lines_that_make_no_sense_are_refused_with_the_field_named() {
    let catalog = Catalog::with_products(8).await;
    let order = OrderId::generate();
    for (lines, named) in [
        (json!([]), "lines"),
        (json!([{"product_id": 1, "quantity": 0}]), "quantity"),
        (json!([{"product_id": 1, "quantity": 1000}]), "quantity"),
        (json!([{"product_id": 0, "quantity": 1}]), "product_id"),
        (json!([{"product_id": 1, "quantity": 1, "price": 1}]), "price"),
        (json!([{"product_id": 1, "quantity": 999}, {"product_id": 1, "quantity": 1}]), "lines"),
    ] {
        let refused = catalog.reserve_lines(order, lines).await;
        refused.assert_problem(422, "invalid-input");
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(named), "{named} is not in: {detail}");
    }
    let path = "/internal/reservations/not-an-id";
    assert_eq!(catalog.internal("PUT", path, json!({"lines": []})).await.status, 404);
}

#[tokio::test]
async fn even_a_wrong_statement_can_not_make_stock_negative() {
    let catalog = Catalog::with_products(8).await;
    let broken = sqlx::query("UPDATE products SET stock = -1 WHERE id = 1").execute(&catalog.pool).await;
    let error = broken.expect_err("the check must hold");
    let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
    assert_eq!(constraint, Some("products_stock_not_negative"));
}

#[tokio::test]
async fn what_is_long_over_is_forgotten_and_what_may_still_be_asked_for_is_not() {
    let catalog = Catalog::with_products(8).await;
    let stock = catalog.stock(1).await;
    let [sold, called_off, held, lately] = [(); 4].map(|()| OrderId::generate());
    for order in [sold, held, lately] {
        assert_eq!(catalog.reserve(order, &[(1, 1), (2, 1)]).await.status, 200);
    }
    assert_eq!((catalog.commit(sold).await.status, catalog.release(called_off).await.status), (204, 204));
    let now = OffsetDateTime::now_utc();
    let count = async || {
        let counts = "SELECT (SELECT count(*) FROM reservations), (SELECT count(*) FROM reservation_lines)";
        sqlx::query_as::<_, (i64, i64)>(counts).fetch_one(&catalog.pool).await.expect("the tables are ours")
    };
    assert_eq!(catalog.reservations.forget(now + KEPT - Duration::minutes(5)).await.expect("it answers"), Round::Rest);
    assert_eq!(count().await, (4, 6));
    assert_eq!(catalog.release(sold).await.status, 204);
    assert_eq!(catalog.stock(1).await, stock - 2, "until then it comes back");

    // The state of one changes later than the others'.
    let changed = sqlx::query(
        "UPDATE reservations SET state = 'committed', expires_at = NULL, updated_at = $2 WHERE order_id = $1",
    );
    changed
        .bind(lately.as_uuid())
        .bind(now + Duration::days(9))
        .execute(&catalog.pool)
        .await
        .expect("the table is ours");
    assert_eq!(catalog.reservations.forget(now + KEPT + Duration::minutes(5)).await.expect("it answers"), Round::Rest);
    assert_eq!(count().await, (2, 4), "what is held, and what was sold later, stays");
    assert_eq!(catalog.stock(1).await, stock - 2);
}

/// What a model knows of an order: the states of the table in the README.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Model {
    #[default]
    Unknown,
    Held,
    Committed,
    Released,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Reserve,
    ReserveOthers,
    Commit,
    Release,
    Expire,
}

impl Model {
    /// What a step answers, what it makes of the order, and how many pieces of two it moves to the order.
    fn after(self, step: Step, available: i64) -> (u16, Self, i64) {
        match (step, self) {
            (Step::Reserve, Self::Unknown) if available >= 2 => (200, Self::Held, 2),
            (Step::ReserveOthers, Self::Unknown) if available >= 3 => (200, Self::Held, 3),
            (Step::Reserve, Self::Held | Self::Committed) => (200, self, 0),
            (Step::ReserveOthers, Self::Held | Self::Committed) => (422, self, 0),
            // Too little, or called off.
            (Step::Reserve | Step::ReserveOthers | Step::Commit, Self::Unknown | Self::Released) => (409, self, 0),
            (Step::Commit, Self::Held | Self::Committed) => (204, Self::Committed, 0),
            (Step::Release, _) | (Step::Expire, Self::Held) => (204, Self::Released, 0),
            (Step::Expire, _) => (204, self, 0),
        }
    }
}

/// Steps of two orders in any order, and more than once, against the model. The product has five pieces.
#[tokio::test]
async fn in_whatever_order_reserve_commit_release_and_deadline_come_the_stock_follows_the_model() {
    let catalog = Catalog::whose_reservations_are_overdue_at_once(8).await;
    let step = prop_oneof![
        3 => Just(Step::Reserve),
        1 => Just(Step::ReserveOthers),
        2 => Just(Step::Commit),
        2 => Just(Step::Release),
        1 => Just(Step::Expire),
    ];
    let histories = proptest::collection::vec((step, 0..2_usize), 1..14);
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let history = histories.new_tree(&mut runner).expect("there are histories").current();
        catalog.set(1, &json!({"stock": 5})).await;
        let orders = [OrderId::generate(), OrderId::generate()];
        // What each is, how many pieces it has, and with which lines it came.
        let mut model = [(Model::Unknown, 0_i64); 2];
        for (index, (step, who)) in history.iter().enumerate() {
            let order = orders[*who];
            let available = 5 - model[0].1 - model[1].1;
            // An order that came with three is asked for three again.
            let of_three = model[*who].1 == 3;
            let pieces = if matches!(step, Step::ReserveOthers) == of_three { 2 } else { 3 };
            let got = match step {
                Step::Reserve | Step::ReserveOthers => catalog.reserve(order, &[(1, pieces)]).await.status,
                Step::Commit => catalog.commit(order).await.status,
                Step::Release => catalog.release(order).await.status,
                Step::Expire => {
                    catalog.expire().await;
                    204
                }
            };
            let mut want = 204;
            // The deadline is everyone's.
            for other in [0, 1].into_iter().filter(|other| matches!(step, Step::Expire) || other == who) {
                let (status, state, moved) = model[other].0.after(*step, available);
                let kept = if state == Model::Released { 0 } else { model[other].1 + moved };
                model[other] = (state, kept);
                want = status;
            }
            assert_eq!(got, want, "step {index} of {history:?}: {model:?}");
            assert_eq!(catalog.stock(1).await, 5 - model[0].1 - model[1].1, "step {index} of {history:?}: {model:?}");
        }
        // What is still held would be the next history's to expire.
        for order in orders {
            assert_eq!(catalog.release(order).await.status, 204);
        }
        assert_eq!(catalog.stock(1).await, 5, "after {history:?}");
    }
}
