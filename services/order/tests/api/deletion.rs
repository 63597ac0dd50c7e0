//! The end of old orders.

use std::time::Duration;

use shop_types::UserId;

use crate::support::{AT_ONCE, Service, order};

#[tokio::test]
async fn an_order_that_was_finished_long_ago_is_deleted_and_cannot_be_made_again() {
    let service = Service::new(AT_ONCE).await;
    let user = UserId::generate();
    let finished = service.order_of(user).await;
    while service.orders.tick(10).await.expect("the database is there") > 0 {}
    let running = service.order_of(user).await;

    assert_eq!(service.orders.delete_finished(Duration::from_secs(3600), 10).await.expect("deletes"), 0);
    assert_eq!(service.orders.delete_finished(Duration::ZERO, 10).await.expect("deletes"), 1);

    service.get(&format!("/order-api/orders/{finished}"), user).await.assert_problem(404, "order-not-found");
    assert_eq!(service.get(&format!("/order-api/orders/{running}"), user).await.status, 200);
    service.put(finished, &order(user)).await.assert_problem(410, "order-deleted");
    assert_eq!(service.count("SELECT count(*) FROM orders").await, 1);
}
