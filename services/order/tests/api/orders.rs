//! Making orders, and looking at one's own.

use futures::future::join_all;
use serde_json::json;
use shop_testkit::eventually;
use shop_types::{OrderId, UserId};

use crate::support::{NEVER, Service, order};

#[tokio::test]
async fn an_order_is_made_once_however_many_ask_for_it_at_the_same_time() {
    let service = Service::new(NEVER).await;
    let (id, request) = (OrderId::generate(), order(UserId::generate()));
    let answers = join_all((0..20).map(|_| service.put(id, &request))).await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(201), with(200)), (1, 19), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.body == answers[0].body), "all hear of the same order");
    assert_eq!(service.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(service.count("SELECT count(*) FROM order_lines").await, 2);
    for topic in ["order_status", "order_placed"] {
        let sql = "SELECT count(*) FROM outbox WHERE topic = $1";
        let told: i64 = sqlx::query_scalar(sql).bind(topic).fetch_one(&service.pool).await.expect("the query is right");
        assert_eq!(told, 1, "{topic}");
    }
}

#[tokio::test]
async fn the_same_identifier_with_another_content_is_refused_and_changes_nothing() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let mut other = order(user);
    other["lines"][0]["quantity"] = json!(1);
    other["total"]["amount"] = json!(17_450);
    service.put(id, &other).await.assert_problem(409, "order-differs");
    service.put(id, &order(UserId::generate())).await.assert_problem(409, "order-differs");
    let kept = service.get(&format!("/order-api/orders/{id}"), user).await;
    assert_eq!(kept.body["total"]["amount"], 30_350);
}

#[tokio::test]
async fn an_order_whose_total_is_not_the_sum_of_its_lines_is_refused() {
    let service = Service::new(NEVER).await;
    let mut wrong = order(UserId::generate());
    wrong["total"]["amount"] = json!(30_349);
    service.put(OrderId::generate(), &wrong).await.assert_problem(422, "invalid-order");
    wrong["lines"] = json!([]);
    service.put(OrderId::generate(), &wrong).await.assert_problem(422, "invalid-order");
    assert_eq!(service.count("SELECT count(*) FROM orders").await, 0);
}

#[tokio::test]
async fn an_order_that_moves_while_it_is_read_is_told_as_it_was_at_one_moment() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    // Whoever reads has the order, and waits for its history until the order has moved on.
    let mut mover = service.pool.begin().await.expect("the database is there");
    sqlx::query("LOCK TABLE order_history IN ACCESS EXCLUSIVE MODE").execute(&mut *mover).await.expect("locked");
    let path = format!("/order-api/orders/{id}");
    let reading = service.get(&path, user);
    let moving = async {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("somebody waits for the history", async || service.count(waiting).await > 0).await;
        for sql in [
            "UPDATE orders SET status = 'PROCESSING', version = 2",
            "INSERT INTO order_history (order_id, version, from_status, to_status)
             SELECT id, 2, 'CREATED', 'PROCESSING' FROM orders",
        ] {
            sqlx::query(sql).execute(&mut *mover).await.expect("the tables are ours");
        }
        mover.commit().await.expect("the database is there");
    };
    let (answer, ()) = futures::join!(reading, moving);
    assert_eq!((&answer.body["status"], &answer.body["version"]), (&json!("CREATED"), &json!(1)));
    assert_eq!(answer.body["history"].as_array().map(Vec::len), Some(1), "{:?}", answer.body);
    assert_eq!(service.get(&path, user).await.body["history"][1]["to"], "PROCESSING");
}

#[tokio::test]
async fn an_order_keeps_names_and_prices_as_they_were_and_tells_its_way() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let id = service.order_of(user).await;
    let answer = service.get(&format!("/order-api/orders/{id}"), user).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["lines"], order(user)["lines"]);
    assert_eq!(answer.body["status"], "CREATED");
    assert_eq!(answer.body["history"][0]["from"], json!(null));
    assert_eq!(answer.body["history"][0]["to"], "CREATED");
    assert_eq!(answer.body["history"][0]["at"], answer.body["created_at"]);
    assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
}

#[tokio::test]
async fn ones_own_orders_are_listed_newest_first_page_by_page() {
    let service = Service::new(NEVER).await;
    let user = UserId::generate();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, service.order_of(user).await.to_string());
        service.order_of(UserId::generate()).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/order-api/orders?limit=2{cursor}"), user).await;
        let items = page.body["items"].as_array().expect("a page has items");
        assert!((1..=2).contains(&items.len()), "{page:?}");
        seen.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
    let internal = format!("/internal/orders?user_id={user}&limit=1");
    let answer = service.send("GET", &internal, Some(&service.keys.service_authorization()), None).await;
    assert_eq!(answer.body["items"][0]["id"], json!(made[0]));
}

#[tokio::test]
async fn what_is_no_page_is_refused_by_name() {
    let service = Service::new(NEVER).await;
    for query in ["limit=0", "limit=101", "cursor=%25", "cursor=e30", "offset=3"] {
        let answer = service.get(&format!("/order-api/orders?{query}"), UserId::generate()).await;
        answer.assert_problem(400, "bad-request");
    }
}

#[tokio::test]
async fn what_is_no_order_is_refused_and_none_is_made_of_it() {
    let service = Service::new(NEVER).await;
    let good = order(UserId::generate());
    let with = |pointer: &str, value: serde_json::Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("it is there") = value;
        bad
    };
    let huge = "x".repeat(70_000);
    for (bad, statuses) in [
        (json!([]), [400, 422]),
        (json!(null), [400, 422]),
        (with("/user_id", json!("ann")), [422, 400]),
        (with("/lines", json!({})), [422, 400]),
        (with("/lines/0/quantity", json!(0)), [422, 400]),
        (with("/lines/0/quantity", json!(1.5)), [422, 400]),
        (with("/lines/0/quantity", json!("2")), [422, 400]),
        (with("/lines/0/product_id", json!(-1)), [422, 400]),
        (with("/lines/0/unit_price/currency", json!("XXX")), [422, 400]),
        (with("/lines/0/unit_price/amount", json!(1e300)), [422, 400]),
        (with("/lines/0/name/en", json!("nul\u{0}")), [422, 422]),
        (with("/total/amount", json!(-1)), [422, 422]),
        (with("/lines/0/name/en", json!(huge)), [413, 422]),
    ] {
        let answer = service.put(OrderId::generate(), &bad).await;
        assert!(statuses.contains(&answer.status), "{bad} {answer:?}");
        assert!(answer.body["type"].is_string(), "a problem document: {answer:?}");
    }
    let sibling = service.keys.service_authorization();
    service.send("PUT", "/internal/orders/1", Some(&sibling), Some(&good)).await.assert_problem(404, "not-found");
    service.send("GET", "/internal/orders?user_id=1", Some(&sibling), None).await.assert_problem(400, "bad-request");
    service.send("PUT", "/order-api/orders", None, None).await.assert_problem(405, "method-not-allowed");
    assert_eq!(service.count("SELECT count(*) FROM orders").await, 0);
}
