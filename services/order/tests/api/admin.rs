//! What administrators see and do.

use futures::future::join_all;
use serde_json::{Value, json};
use shop_types::{OrderId, UserId};

use crate::support::{AT_ONCE, NEVER, Service};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a page has items");
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn orders_are_listed_by_state_and_customer_page_by_page() {
    let service = Service::new(NEVER).await;
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let mut all = Vec::new();
    for number in 0..8 {
        let user = if number % 2 == 0 { ann } else { bob };
        let id = service.order_of(user).await;
        if number >= 4 {
            service.advance(id, "PROCESSING").await;
        }
        all.insert(0, id.to_string());
    }
    let pick = |numbers: &[usize]| numbers.iter().map(|number| all[7 - number].clone()).collect::<Vec<_>>();
    for (query, expected) in [
        (String::new(), all.clone()),
        ("&status=PROCESSING".to_owned(), pick(&[7, 6, 5, 4])),
        (format!("&user_id={ann}"), pick(&[6, 4, 2, 0])),
        (format!("&user_id={bob}&status=CREATED"), pick(&[3, 1])),
        ("&status=DELIVERED".to_owned(), vec![]),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = service.as_admin("GET", &format!("/order-api/admin/orders?limit=3{query}{cursor}"), None).await;
            assert_eq!((page.status, page.cache_control.as_deref()), (200, Some("no-store")), "{page:?}");
            seen.extend(ids(&page.body));
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{query}");
    }
    let own = service.get("/order-api/orders?status=PROCESSING", ann).await;
    assert_eq!(ids(&own.body), pick(&[6, 4]), "customers filter their own");
}

#[tokio::test]
async fn what_is_no_list_or_window_is_refused_by_name() {
    let service = Service::new(NEVER).await;
    for query in [
        "orders?status=created",
        "orders?status=",
        "orders?user_id=1",
        "orders?cursor=e30",
        "orders?limit=0",
        "orders?limit=101",
        "orders?sort=id",
        "figures?hours=0",
        "figures?hours=721",
        "figures?hours=-1",
        "figures?hours=x",
        "figures?days=1",
    ] {
        let answer = service.as_admin("GET", &format!("/order-api/admin/{query}"), None).await;
        answer.assert_problem(400, "bad-request");
    }
}

#[tokio::test]
async fn an_admin_moves_an_order_by_legal_steps_only() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let skip = service.advance(id, "SHIPPING").await;
    skip.assert_problem(409, "illegal-step");
    assert_eq!(skip.body["order_status"], "CREATED");
    for to in ["PROCESSING", "SHIPPING"] {
        let answers = join_all((0..5).map(|_| service.advance(id, to))).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body["status"] == to), "{answers:?}");
    }
    for to in ["CREATED", "PROCESSING", "CANCELLED"] {
        service.advance(id, to).await.assert_problem(409, "illegal-step");
    }
    assert_eq!(service.advance(id, "DELIVERED").await.body["history"][3]["from"], "SHIPPING");
    assert_eq!(service.way(id, user).await, ["CREATED", "PROCESSING", "SHIPPING", "DELIVERED"]);
    assert_eq!(service.told("order_status", id).await.len(), 4, "each step is told of once");
    assert_eq!(service.counter("order_transitions_total", &[("from", "SHIPPING"), ("to", "DELIVERED")]), 1);

    let other = service.order_of(user).await;
    assert_eq!(service.advance(other, "CANCELLED").await.status, 200);
    assert_eq!(service.told("order_cancelled", other).await.len(), 1, "its stock goes back");
    service.advance(OrderId::generate(), "PROCESSING").await.assert_problem(404, "order-not-found");
    for body in [json!({"to": "LOST"}), json!({}), json!({"to": "SHIPPING", "now": true}), json!(["SHIPPING"])] {
        let answer = service.as_admin("POST", &format!("/order-api/admin/orders/{id}/advance"), Some(&body)).await;
        assert!(matches!(answer.status, 400 | 422), "{answer:?}");
    }
}

#[tokio::test]
async fn an_order_that_was_hurried_goes_on_at_the_time_that_was_promised() {
    let service = Service::new(NEVER).await;
    let id = service.order_of(UserId::generate()).await;
    service.advance(id, "PROCESSING").await;
    let due_in = service.count("SELECT extract(epoch FROM due_at - created_at)::bigint FROM orders").await;
    assert_eq!(due_in, 86_400);
    assert_eq!(service.orders.tick(10).await.expect("the database is there"), 0);
}

#[tokio::test]
async fn figures_count_orders_and_money_by_state_and_how_long_deliveries_took() {
    let service = Service::new(AT_ONCE).await;
    let user = UserId::generate();
    for _ in 0..4 {
        service.order_of(user).await;
    }
    while service.orders.tick(10).await.expect("the database is there") > 0 {}
    // They took 10, 20, 30 and 40 seconds.
    let slow = "UPDATE orders SET created_at = updated_at - make_interval(secs => 10 * number)
                FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM orders) AS numbered
                WHERE orders.id = numbered.id";
    sqlx::query(slow).execute(&service.pool).await.expect("the past can be written");
    let late = service.order_of(user).await;
    let cancelled = service.order_of(user).await;
    service.cancel(cancelled, user).await;
    let overdue = "UPDATE orders SET due_at = now() - interval '2 minutes' WHERE due_at IS NOT NULL";
    sqlx::query(overdue).execute(&service.pool).await.expect("the past can be written");

    let answer = service.as_admin("GET", "/order-api/admin/figures?hours=1", None).await;
    assert_eq!((answer.status, answer.cache_control.as_deref()), (200, Some("no-store")));
    let figures = answer.body;
    let in_status = |status: &str, orders: i64| json!({"status": status, "orders": orders, "total": {"amount": orders * 30_350, "currency": "RUB"}});
    let expected = [("CREATED", 1), ("PROCESSING", 0), ("SHIPPING", 0), ("DELIVERED", 4), ("CANCELLED", 1)];
    assert_eq!(figures["by_status"], json!(expected.map(|(status, orders)| in_status(status, orders))));
    assert_eq!(
        figures["deliveries"],
        json!({"orders": 4, "p50_seconds": 25.0, "p95_seconds": 38.5, "mean_seconds": 25.0})
    );
    assert_eq!(figures["overdue"]["orders"], 1, "{late}");
    assert_eq!(figures["window"]["complete"], true);

    sqlx::query("DELETE FROM orders").execute(&service.pool).await.expect("they can be deleted");
    let again = service.as_admin("GET", "/order-api/admin/figures?hours=1", None).await;
    assert_eq!(again.body, figures, "who asks twice in a moment does not have it computed twice");
    let none = service.as_admin("GET", "/order-api/admin/figures", None).await;
    assert_eq!(none.body["deliveries"]["p95_seconds"], json!(null));
    assert_eq!(none.body["overdue"], json!({"orders": 0, "since": null}));
}
