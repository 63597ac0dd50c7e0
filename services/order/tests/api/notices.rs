//! What others hear of orders: the real user service, with a network between that can be broken, and a catalog that notes what it
//! is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::post;
use clap::Parser as _;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use shop_auth::Role;
use shop_order::jobs::relay::{self, Listeners};
use shop_outbox::{OutboxMetrics, Relay};
use shop_runtime::client::Sibling;
use shop_testkit::{ChaosProxy, TestDb, eventually};
use shop_types::UserId;
use shop_user::config::{Cli, Command};
use tokio_util::sync::CancellationToken;

use crate::support::{AT_ONCE, NEVER, Service};

/// A real user service that trusts the keys of this order service; where it listens.
async fn user_service(service: &Service) -> (TestDb, String) {
    let db = TestDb::new(&shop_user::MIGRATOR, shop_user::SCHEMA).await;
    let path = |path: std::path::PathBuf| path.to_str().expect("a path of ASCII").to_owned();
    let url = secrecy::ExposeSecret::expose_secret(&db.url()).to_owned();
    let arguments = [
        ("--database-url", url),
        ("--auth-public-keys-dir", path(service.keys.public_keys_dir())),
        ("--auth-signing-key-file", path(service.keys.signing_key_file())),
        ("--service-token-file", path(service.keys.service_token_file())),
        ("--cart-url", "http://127.0.0.1:1".to_owned()),
        ("--order-url", "http://127.0.0.1:1".to_owned()),
    ];
    let flat = arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    let cli = Cli::parse_from(["user", "serve"].map(str::to_owned).into_iter().chain(flat));
    let Command::Serve(args) = cli.command else { panic!("it was asked to serve") };
    let app = shop_user::app::build(&args, &CancellationToken::new()).expect("the service can be put together");
    (db, shop_testkit::spawn(app.router).await)
}

/// A catalog that takes every sale and notes it, with how the caller proved himself; where it listens.
async fn noting_catalog() -> (Arc<Mutex<Vec<(String, Value)>>>, String) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let take = async move |headers: http::HeaderMap, axum::Json(sale): axum::Json<Value>| {
        let authorization = headers[http::header::AUTHORIZATION].to_str().expect("is text").to_owned();
        noted.lock().expect("nobody panicked").push((authorization, sale));
        http::StatusCode::NO_CONTENT
    };
    let router = axum::Router::new().route("/internal/sales", post(take));
    (told, shop_testkit::spawn(router).await)
}

/// Those who are told, at these addresses.
fn listeners(service: &Service, users: &str, catalog: &str) -> Listeners {
    let token = service.keys.service_token().into();
    let sibling = |name, url| Sibling::new(name, url, &token, Duration::from_secs(2)).expect("the URL is right");
    Listeners { users: sibling("user", users), catalog: sibling("catalog", catalog) }
}

#[tokio::test]
async fn the_catalog_is_told_once_what_an_order_bought() {
    let service = Service::new(NEVER).await;
    let (_db, users) = user_service(&service).await;
    let (told, catalog) = noting_catalog().await;
    let user = UserId::generate();
    let order = service.order_of(user).await;
    assert_eq!(service.put(order, &crate::support::order(user)).await.status, 200, "placed before");

    let metrics = OutboxMetrics::register(&prometheus::Registry::new()).expect("a fresh registry");
    let (relay, to) = (Relay::new(service.pool.clone(), metrics), listeners(&service, &users, &catalog));
    let deliver = |event| relay::deliver(to.clone(), event);
    while relay.deliver_due(&deliver).await.expect("the database is there") > 0 {}
    assert_eq!(service.count("SELECT count(*) FROM outbox").await, 0, "everything has arrived");

    let told = told.lock().expect("nobody panicked");
    let [(authorization, sale)] = &told[..] else { panic!("one sale was told of, not {told:?}") };
    assert_eq!(*authorization, service.keys.service_authorization());
    assert_eq!((&sale["order_id"], &sale["user_id"]), (&json!(order), &json!(user)));
    assert_eq!(sale["lines"], json!([{"product_id": 7, "quantity": 2}, {"product_id": 3, "quantity": 1}]));
    assert!(sale["event_id"].is_string() && sale["occurred_at"].is_string(), "{sale}");
}

#[tokio::test]
async fn every_move_is_told_once_although_the_user_service_was_away() {
    let service = Service::new(AT_ONCE).await;
    let (_db, users) = user_service(&service).await;
    let upstream = users.trim_start_matches("http://").parse().expect("an address");
    let proxy = ChaosProxy::to(upstream).await;
    proxy.break_networking();

    let (_told, catalog) = noting_catalog().await;
    let to = listeners(&service, &format!("http://{}", proxy.address()), &catalog);
    let metrics = OutboxMetrics::register(&prometheus::Registry::new()).expect("a fresh registry");
    let stop = CancellationToken::new();
    for _ in 0..2 {
        let (relay, to) = (Relay::new(service.pool.clone(), metrics.clone()), to.clone());
        tokio::spawn(relay.run(move |event| relay::deliver(to.clone(), event), stop.clone()));
    }

    let user = UserId::generate();
    let order = service.order_of(user).await;
    while service.orders.tick(10).await.expect("the database is there") > 0 {}
    eventually("a delivery has failed", async || {
        service.count("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL").await > 0
    })
    .await;
    let undelivered = "SELECT count(*) FROM outbox WHERE topic = 'order_status'";
    assert_eq!(service.count(undelivered).await, 4, "nothing is lost");

    proxy.restore_networking();
    eventually("everything has arrived", async || service.count("SELECT count(*) FROM outbox").await == 0).await;
    stop.cancel();

    let authorization = format!("Bearer {}", service.keys.token(user, Role::User));
    let notices = reqwest::Client::new().get(format!("{users}/user-api/notifications"));
    let notices = notices.header(AUTHORIZATION, authorization).send().await.expect("the user service answers");
    let notices: Value = notices.json().await.expect("it answers JSON");
    let items = notices["items"].as_array().expect("a list");
    let mut told: Vec<_> = items.iter().map(|item| item["status"].as_str().unwrap_or_default()).collect();
    told.sort_unstable();
    assert_eq!(told, ["CREATED", "DELIVERED", "PROCESSING", "SHIPPING"]);
    assert!(items.iter().all(|item| item["order_id"] == order.to_string() && item["kind"] == "order_status"));
}
