//! A catalog to test, and short words for what the tests do with it.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::SecretString;
use serde_json::{Value, json};
use shop_auth::{AuthState, Role};
use shop_cache::LivePolicies;
use shop_catalog::app::{self, AppState, Parts};
use shop_catalog::reservations::Reservations;
use shop_catalog::sockets::SocketLimits;
use shop_catalog::{MIGRATOR, NAME, routes, seed};
use shop_runtime::db::DbConfig;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, HttpMetrics};
use shop_runtime::redis::Redis;
use shop_testkit::{Keys, TestDb, TestRedis, eventually};
use shop_types::{OrderId, UserId};
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A catalog that serves on a port of its own, over a database of its own.
pub(crate) struct Catalog {
    pub(crate) url: String,
    pub(crate) pool: PgPool,
    pub(crate) db: Arc<TestDb>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) registry: prometheus::Registry,
    pub(crate) auth: AuthState,
    shop: String,
    pub(crate) reservations: Reservations,
    client: reqwest::Client,
    tasks: TaskTracker,
    /// Ends the background work with the test.
    stop: DropGuard,
}

/// How a catalog is set up, where a test wants it different.
pub(crate) struct Setup {
    pub(crate) db: Arc<TestDb>,
    pub(crate) config: DbConfig,
    pub(crate) keys: Arc<Keys>,
    /// Catalogs of the same name and Redis are replicas.
    pub(crate) shop: String,
    pub(crate) redis_url: SecretString,
    pub(crate) policies: LivePolicies,
    pub(crate) demo: bool,
    pub(crate) reservation_lifetime: Duration,
    pub(crate) sockets: SocketLimits,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let db = TestDb::new(&MIGRATOR, NAME).await;
        let config = DbConfig { max_connections: 8, ..DbConfig::new(db.url(), NAME, NAME) };
        Self {
            db: Arc::new(db),
            config,
            keys: Arc::new(Keys::generate()),
            shop: format!("test/{}", OrderId::generate()),
            redis_url: TestRedis::shared().await.url(),
            policies: LivePolicies::defaults(),
            demo: false,
            reservation_lifetime: Duration::from_secs(3600),
            sockets: SocketLimits::default(),
        }
    }
}

/// The numbers of the products of a page.
pub(crate) fn ids(page: &Value) -> Vec<i64> {
    page["items"].as_array().expect("a page has items").iter().filter_map(|item| item["id"].as_i64()).collect()
}

/// Their English names.
pub(crate) fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a page has items");
    items.iter().filter_map(|item| Some(item["name"]["en"].as_str()?.to_owned())).collect()
}

/// What waits in an outbox, oldest first.
pub(crate) async fn outbox(pool: &PgPool) -> Vec<Value> {
    sqlx::query_scalar("SELECT payload FROM outbox ORDER BY event_id").fetch_all(pool).await.expect("the table is ours")
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) {
        let kind = format!("https://shopkeeper.dev/problems/{slug}");
        assert_eq!((self.status, self.body["type"].as_str()), (status, Some(&*kind)), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
    }
}

impl Catalog {
    /// A catalog without products.
    pub(crate) async fn empty() -> Self {
        Self::start(Setup::new().await).await
    }

    /// A catalog with the first of the demo products.
    pub(crate) async fn with_products(products: u32) -> Self {
        Self::empty().await.filled(products).await
    }

    /// The same, whose reservations have no time at all until they may expire.
    pub(crate) async fn whose_reservations_are_overdue_at_once(products: u32) -> Self {
        let setup = Setup { reservation_lifetime: Duration::ZERO, ..Setup::new().await };
        Self::start(setup).await.filled(products).await
    }

    /// Adds the first of the demo products.
    pub(crate) async fn filled(self, products: u32) -> Self {
        seed::run(self.db.pool(), products).await.expect("the seed works");
        self.forget_the_seed().await;
        self
    }

    /// Nothing is cached yet that the seed would have to drop, and what is cached from now on is not to be dropped at some moment.
    async fn forget_the_seed(&self) {
        eventually("the relay has nothing of the seed in its hands", async || {
            sqlx::query("DELETE FROM outbox WHERE attempts = 0 OR last_error IS NOT NULL")
                .execute(self.db.pool())
                .await
                .expect("the table is ours");
            self.outbox().await.is_empty()
        })
        .await;
    }

    /// Waits until so many events have been told, and tells no more.
    pub(crate) async fn settled(&self, events: i64) {
        eventually("all events have been told", async || {
            let last = sqlx::query_scalar("SELECT last FROM shop_event_counter").fetch_one(self.db.pool()).await;
            last.ok() == Some(events)
        })
        .await;
    }

