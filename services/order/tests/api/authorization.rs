//! Who may see what.

use serde_json::Value;
use shop_types::{OrderId, UserId};

use crate::support::{NEVER, Service, order};

#[tokio::test]
async fn anothers_order_is_as_if_it_were_not_there() {
    let service = Service::new(NEVER).await;
    let id = service.order_of(UserId::generate()).await;
    let path = format!("/order-api/orders/{id}");
    let others = service.get(&path, UserId::generate()).await;
    others.assert_problem(404, "order-not-found");
    let nobodys = service.get(&format!("/order-api/orders/{}", OrderId::generate()), UserId::generate()).await;
    assert_eq!(others.body["title"], nobodys.body["title"]);
    assert_eq!(service.get("/order-api/orders", UserId::generate()).await.body["items"], Value::Array(vec![]));
}

#[tokio::test]
async fn nothing_is_shown_or_made_without_the_right_credentials() {
    let service = Service::new(NEVER).await;
    let (id, request) = (OrderId::generate(), order(UserId::generate()));
    let (_, token) = service.keys.token_of_somebody();
    let (user, sibling) = (format!("Bearer {token}"), service.keys.service_authorization());
    let internal = format!("/internal/orders/{id}");
    let internal_list = format!("/internal/orders?user_id={}", UserId::generate());
    let own = format!("/order-api/orders/{id}");
    for (method, path, wrong, body) in [
        ("GET", "/order-api/orders", &sibling, None),
        ("GET", &*own, &sibling, None),
        ("PUT", &*internal, &user, Some(&request)),
        ("GET", &*internal_list, &user, None),
    ] {
        for credentials in [None, Some(&**wrong), Some("Bearer x"), Some("Service x")] {
            service.send(method, path, credentials, body).await.assert_problem(401, "unauthenticated");
        }
    }
    assert_eq!(service.count("SELECT count(*) FROM orders").await, 0);
    assert_eq!(service.send("GET", "/order-api/health", None, None).await.body["status"], "healthy");
}
