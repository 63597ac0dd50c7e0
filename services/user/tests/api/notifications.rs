use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shop_types::{EventId, OrderId, UserId};

use crate::support::{Shop, answer, refusal};

fn notice(event: EventId, user: &str, status: &str) -> Value {
    json!({
        "event_id": event, "user_id": user, "kind": "order_status", "order_id": OrderId::generate(),
        "status": status, "occurred_at": "2026-11-22T10:00:00.123456Z",
    })
}

fn deliver(shop: &Shop, notice: &Value) -> RequestBuilder {
    shop.post("/internal/notifications").header("authorization", shop.keys.service_authorization()).json(notice)
}

async fn delivered(shop: &Shop, notice: &Value) {
    let response = deliver(shop, notice).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

async fn statuses(shop: &Shop, token: &str) -> Vec<String> {
    let page = answer(shop.get("/user-api/notifications").bearer_auth(token), StatusCode::OK).await;
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|item| item["status"].as_str().expect("text").to_owned()).collect()
}

#[tokio::test]
async fn an_event_that_is_delivered_again_and_again_is_told_once() {
    let shop = Shop::open().await;
    let (user, token) = shop.newcomer("ann").await;
    let id = user["id"].as_str().expect("an id");
    let created = notice(EventId::generate(), id, "CREATED");
    let shipped = notice(EventId::generate(), id, "SHIPPING");
    delivered(&shop, &created).await;
    tokio::join!(delivered(&shop, &created), delivered(&shop, &shipped), delivered(&shop, &shipped));
    assert_eq!(statuses(&shop, &token).await, ["SHIPPING", "CREATED"]);
}

