//! What the user service hears: the real one, with a network between that can be broken.

use std::time::Duration;

use clap::Parser as _;
use reqwest::header::AUTHORIZATION;
use serde_json::Value;
use shop_auth::Role;
use shop_order::jobs::relay;
use shop_outbox::{OutboxMetrics, Relay};
use shop_runtime::client::Sibling;
use shop_testkit::{ChaosProxy, TestDb, eventually};
use shop_types::UserId;
use shop_user::config::{Cli, Command};
use tokio_util::sync::CancellationToken;

use crate::support::{AT_ONCE, Service};

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

#[tokio::test]
async fn every_move_is_told_once_although_the_user_service_was_away() {
    let service = Service::new(AT_ONCE).await;
    let (_db, users) = user_service(&service).await;
    let upstream = users.trim_start_matches("http://").parse().expect("an address");
    let proxy = ChaosProxy::to(upstream).await;
    proxy.break_networking();

    let token = service.keys.service_token().into();
    let by_proxy = format!("http://{}", proxy.address());
    let sibling = Sibling::new("user", &by_proxy, &token, Duration::from_secs(2)).expect("the URL is right");
    let metrics = OutboxMetrics::register(&prometheus::Registry::new()).expect("a fresh registry");
    let stop = CancellationToken::new();
    for _ in 0..2 {
        let (relay, sibling) = (Relay::new(service.pool.clone(), metrics.clone()), sibling.clone());
        tokio::spawn(relay.run(move |event| relay::deliver(sibling.clone(), event), stop.clone()));
    }

    let user = UserId::generate();
    let order = service.order_of(user).await;
    while service.orders.tick(10).await.expect("the database is there") > 0 {}
    eventually("a delivery has failed", async || {
        service.count("SELECT count(*) FROM outbox WHERE last_error IS NOT NULL").await > 0
    })
    .await;
    assert_eq!(service.count("SELECT count(*) FROM outbox").await, 4, "nothing is lost");

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
