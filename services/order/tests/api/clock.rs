//! Orders that move by themselves.

use std::time::Duration;

use futures::future::join_all;
use shop_order::jobs;
use shop_testkit::eventually;
use shop_types::UserId;
use tokio_util::sync::CancellationToken;

use crate::support::{AT_ONCE, NEVER, Service};

const WHOLE_WAY: [&str; 4] = ["CREATED", "PROCESSING", "SHIPPING", "DELIVERED"];

#[tokio::test]
async fn three_clocks_move_each_order_through_each_state_once() {
    let service = Service::new(AT_ONCE).await;
    let user = UserId::generate();
    let orders = join_all((0..200).map(|_| service.order_of(user))).await;

    let stop = CancellationToken::new();
    let clocks = (0..3)
        .map(|_| tokio::spawn(jobs::clock(service.another_replica(AT_ONCE), Duration::from_millis(1), stop.clone())));
    let clocks: Vec<_> = clocks.collect();
    eventually("all orders are delivered", async || {
        service.count("SELECT count(*) FROM orders WHERE status <> 'DELIVERED'").await == 0
    })
    .await;
    stop.cancel();
    for clock in clocks {
        clock.await.expect("a clock stops when it is told to");
    }

    for order in orders {
        assert_eq!(service.way(order, user).await, WHOLE_WAY);
    }
    assert_eq!(service.count("SELECT count(*) FROM orders WHERE version <> 4").await, 0);
    assert_eq!(
        service.count("SELECT count(*) FROM outbox WHERE topic = 'order_status'").await,
        200 * 4,
        "each move is told once"
    );
}

#[tokio::test]
async fn after_an_outage_the_clock_catches_up_through_every_state() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let order = service.order_of(user).await;
    // As if the clock had stood still for a week.
    sqlx::query("UPDATE orders SET created_at = created_at - interval '7 days', due_at = due_at - interval '7 days'")
        .execute(&service.pool)
        .await
        .expect("the past can be written");
    for moved in 1..=3 {
        assert_eq!(service.orders.tick(10).await.expect("the database is there"), 1);
        assert_eq!(service.way(order, user).await, WHOLE_WAY[..=moved]);
    }
    assert_eq!(service.orders.tick(10).await.expect("the database is there"), 0);
}

#[tokio::test]
async fn an_order_stays_where_it_is_until_its_time() {
    let soon = [Duration::ZERO, Duration::from_secs(3600), Duration::from_secs(7200)];
    let service = Service::new(soon).await;
    let user = UserId::generate();
    let order = service.order_of(user).await;
    assert_eq!(service.orders.tick(10).await.expect("the database is there"), 1);
    assert_eq!(service.orders.tick(10).await.expect("the database is there"), 0);
    assert_eq!(service.way(order, user).await, WHOLE_WAY[..2]);
    let due_in = service.count("SELECT extract(epoch FROM due_at - created_at)::bigint FROM orders").await;
    assert_eq!(due_in, 3600, "measured from the order's creation");
}

#[tokio::test]
async fn a_clock_does_not_wait_for_orders_that_another_is_moving() {
    let service = Service::new(AT_ONCE).await;
    service.order_of(UserId::generate()).await;
    let mut other = service.pool.begin().await.expect("the database is there");
    sqlx::query("SELECT FROM orders FOR UPDATE").execute(&mut *other).await.expect("the row is free");
    assert_eq!(service.orders.tick(10).await.expect("nothing is waited for"), 0);
    other.rollback().await.expect("the database is there");
    assert_eq!(service.orders.tick(10).await.expect("the database is there"), 1);
}
