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

#[tokio::test]
async fn what_is_told_of_an_order_without_a_trace_is_told_in_none_of_another_order() {
    let service = Service::new(AT_ONCE).await;
    let (user, trace) = (UserId::generate(), "4bf92f3577b34da6a3ce929d0e0e4736");
    let (known, unknown, unreadable) =
        (service.order_of(user).await, service.order_of(user).await, service.order_of(user).await);
    sqlx::query("DELETE FROM outbox").execute(&service.pool).await.expect("the table is there");
    let place = format!("00-{trace}-00f067aa0ba902b7-01");
    for (order, place) in [(known, Some(&*place)), (unknown, None), (unreadable, Some("nonsense"))] {
        let written = sqlx::query("UPDATE orders SET trace_parent = $1 WHERE id = $2").bind(place).bind(order);
        written.execute(&service.pool).await.expect("the order is there");
    }
    assert_eq!(service.orders.tick(10).await.expect("the database is there"), 3, "all of them in one transaction");

    let mut others = Vec::new();
    for (order, is_known) in [(known, true), (unknown, false), (unreadable, false)] {
        let sql = "SELECT trace_parent FROM outbox WHERE payload ->> 'order_id' = $1";
        let told = sqlx::query_scalar::<_, Option<String>>(sql).bind(order.to_string()).fetch_all(&service.pool);
        let told: Vec<_> = told.await.expect("the query is right").into_iter().map(Option::unwrap_or_default).collect();
        assert_eq!(told.len(), 2, "{order}: {told:?}");
        assert!(told.iter().all(|place| place.contains(trace) == is_known), "{order}: {told:?}");
        assert!(told.iter().all(|place| place.ends_with("-01") == is_known), "nobody need collect it: {told:?}");
        others.extend(told.into_iter().map(|place| place[3..35].to_owned()));
    }
    others.dedup();
    assert_eq!(others.len(), 3, "each order has one: {others:?}");
}