#[tokio::test]
async fn notices_that_come_together_are_each_told_once_and_all_or_none_is_taken() {
    let shop = Shop::open().await;
    let (user, token) = shop.newcomer("ann").await;
    let id = user["id"].as_str().expect("an id");
    let notices = ["CREATED", "PROCESSING", "SHIPPING"].map(|status| notice(EventId::generate(), id, status));
    let batch = |notices: &[Value]| {
        let request = shop.post("/internal/notifications/batch");
        request.header("authorization", shop.keys.service_authorization()).json(notices)
    };
    let mut wrong = notices.clone();
    wrong[2]["status"] = json!("");
    assert_eq!(batch(&wrong).send().await.expect("an answer").status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(statuses(&shop, &token).await, [""; 0]);

    delivered(&shop, &notices[1]).await;
    let (one, other) = tokio::join!(batch(&notices).send(), batch(&notices).send());
    for answer in [one, other] {
        assert_eq!(answer.expect("an answer").status(), StatusCode::NO_CONTENT);
    }
    let mut told = statuses(&shop, &token).await;
    told.sort_unstable();
    assert_eq!(told, ["CREATED", "PROCESSING", "SHIPPING"]);
    assert_eq!(
        shop.post("/internal/notifications/batch").json(&notices).send().await.expect("an answer").status(),
        401
    );
}

#[tokio::test]
async fn a_user_reads_own_notices_only_page_by_page() {
    let shop = Shop::open().await;
    let (ann, token) = shop.newcomer("ann").await;
    let (_, other_token) = shop.newcomer("bob").await;
    for status in ["CREATED", "PROCESSING", "SHIPPING"] {
        delivered(&shop, &notice(EventId::generate(), ann["id"].as_str().expect("an id"), status)).await;
    }
    let get = |query: &str| shop.get(&format!("/user-api/notifications?{query}")).bearer_auth(&token);
    let first = answer(get("limit=2"), StatusCode::OK).await;
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = answer(get(&format!("limit=2&cursor={cursor}")), StatusCode::OK).await;
    assert_eq!(first["items"][0]["occurred_at"], "2026-11-22T10:00:00.123456Z");
    assert_eq!(second["items"][0]["status"], "CREATED");
    assert_eq!(second["next_cursor"], Value::Null);
    assert!(statuses(&shop, &other_token).await.is_empty());
    assert_eq!(refusal(get("cursor=made-up")).await, (400, "bad-request".into()));
    assert_eq!(refusal(get("limit=1000")).await, (400, "bad-request".into()));
}

#[tokio::test]
async fn what_happened_later_is_listed_first_whatever_the_clock_said_that_numbered_it() {
    let shop = Shop::open().await;
    let (ann, token) = shop.newcomer("ann").await;
    let mut ids = [EventId::generate(), EventId::generate(), EventId::generate(), EventId::generate()];
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let seconds = [1, 2, 2, 3];
    for ((id, second), status) in ids.into_iter().zip(seconds).zip(["CREATED", "PROCESSING", "SHIPPING", "DELIVERED"]) {
        let mut late = notice(id, ann["id"].as_str().expect("an id"), status);
        late["occurred_at"] = json!(format!("2026-11-22T10:00:0{second}.000001Z"));
        delivered(&shop, &late).await;
    }
    // Of two that happened at once, the one with the greater id comes first.
    let newest_first = ["DELIVERED", "PROCESSING", "SHIPPING", "CREATED"];
    assert_eq!(statuses(&shop, &token).await, newest_first);
    for query in ["limit=1", "limit=1&unread=true"] {
        let mut cursor = String::new();
        for status in newest_first {
            let request = shop.get(&format!("/user-api/notifications?{query}{cursor}")).bearer_auth(&token);
            let page = answer(request, StatusCode::OK).await;
            assert_eq!(page["items"][0]["status"], status, "{query}");
            cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
        assert!(cursor.is_empty(), "there is no more");
    }
}

#[tokio::test]
async fn only_services_deliver_notices() {
    let shop = Shop::open().await;
    let (_, token) = shop.newcomer("ann").await;
    let notice = notice(EventId::generate(), &UserId::generate().to_string(), "CREATED");
    let unauthenticated = (401, "unauthenticated".to_owned());
    let post = || shop.post("/internal/notifications").json(&notice);
    assert_eq!(refusal(post()).await, unauthenticated);
    assert_eq!(refusal(post().bearer_auth(&token)).await, unauthenticated);
    assert_eq!(refusal(post().header("authorization", "Service made-up-service-token")).await, unauthenticated);
}

#[tokio::test]
async fn a_notice_is_unread_until_its_user_takes_note_of_it_and_nobody_else_can() {
    let shop = Shop::open().await;
    let (ann, token) = shop.newcomer("ann").await;
    let (_, other_token) = shop.newcomer("bob").await;
    let ids = [EventId::generate(), EventId::generate()];
    for id in ids {
        delivered(&shop, &notice(id, ann["id"].as_str().expect("an id"), "CREATED")).await;
    }
    let list = async |query: &str| {
        let request = shop.get(&format!("/user-api/notifications{query}")).bearer_auth(&token);
        let page = answer(request, StatusCode::OK).await;
        let items = page["items"].as_array().expect("a list").clone();
        (items, page["unread"].as_i64().expect("a number"))
    };
    let read = |id: &str, token: &str| shop.post(&format!("/user-api/notifications/{id}/read")).bearer_auth(token);
    let missing = (404, "not-found".to_owned());
    let first = ids[0].to_string();
    assert_eq!(refusal(read(&first, &other_token)).await, missing, "another's");
    for strange in [&UserId::generate().to_string(), "x", "1", "-"] {
        assert_eq!(refusal(read(strange, &token)).await, missing, "{strange}");
    }
    assert_eq!(list("").await.1, 2);
    for _ in 0..2 {
        let response = read(&first, &token).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let (items, unread) = list("").await;
        assert_eq!((&items[0]["read"], &items[1]["read"], unread), (&json!(false), &json!(true), 1));
    }
    let (unread, _) = list("?unread=true").await;
    assert_eq!((unread.len(), &unread[0]["id"]), (1, &json!(ids[1])));
}

#[tokio::test]
async fn a_notice_that_the_database_could_not_keep_is_refused_for_good() {
    let shop = Shop::open().await;
    for word in ["", "a\0b", &"x".repeat(65)] {
        let notice = notice(EventId::generate(), &UserId::generate().to_string(), word);
        assert_eq!(refusal(deliver(&shop, &notice)).await.0, 422, "{word:?}");
    }
}
