//! What the order service tells of an order's status, and who is told.

use serde_json::{Value, json};
use shop_types::{EventId, OrderId, UserId};

use crate::support::Catalog;

/// The event of an order that has this status now.
pub(crate) fn status(user: UserId, order: OrderId, status: &str, version: i64) -> Value {
    json!({
        "event_id": EventId::generate(), "user_id": user, "order_id": order, "status": status, "version": version,
        "occurred_at": "2026-01-01T12:00:00Z",
    })
}

/// What this customer's sockets are told, in order.
async fn told(catalog: &Catalog, user: UserId) -> Vec<(i64, Value)> {
    sqlx::query_as("SELECT seq, payload FROM own_events WHERE user_id = $1 ORDER BY seq")
        .bind(user.as_uuid())
        .fetch_all(catalog.db.pool())
        .await
        .expect("the table is ours")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_status_is_noted_once_however_often_it_is_told() {
    let catalog = Catalog::empty().await;
    let (user, order) = (UserId::generate(), OrderId::generate());
    let event = status(user, order, "CREATED", 1);
    let again =
        futures::future::join_all((0..8).map(|_| catalog.internal("POST", "/internal/order-events", event.clone())))
            .await;
    assert!(again.iter().all(|answer| answer.status == 204), "{again:?}");
    let told = told(&catalog, user).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let payload = json!({"order_id": order, "status": "CREATED", "version": 1, "occurred_at": "2026-01-01T12:00:00Z"});
    assert_eq!(told[0], (1, payload));
}

#[tokio::test]
async fn a_status_that_comes_after_a_later_one_is_not_told_any_more() {
    let catalog = Catalog::empty().await;
    let (user, order) = (UserId::generate(), OrderId::generate());
    for (name, version) in [("PROCESSING", 2), ("CREATED", 1), ("SHIPPING", 3)] {
        let event = status(user, order, name, version);
        assert_eq!(catalog.internal("POST", "/internal/order-events", event).await.status, 204);
    }
    let mut unversioned = status(user, order, "DELIVERED", 4);
    unversioned["version"] = Value::Null;
    assert_eq!(catalog.internal("POST", "/internal/order-events", unversioned).await.status, 204);
    let told = told(&catalog, user).await;
    let told: Vec<_> = told.iter().map(|(seq, payload)| (*seq, payload["status"].as_str().unwrap_or("?"))).collect();
    assert_eq!(told, [(1, "PROCESSING"), (2, "SHIPPING"), (3, "DELIVERED")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn news_that_come_together_are_each_noted_once_in_the_order_in_which_they_happened() {
    let catalog = Catalog::empty().await;
    let (user, other) = (UserId::generate(), UserId::generate());
    let (order, others) = (OrderId::generate(), OrderId::generate());
    let events =
        [status(user, order, "PROCESSING", 2), status(other, others, "CREATED", 1), status(user, order, "CREATED", 1)];
    let batches = (0..4).map(|_| catalog.internal("POST", "/internal/order-events/batch", json!(events)));
    let answers = futures::future::join_all(batches).await;
    assert!(answers.iter().all(|answer| answer.status == 204), "{answers:?}");
    let names =
        |told: Vec<(i64, Value)>| told.into_iter().map(|(_, payload)| payload["status"].clone()).collect::<Vec<_>>();
    assert_eq!(names(told(&catalog, user).await), ["CREATED", "PROCESSING"]);
    assert_eq!(names(told(&catalog, other).await), ["CREATED"]);
    let last: i64 = sqlx::query_scalar("SELECT last FROM shop_event_counter")
        .fetch_one(catalog.db.pool())
        .await
        .expect("the table is ours");
    assert_eq!(last, 3, "no number is given for nothing");

    let late = [status(user, order, "CREATED", 1), status(other, others, "PROCESSING", 2)];
    assert_eq!(catalog.internal("POST", "/internal/order-events/batch", json!(late)).await.status, 204);
    assert_eq!(names(told(&catalog, user).await), ["CREATED", "PROCESSING"], "what was overtaken is not told");
    assert_eq!(names(told(&catalog, other).await), ["CREATED", "PROCESSING"]);
}

#[tokio::test]
async fn what_is_no_order_event_is_refused_with_the_field_named() {
    let catalog = Catalog::empty().await;
    let good = status(UserId::generate(), OrderId::generate(), "CREATED", 1);
    for (field, bad) in [
        ("event_id", json!("x")),
        ("user_id", json!(7)),
        ("order_id", Value::Null),
        ("status", json!("LOST")),
        ("status", json!("created")),
        ("version", json!(0)),
        ("version", json!(1.5)),
        ("occurred_at", json!("yesterday")),
    ] {
        let mut event = good.clone();
        event[field] = bad;
        let answer = catalog.internal("POST", "/internal/order-events", event).await;
        assert_eq!(answer.status, 422, "{field}: {answer:?}");
        assert!(answer.body.to_string().contains(field), "{field}: {answer:?}");
    }
    let untouched: i64 = sqlx::query_scalar("SELECT last FROM shop_event_counter")
        .fetch_one(catalog.db.pool())
        .await
        .expect("the table is ours");
    assert_eq!(untouched, 0);
}
