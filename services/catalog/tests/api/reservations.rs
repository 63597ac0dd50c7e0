//! What a reservation does, one call after the other.

use serde_json::json;
use shop_types::OrderId;

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
