//! What others hear of orders: the real user service, with a network between that can be broken, and a catalog that notes what it
//! is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

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

/// What somebody was told, how, and with what authorization.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    request: String,
    authorization: String,
    trace: String,
    body: Value,
}

/// A catalog that takes everything and notes it; where it listens.
pub(crate) async fn noting_catalog() -> (Arc<Mutex<Vec<Told>>>, String) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let take = async move |method: http::Method, uri: http::Uri, headers: http::HeaderMap, body: String| {
        let header = |name: &str| headers[name].to_str().expect("is text").to_owned();
        noted.lock().expect("nobody panicked").push(Told {
            request: format!("{method} {uri}"),
            authorization: header("authorization"),
            trace: header("traceparent"),
            body: serde_json::from_str(&body).unwrap_or_default(),
        });
        http::StatusCode::NO_CONTENT
    };
    (told, shop_testkit::spawn(axum::Router::new().fallback(take)).await)
}

impl Service {
    pub(crate) fn relay(&self) -> Relay {
        let metrics = OutboxMetrics::register(&prometheus::Registry::new()).expect("a fresh registry");
        Relay::new(self.pool.clone(), metrics)
    }

    /// Delivers until nothing is due any more.
    pub(crate) async fn deliver_all(&self, to: &Listeners) {
        let (relay, deliver) = (self.relay(), |event| relay::deliver(to.clone(), event));
        while relay.deliver_due(&deliver).await.expect("the database is there") > 0 {}
    }
}

/// Those who are told, at these addresses.
pub(crate) fn listeners(service: &Service, users: &str, catalog: &str) -> Listeners {
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

    service.deliver_all(&listeners(&service, &users, &catalog)).await;
    assert_eq!(service.count("SELECT count(*) FROM outbox").await, 0, "everything has arrived");

    let told = told.lock().expect("nobody panicked").clone();
    let sales: Vec<_> = told.iter().filter(|told| told.request == "POST /internal/sales").collect();
    let [Told { authorization, body: sale, .. }] = sales[..] else { panic!("one sale was told of, not {told:?}") };
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
    let stop = CancellationToken::new();
    for _ in 0..2 {
        let (relay, to) = (service.relay(), to.clone());
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

    let items = notices_of(&service, &users, user).await;
    assert_eq!(statuses(&items), ["CREATED", "DELIVERED", "PROCESSING", "SHIPPING"]);
    assert!(items.iter().all(|item| item["order_id"] == order.to_string() && item["kind"] == "order_status"));
}

/// What the user service has told this user.
async fn notices_of(service: &Service, users: &str, user: UserId) -> Vec<Value> {
    let notices = reqwest::Client::new().get(format!("{users}/user-api/notifications"));
    let notices = notices.header(AUTHORIZATION, service.bearer(user, Role::User));
    let notices: Value = notices.send().await.expect("the user service answers").json().await.expect("it answers JSON");
    notices["items"].as_array().expect("a list").clone()
}

/// Their states, by the alphabet.
fn statuses(notices: &[Value]) -> Vec<&str> {
    let mut statuses: Vec<_> = notices.iter().map(|notice| notice["status"].as_str().unwrap_or_default()).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn a_user_service_that_is_slow_or_answers_rubbish_is_told_again_and_takes_each_notice_once() {
    let service = Service::new(AT_ONCE).await;
    let (_db, users) = user_service(&service).await;
    let proxy = ChaosProxy::to(users.trim_start_matches("http://").parse().expect("an address")).await;
    let (_told, catalog) = noting_catalog().await;
    let mut to = listeners(&service, &format!("http://{}", proxy.address()), &catalog);
    let token = service.keys.service_token().into();
    let address = format!("http://{}", proxy.address());
    to.users = Sibling::new("user", &address, &token, Duration::from_millis(400)).expect("the URL is right");
    let user = UserId::generate();
    service.order_of(user).await;
    let failed = "SELECT count(*) FROM outbox WHERE topic = 'order_status' AND attempts > 0 AND last_error IS NOT NULL";

    // It takes the notice, and its answer is late.
    proxy.slow(Duration::from_millis(1500));
    service.deliver_all(&to).await;
    assert_eq!(service.count(failed).await, 1);
    service.orders.tick(10).await.expect("the database is there");
    // It takes it again, and what it answers can't be understood.
    proxy.garble();
    service.deliver_all(&to).await;
    eventually("both have been tried", async || {
        service.deliver_all(&to).await;
        service.count(failed).await == 2
    })
    .await;
    proxy.restore_networking();
    eventually("everything has arrived", async || {
        service.deliver_all(&to).await;
        service.count("SELECT count(*) FROM outbox").await == 0
    })
    .await;
    assert_eq!(statuses(&notices_of(&service, &users, user).await), ["CREATED", "PROCESSING"]);
}

#[tokio::test]
async fn the_catalog_hears_of_each_move_and_of_an_order_that_is_called_off_within_the_trace_of_the_request() {
    let service = Service::new(NEVER).await;
    let (_db, users) = user_service(&service).await;
    let (told, catalog) = noting_catalog().await;
    let user = UserId::generate();
    let order = service.order_of(user).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = service.client.post(format!("{}/order-api/orders/{order}/cancel", service.url));
    let request = request.header(AUTHORIZATION, service.bearer(user, Role::User));
    let answer = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).send().await;
    assert_eq!(answer.expect("the service answers").status(), 200);
    service.deliver_all(&listeners(&service, &users, &catalog)).await;

    let told = told.lock().expect("nobody panicked").clone();
    let of = |request: &str| told.iter().filter(|told| told.request == request).cloned().collect::<Vec<_>>();
    let news = of("POST /internal/order-events");
    let mut versions: Vec<_> =
        news.iter().map(|told| (told.body["version"].clone(), told.body["status"].clone())).collect();
    versions.sort_by_key(|(version, _)| version.as_i64());
    assert_eq!(versions, [(json!(1), json!("CREATED")), (json!(2), json!("CANCELLED"))]);
    assert!(news.iter().all(|told| told.body["order_id"] == json!(order) && told.body["user_id"] == json!(user)));
    for request in [format!("DELETE /internal/reservations/{order}"), format!("DELETE /internal/sales/{order}")] {
        let [Told { trace: traceparent, authorization, .. }] = &of(&request)[..] else { panic!("{request}: {told:?}") };
        assert_eq!(traceparent[3..35], *trace, "{request}");
        assert_eq!(*authorization, service.keys.service_authorization());
    }
}
