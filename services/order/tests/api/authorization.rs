//! Who may see what.

use serde_json::{Value, json};
use shop_auth::Role;
use shop_order::routes;
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
async fn every_operation_asks_for_the_role_that_its_document_names() {
    let service = Service::new(NEVER).await;
    let id = service.order_of(UserId::generate()).await.to_string();
    let document = serde_json::to_value(routes::openapi()).expect("the document is JSON");
    let (user, admin) =
        (service.bearer(UserId::generate(), Role::User), service.bearer(UserId::generate(), Role::Admin));
    let sibling = service.keys.service_authorization();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().expect("the document has paths") {
        let path = path.replace("{id}", &id).replace("{event_id}", &id);
        for (method, operation) in methods.as_object().expect("a path has methods") {
            operations += 1;
            let wanted = operation["security"][0].as_object().and_then(|schemes| schemes.keys().next());
            let body = json!({"no": "sense"});
            let got = async |authorization: Option<&str>| {
                service.send(&method.to_uppercase(), &path, authorization, Some(&body)).await.status
            };
            let strangers = [got(None).await, got(Some("Bearer x")).await, got(Some("Service x")).await];
            let known = [got(Some(&user)).await, got(Some(&admin)).await, got(Some(&sibling)).await];
            let closed = |status: u16| matches!(status, 401 | 403);
            match wanted.map(String::as_str) {
                Some("bearer") if operation["tags"][0] == "admin" => {
                    assert_eq!((strangers, known[0], known[2]), ([401; 3], 403, 401), "{method} {path}");
                    assert!(!closed(known[1]), "{method} {path} is for admins");
                }
                Some("bearer") => {
                    assert_eq!((strangers, known[2]), ([401; 3], 401), "{method} {path}");
                    assert!(!closed(known[0]) && !closed(known[1]), "{method} {path} is for every user");
                }
                Some("service") => {
                    assert_eq!((strangers, &known[..2]), ([401; 3], &[401; 2][..]), "{method} {path}");
                    assert!(!closed(known[2]), "{method} {path} is for siblings");
                }
                _ => assert_eq!((strangers, known, method.as_str()), ([200; 3], [200; 3], "get"), "{path} is open"),
            }
            assert!(!path.starts_with("/internal/") || wanted.is_some_and(|wanted| wanted == "service"), "{path}");
            assert!(!path.contains("/admin/") || operation["tags"][0] == "admin", "{path}");
        }
    }
    assert_eq!(operations, 13);
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