    /// What waits in the outbox.
    pub(crate) async fn outbox(&self) -> Vec<Value> {
        outbox(self.db.pool()).await
    }

    /// A catalog that is set up in this way.
    pub(crate) async fn start(setup: Setup) -> Self {
        let Setup { db, config, keys, shop, redis_url, policies, demo, reservation_lifetime, sockets } = setup;
        let pool = app::connect(&config).expect("the URL is right");
        let (registry, stop, tasks) = (metrics::registry(), CancellationToken::new(), TaskTracker::new());
        let auth = keys.auth_state();
        let parts = Parts {
            db: pool.clone(),
            redis: Redis::new(Some(&redis_url)).expect("the URL is right"),
            redis_url: Some(redis_url),
            policies,
            shop: shop.clone(),
            demo,
            auth: auth.clone(),
            reservation_lifetime,
            sockets,
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        let state = AppState::new(parts, &registry).expect("fresh registry");
        state.start_jobs();
        let reservations = state.reservations().clone();
        let http_metrics = HttpMetrics::register(&registry, NAME).expect("fresh registry");
        let router = layers::wrap(routes::router(state), http_metrics, Limits::default());
        let url = shop_testkit::spawn(router).await;
        let (client, stop) = (reqwest::Client::new(), stop.drop_guard());
        Self { url, pool, db, keys, registry, auth, shop, reservations, client, tasks, stop }
    }

    /// What another catalog must be set up with to be a replica of this one.
    pub(crate) async fn replica(&self) -> Setup {
        Setup {
            config: DbConfig { max_connections: 8, ..DbConfig::new(self.db.url(), NAME, NAME) },
            db: Arc::clone(&self.db),
            keys: Arc::clone(&self.keys),
            shop: self.shop.clone(),
            ..Setup::new().await
        }
    }

    /// Ends the background work and the sockets, as SIGTERM does, and waits for them.
    pub(crate) async fn stop(self) {
        self.stop.disarm().cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("the catalog answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the body arrives");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("the body is JSON") };
        Answer { status, headers, body }
    }

    /// As anybody.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    /// The `Authorization` header of a user with this role.
    pub(crate) fn bearer(&self, role: Role) -> String {
        format!("Bearer {}", self.keys.token(UserId::generate(), role))
    }

    /// As an administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header(AUTHORIZATION, self.bearer(Role::Admin));
        self.send(if body.is_null() { request } else { request.json(body) }).await
    }

    /// As another service.
    pub(crate) async fn internal(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header(AUTHORIZATION, self.keys.service_authorization());
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// Changes a product as an administrator, which must work.
    pub(crate) async fn set(&self, product: i64, change: &Value) {
        let answer = self.admin("PATCH", &format!("/api/products/{product}"), change).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Takes a product off the shelf as an administrator, which must work.
    pub(crate) async fn delete(&self, product: i64) {
        let answer = self.admin("DELETE", &format!("/api/products/{product}"), &Value::Null).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// A product, which must be there.
    pub(crate) async fn product(&self, product: i64) -> Value {
        let answer = self.get(&format!("/api/products/{product}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub(crate) async fn stock(&self, product: i64) -> i64 {
        self.product(product).await["stock"].as_i64().expect("a stock is a number")
    }

    pub(crate) async fn reserve(&self, order: OrderId, lines: &[(i64, i64)]) -> Answer {
        let line = |(product, quantity): &(i64, i64)| json!({"product_id": product, "quantity": quantity});
        self.reserve_lines(order, lines.iter().map(line).collect()).await
    }

    pub(crate) async fn reserve_lines(&self, order: OrderId, lines: Value) -> Answer {
        self.internal("PUT", &format!("/internal/reservations/{order}"), json!({"lines": lines})).await
    }

    pub(crate) async fn release(&self, order: OrderId) -> Answer {
        self.internal("DELETE", &format!("/internal/reservations/{order}"), Value::Null).await
    }

    pub(crate) async fn commit(&self, order: OrderId) -> Answer {
        self.internal("POST", &format!("/internal/reservations/{order}/commit"), Value::Null).await
    }

    /// Ends all overdue reservations, as the task does that looks for them; how many there were.
    pub(crate) async fn expire(&self) -> usize {
        self.expire_in_batches_of(50).await
    }

    pub(crate) async fn expire_in_batches_of(&self, batch: u16) -> usize {
        let mut total = 0;
        loop {
            match self.reservations.expire(batch).await.expect("the database answers") {
                0 => return total,
                ended => total += ended,
            }
        }
    }
}
