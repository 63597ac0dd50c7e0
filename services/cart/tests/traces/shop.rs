//! The services that a checkout goes through, each behind the layers that it has in a shop.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use reqwest::header::AUTHORIZATION;
use serde_json::json;
use shop_auth::Role;
use shop_cache::{Caches, LivePolicies};
use shop_cart::app::{App, NEW_CART_RATE, Parts};
use shop_cart::config::Times;
use shop_order::jobs::relay::Listeners;
use shop_outbox::{OutboxMetrics, Relay};
use shop_runtime::client::Sibling;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, HttpMetrics};
use shop_runtime::redis::Redis;
use shop_runtime::trace::TraceContext;
use shop_testkit::{Keys, TestDb, TestRedis};
use shop_types::UserId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// A catalog, an order service whose clock hurries, a cart service, and somebody who takes notices as the user service does.
pub(crate) struct Shop {
    keys: Keys,
    cart_url: String,
    _databases: [TestDb; 3],
}

/// Somebody who buys.
pub(crate) struct Customer {
    id: UserId,
    token: String,
    cart_url: String,
    client: reqwest::Client,
}

impl Shop {
    pub(crate) async fn start() -> Self {
        let keys = Keys::generate();
        let name = format!("test/{}", UserId::generate());
        let (catalog_db, catalog_url) = catalog(&keys, &name).await;
        let (order_db, order_url) = order(&keys, &catalog_url).await;
        let (cart_db, cart_url) = cart(&keys, &name, &catalog_url, &order_url).await;
        Self { keys, cart_url, _databases: [catalog_db, order_db, cart_db] }
    }

    pub(crate) fn customer(&self) -> Customer {
        let id = UserId::generate();
        let token = self.keys.token(id, Role::User);
        Customer { id, token, cart_url: self.cart_url.clone(), client: reqwest::Client::new() }
    }
}

impl Customer {
    pub(crate) async fn add(&self, product: i64, quantity: i64) {
        let request = self.client.post(format!("{}/cart-api/cart/items", self.cart_url));
        let item = json!({"product_id": product, "quantity": quantity});
        let answer = request.header(AUTHORIZATION, self.authorization()).json(&item).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }

    pub(crate) async fn check_out(&self, trace: TraceContext) {
        let request = self.client.post(format!("{}/cart-api/cart/checkout", self.cart_url));
        let request = request.header(AUTHORIZATION, self.authorization()).header("idempotency-key", "once-and-only");
        let answer = request.header("traceparent", trace.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
    }

    /// What nobody is to learn from traces.
    pub(crate) fn secrets(&self) -> [String; 4] {
        let id = self.id.to_string();
        [id.replace('-', ""), id, self.token.clone(), "once-and-only".to_owned()]
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

async fn catalog(keys: &Keys, name: &str) -> (TestDb, String) {
    let db = TestDb::new(&shop_catalog::MIGRATOR, shop_catalog::NAME).await;
    shop_catalog::seed::run(db.pool(), 20).await.expect("the seed works");
    sqlx::query("UPDATE products SET stock = 100").execute(db.pool()).await.expect("the stock can be set");
    let url = TestRedis::shared().await.url();
    let parts = shop_catalog::app::Parts {
        db: db.pool().clone(),
        redis: Redis::new(Some(&url)).expect("the URL is right"),
        redis_url: Some(url),
        policies: LivePolicies::defaults(),
        shop: name.to_owned(),
        demo: false,
        auth: keys.auth_state(),
        reservation_lifetime: DAY,
        sockets: shop_catalog::sockets::SocketLimits::default(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    let state = shop_catalog::app::AppState::new(parts, &metrics::registry()).expect("a fresh registry");
    (db, served(shop_catalog::routes::router(state)).await)
}

async fn order(keys: &Keys, catalog_url: &str) -> (TestDb, String) {
    let db = TestDb::new(&shop_order::MIGRATOR, shop_order::SCHEMA).await;
    let times = shop_order::config::Times {
        processing_after: Duration::ZERO,
        shipping_after: Duration::ZERO,
        delivered_after: Duration::ZERO,
        delete_after: DAY,
        clock_every: SECOND / 10,
    };
    let registry = metrics::registry();
    let lifecycle = times.lifecycle().expect("the times are in order");
    let state = shop_order::app::AppState::new(db.pool(), keys.auth_state(), lifecycle, &registry);
    let state = state.expect("a fresh registry");
    let taken = async || http::StatusCode::NO_CONTENT;
    let users =
        Router::new().route("/internal/notifications", post(taken)).route("/internal/notifications/batch", post(taken));
    let sibling =
        |name, url: &str| Sibling::new(name, url, &keys.service_token().into(), SECOND * 5).expect("the URL is right");
    let listeners =
        Listeners { users: sibling("user", &served(users).await), catalog: sibling("catalog", catalog_url) };
    let relay = Relay::new(db.pool().clone(), OutboxMetrics::register(&registry).expect("a fresh registry"));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    shop_order::app::start_jobs(&tasks, state.orders(), times, relay, listeners, &stop);
    (db, served(shop_order::routes::router(state)).await)
}

async fn cart(keys: &Keys, name: &str, catalog_url: &str, order_url: &str) -> (TestDb, String) {
    let db = TestDb::new(&shop_cart::MIGRATOR, shop_cart::NAME).await;
    let (registry, url) = (metrics::registry(), TestRedis::shared().await.url());
    let redis = Redis::new(Some(&url)).expect("the URL is right");
    let caches = Caches::new(name, redis.clone(), Some(&url), LivePolicies::defaults(), &registry);
    let sibling =
        |name, url: &str| Sibling::new(name, url, &keys.service_token().into(), SECOND * 5).expect("the URL is right");
    let parts = Parts {
        db: db.pool().clone(),
        redis,
        caches: caches.expect("a fresh registry"),
        auth: keys.auth_state(),
        catalog: sibling("catalog", catalog_url),
        orders: sibling("order", order_url),
        times: Times {
            sibling_timeout: SECOND * 5,
            checkout_wait: SECOND * 30,
            checkout_lease: SECOND * 60,
            checkout_sweep_every: SECOND / 20,
            checkout_deadline: SECOND * 600,
            carts_kept: DAY,
            anonymous_carts_kept: DAY,
            idempotency_kept: DAY,
        },
        new_carts: NEW_CART_RATE,
        tasks: TaskTracker::new(),
    };
    let app = App::new(parts, &registry).expect("a fresh registry");
    app.start_jobs(&CancellationToken::new());
    (db, served(shop_cart::routes::router(app)).await)
}

async fn served(routes: Router) -> String {
    let metrics = HttpMetrics::register(&prometheus::Registry::new(), "test").expect("a fresh registry");
    let limits = Limits { time: SECOND * 60, ..Limits::default() };
    shop_testkit::spawn(layers::wrap(routes, metrics, limits)).await
}
