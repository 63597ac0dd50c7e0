//! Orders that are called off.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use shop_order::jobs;
use shop_testkit::eventually;
use shop_types::{OrderId, UserId};
use tokio_util::sync::CancellationToken;

use crate::support::{AT_ONCE, NEVER, Service, order};

#[tokio::test]
async fn an_order_that_is_not_shipped_yet_is_cancelled_once_however_often_it_is_asked() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    service.advance(id, "PROCESSING").await;
    let answers = join_all((0..10).map(|_| service.cancel(id, user))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, &answers[0].body));
        assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
    }
    assert_eq!((&answers[0].body["status"], &answers[0].body["version"]), (&json!("CANCELLED"), &json!(3)));
    assert_eq!(service.way(id, user).await, ["CREATED", "PROCESSING", "CANCELLED"]);
    assert_eq!(service.told("order_cancelled", id).await, [json!({"order_id": id})], "the stock goes back once");
    for topic in ["order_status", "order_news"] {
        let told = service.told(topic, id).await;
        let told: Vec<_> = told.iter().map(|news| (&news["version"], &news["status"], &news["user_id"])).collect();
        let user = json!(user);
        let all = [(json!(1), json!("CREATED")), (json!(2), json!("PROCESSING")), (json!(3), json!("CANCELLED"))];
        assert_eq!(told, all.each_ref().map(|(version, status)| (version, status, &user)), "{topic}");
    }
    assert_eq!(service.counter("order_transitions_total", &[("from", "PROCESSING"), ("to", "CANCELLED")]), 1);
}

#[tokio::test]
async fn an_order_on_its_way_cannot_be_cancelled_and_says_where_it_is() {
    let service = Service::new(AT_ONCE).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    for (moves, status) in [(2, "SHIPPING"), (1, "DELIVERED")] {
        for _ in 0..moves {
            service.orders.tick(10).await.expect("the database is there");
        }
        let answer = service.cancel(id, user).await;
        answer.assert_problem(409, "cannot-cancel");
        assert_eq!(answer.body["order_status"], status);
    }
    assert_eq!(service.count("SELECT count(*) FROM outbox WHERE topic = 'order_cancelled'").await, 0);
}

#[tokio::test]
async fn of_a_customer_who_cancels_and_the_clock_exactly_one_wins_each_step() {
    let service = Service::new(AT_ONCE).await;
    let user = UserId::generate();
    let orders = join_all((0..100).map(|_| service.order_of(user))).await;
    let stop = CancellationToken::new();
    let clocks: Vec<_> = (0..3)
        .map(|_| tokio::spawn(jobs::clock(service.another_replica(AT_ONCE), Duration::from_millis(1), stop.clone())))
        .collect();
    let answers = join_all(orders.iter().map(|id| service.cancel(*id, user))).await;
    eventually("every order has come to an end", async || {
        service.count("SELECT count(*) FROM orders WHERE due_at IS NOT NULL").await == 0
    })
    .await;
    stop.cancel();
    join_all(clocks).await;

    let ways = [
        &["CREATED", "CANCELLED"][..],
        &["CREATED", "PROCESSING", "CANCELLED"],
        &["CREATED", "PROCESSING", "SHIPPING", "DELIVERED"],
    ];
    let mut cancelled = 0;
    for (id, answer) in orders.iter().zip(&answers) {
        let way = service.way(*id, user).await;
        assert!(ways.contains(&&way.iter().map(String::as_str).collect::<Vec<_>>()[..]), "{way:?}");
        let is_cancelled = way.last().is_some_and(|last| last == "CANCELLED");
        assert_eq!(answer.status, if is_cancelled { 200 } else { 409 }, "{answer:?}");
        assert_eq!(service.told("order_cancelled", *id).await.len(), usize::from(is_cancelled));
        cancelled += i32::from(is_cancelled);
    }
    println!("{cancelled} of 100 were cancelled before the clock had shipped them");
    assert_eq!(
        service.count("SELECT count(*) FROM order_history").await,
        service.count("SELECT sum(version)::bigint FROM orders").await
    );
}

#[tokio::test]
async fn a_checkout_that_comes_back_to_an_order_which_was_cancelled_meanwhile_finds_it_made() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    assert_eq!(service.cancel(id, user).await.status, 200);
    let repeated = service.put(id, &order(user)).await;
    assert_eq!((repeated.status, &repeated.body["status"]), (200, &json!("CANCELLED")));
    assert_eq!(service.way(id, user).await, ["CREATED", "CANCELLED"], "it does not come back to life");
    assert_eq!(service.told("order_placed", id).await.len(), 1);
    assert_eq!(service.told("order_cancelled", id).await.len(), 1);
}

#[tokio::test]
async fn nobody_cancels_anothers_order_or_one_that_is_not_there() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    service.cancel(id, UserId::generate()).await.assert_problem(404, "order-not-found");
    service.cancel(OrderId::generate(), user).await.assert_problem(404, "order-not-found");
    service.post("/order-api/orders/1/cancel", user).await.assert_problem(404, "not-found");
    assert_eq!(service.way(id, user).await, ["CREATED"]);
}

#[tokio::test]
async fn the_moves_of_an_order_are_one_after_the_other_even_if_the_clock_was_set_back() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    sqlx::query("UPDATE orders SET updated_at = now() + interval '1 hour'")
        .execute(&service.pool)
        .await
        .expect("it can");
    sqlx::query("UPDATE order_history SET at = (SELECT updated_at FROM orders)")
        .execute(&service.pool)
        .await
        .expect("it can");
    service.advance(id, "PROCESSING").await;
    service.cancel(id, user).await;
    let ordered =
        "SELECT count(*) FROM (SELECT at > lag(at) OVER (ORDER BY version) AS later FROM order_history) AS steps
                   WHERE later";
    assert_eq!(service.count(ordered).await, 2);
}
