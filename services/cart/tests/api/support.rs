//! A shop to test: real siblings, and as many replicas of the cart service as a test wants, each of which can be killed.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use secrecy::SecretString;
use serde_json::{Value, json};
use shop_auth::Role;
use shop_cache::{Caches, LivePolicies};
use shop_cart::app::{App, NEW_CART_RATE, Parts};
use shop_cart::config::Times;
use shop_cart::{MIGRATOR, NAME, routes};
use shop_order::domain::lifecycle::Lifecycle;
use shop_runtime::client::Sibling;
use shop_runtime::db::{self, DbConfig};
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, HttpMetrics};
use shop_runtime::rate_limit::Rate;
use shop_runtime::redis::Redis;
use shop_testkit::{ChaosProxy, Keys, TestDb, TestRedis, eventually};
use shop_types::UserId;
use sqlx::PgPool;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::faults::Faults;

/// Times for tests that do not wait for them to pass.
pub(crate) const PATIENT: Times = Times {
    sibling_timeout: Duration::from_secs(5),
    checkout_wait: Duration::from_secs(30),
    checkout_lease: Duration::from_secs(60),
    checkout_sweep_every: Duration::from_millis(50),
    checkout_deadline: Duration::from_secs(600),
    carts_kept: Duration::from_secs(365 * 86_400),
    anonymous_carts_kept: Duration::from_secs(30 * 86_400),
    idempotency_kept: Duration::from_secs(86_400),
};

/// Times by which a dead driver is found out at once.
pub(crate) const HASTY: Times =
    Times { sibling_timeout: Duration::from_millis(300), checkout_lease: Duration::from_millis(600), ..PATIENT };

/// The siblings and the databases.
pub(crate) struct Shop {
    pub(crate) keys: Keys,
    pub(crate) faults: Faults,
    pub(crate) db: TestDb,
    pub(crate) catalog: PgPool,
    pub(crate) orders: PgPool,
    catalog_url: String,
    orders_url: String,
    /// The ways to the siblings that a test can break, for the replicas that go by them.
    pub(crate) catalog_proxy: ChaosProxy,
    pub(crate) orders_proxy: ChaosProxy,
    /// How many anonymous carts one address may make at the replicas that are started from now on.
    pub(crate) new_carts: Rate,
    /// A name of its own, since the Redis is shared.
    name: String,
    _databases: (TestDb, TestDb),
}

impl Shop {
    /// A shop with twenty products, a hundred pieces of each.
    pub(crate) async fn new() -> Self {
        Self::with_products(20).await
    }

    pub(crate) async fn with_products(products: u32) -> Self {
        let (keys, faults) = (Keys::generate(), Faults::default());
        let catalog_db = TestDb::new(&shop_catalog::MIGRATOR, shop_catalog::NAME).await;
        let catalog = catalog_db.pool().clone();
        shop_catalog::seed::run(&catalog, products).await.expect("the seed works");
        execute(&catalog, "UPDATE products SET stock = 100").await;
        let day = Duration::from_secs(86_400);
        let parts = shop_catalog::app::Parts {
            db: catalog.clone(),
            redis: Redis::absent(),
            redis_url: None,
            policies: LivePolicies::defaults(),
            shop: "shop".to_owned(),
            demo: false,
            auth: keys.auth_state(),
            reservation_lifetime: day,
            sockets: shop_catalog::sockets::SocketLimits::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let state = shop_catalog::app::AppState::new(parts, &metrics::registry());
        let router = shop_catalog::routes::router(state.expect("a fresh registry"));
        let catalog_url = shop_testkit::spawn(faults.before(router)).await;

        let orders_db = TestDb::new(&shop_order::MIGRATOR, shop_order::SCHEMA).await;
        let orders = orders_db.pool().clone();
        let lifecycle = Lifecycle::new(day, day, day).expect("the times are in order");
        let state = shop_order::app::AppState::new(&orders, keys.auth_state(), lifecycle, &metrics::registry());
        let router = shop_order::routes::router(state.expect("a fresh registry"));
        let orders_url = shop_testkit::spawn(faults.before(router)).await;

        let db = TestDb::new(&MIGRATOR, NAME).await;
        let name = format!("test/{}", UserId::generate());
        let (catalog_proxy, orders_proxy) = (proxy_to(&catalog_url).await, proxy_to(&orders_url).await);
        Self {
            keys,
            faults,
            db,
            catalog,
            orders,
            catalog_url,
            orders_url,
            catalog_proxy,
            orders_proxy,
            new_carts: NEW_CART_RATE,
            name,
            _databases: (catalog_db, orders_db),
        }
    }

    /// Starts a replica of the cart service, sweeper and all.
    pub(crate) async fn replica(&self, times: Times) -> Replica {
        self.replica_over(self.db.url(), Some(TestRedis::shared().await.url()), times).await
    }

    /// Starts a replica that reaches its siblings by the proxies.
    pub(crate) async fn replica_by_proxies(&self, times: Times) -> Replica {
        let urls = [&self.catalog_proxy, &self.orders_proxy].map(|proxy| format!("http://{}", proxy.address()));
        self.start(self.db.url(), Some(TestRedis::shared().await.url()), urls, times).await
    }

    /// Starts three replicas.
    pub(crate) async fn replicas(&self, times: Times) -> [Replica; 3] {
        [self.replica(times).await, self.replica(times).await, self.replica(times).await]
    }

    /// Starts a replica that has no Redis: what it answers is what the database and the catalog say.
    pub(crate) async fn replica_without_redis(&self, times: Times) -> Replica {
        self.replica_over(self.db.url(), None, times).await
    }

    /// A part of the shop that has no carts but knows what makes them void, as the catalog does.
    pub(crate) async fn caches(&self) -> Caches {
        let url = TestRedis::shared().await.url();
        let redis = Redis::new(Some(&url)).expect("the URL is right");
        let caches = Caches::new(&self.name, redis, Some(&url), LivePolicies::defaults(), &metrics::registry());
        caches.expect("a fresh registry")
    }

    /// Starts a replica that reaches its database and Redis like this.
    pub(crate) async fn replica_over(
        &self,
        database: SecretString,
        redis_url: Option<SecretString>,
        times: Times,
    ) -> Replica {
        self.start(database, redis_url, [self.catalog_url.clone(), self.orders_url.clone()], times).await
    }

    async fn start(
        &self,
        database: SecretString,
        redis_url: Option<SecretString>,
        [catalog_url, orders_url]: [String; 2],
        times: Times,
    ) -> Replica {
        let (name, new_carts) = (self.name.clone(), self.new_carts);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let token = self.keys.service_token().into();
        let sibling =
            |name, url: &str| Sibling::new(name, url, &token, times.sibling_timeout).expect("the URL is right");
        let (catalog, orders) = (sibling("catalog", &catalog_url), sibling("order", &orders_url));
        let auth = self.keys.auth_state();
        let url = runtime.spawn(async move {
            let config = DbConfig { max_connections: 8, ..DbConfig::new(database, NAME, NAME) };
            let db = db::connect(&config).expect("the URL is right");
            let registry = metrics::registry();
            let tasks = TaskTracker::new();
            let redis = Redis::new(redis_url.as_ref()).expect("the URL is right");
            let policies = LivePolicies::defaults();
            let caches = Caches::new(&name, redis.clone(), redis_url.as_ref(), policies, &registry);
            let caches = caches.expect("a fresh registry");
            let parts = Parts { db, redis, caches, auth, catalog, orders, times, new_carts, tasks };
            let app = App::new(parts, &registry).expect("a fresh registry");
            app.start_jobs(&CancellationToken::new());
            let http_metrics = HttpMetrics::register(&registry, NAME).expect("a fresh registry");
            let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
            shop_testkit::spawn(layers::wrap(routes::router(app), http_metrics, limits)).await
        });
        let url = url.await.expect("the service starts");
        Replica { url, client: reqwest::Client::new(), runtime: Some(runtime) }
    }

    /// Somebody new.
    pub(crate) fn customer(&self) -> Customer {
        let id = UserId::generate();
        Customer { id, authorization: format!("Bearer {}", self.keys.token(id, Role::User)) }
    }

    /// Pieces of a product that can be bought.
    pub(crate) async fn stock(&self, product: i64) -> i32 {
        let stock = sqlx::query_scalar("SELECT stock FROM products WHERE id = $1").bind(product);
        stock.fetch_one(&self.catalog).await.expect("the product is there")
    }

    pub(crate) async fn set_stock(&self, product: i64, stock: i32) {
        let statement = sqlx::query("UPDATE products SET stock = $2 WHERE id = $1").bind(product).bind(stock);
        statement.execute(&self.catalog).await.expect("the stock can be set");
    }

    /// Takes a product out of the assortment.
    pub(crate) async fn withdraw(&self, product: i64) {
        let statement = sqlx::query("UPDATE products SET deleted_at = now() WHERE id = $1").bind(product);
        statement.execute(&self.catalog).await.expect("the product can be withdrawn");
    }

    /// Gives a product another price.
    pub(crate) async fn reprice(&self, product: i64, kopeks: i64) {
        let statement = sqlx::query("UPDATE products SET price_amount = $2 WHERE id = $1").bind(product).bind(kopeks);
        statement.execute(&self.catalog).await.expect("the price can be set");
    }

    /// How many orders the customer has.
    pub(crate) async fn orders_of(&self, customer: &Customer) -> i64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM orders WHERE user_id = $1").bind(customer.id);
        count.fetch_one(&self.orders).await.expect("the orders can be counted")
    }

    /// Waits until no checkout is on its way.
    pub(crate) async fn until_settled(&self) {
        eventually("every checkout has ended", async || {
            let open = "SELECT count(*) FROM checkouts WHERE state NOT IN ('DONE', 'REFUSED')";
            sqlx::query_scalar::<_, i64>(open).fetch_one(self.db.pool()).await.is_ok_and(|open| open == 0)
        })
        .await;
    }
}

async fn proxy_to(url: &str) -> ChaosProxy {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    ChaosProxy::to(address.expect("the URL has an address")).await
}

/// Runs a statement that must work.
pub(crate) async fn execute(db: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(db).await.expect("the statement works");
}

/// A user with a token.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: UserId,
    pub(crate) authorization: String,
}

/// A process of the cart service.
pub(crate) struct Replica {
    url: String,
    client: reqwest::Client,
    runtime: Option<Runtime>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) cache_status: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) set_cookie: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the body is JSON")
    }

    /// What is in the cart that was answered: products and quantities.
    #[track_caller]
    pub(crate) fn items(&self) -> Vec<(i64, i64)> {
        let cart = self.json();
        let lines = cart["lines"].as_array().cloned().unwrap_or_else(|| panic!("no cart: {self:?}"));
        let number = |line: &Value, name: &str| line[name].as_i64().expect("a number");
        lines.iter().map(|line| (number(line, "product_id"), number(line, "quantity"))).collect()
    }

    /// Whether a cache gave the answer.
    #[track_caller]
    pub(crate) fn is_hit(&self) -> bool {
        let status = self.cache_status.as_ref().expect("a cache took part");
        status.starts_with("cart; hit")
    }

    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) {
        let kind = format!("https://shopkeeper.dev/problems/{slug}");
        assert_eq!((self.status, self.json()["type"].as_str()), (status, Some(&*kind)), "{self:?}");
        assert_eq!(self.content_type.as_deref(), Some("application/problem+json"));
    }
}

impl Answer {
    /// What was asked for was done.
    #[track_caller]
    pub(crate) fn assert_problem_free(&self) {
        assert!(self.status < 300, "{self:?}");
    }
}

impl Replica {
    /// Ends the process where it is, as SIGKILL does: nothing is finished, connections break.
    pub(crate) fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str, authorization: &str) -> reqwest::RequestBuilder {
        self.anonymous_request(method, path).header(AUTHORIZATION, authorization)
    }

    /// A request of somebody who has not logged in.
    pub(crate) fn anonymous_request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        send(request).await.expect("the cart answers")
    }

    pub(crate) async fn get(&self, path: &str, customer: &Customer) -> Answer {
        self.send(self.request("GET", path, &customer.authorization)).await
    }

    pub(crate) async fn delete(&self, path: &str, customer: &Customer) -> Answer {
        self.send(self.request("DELETE", path, &customer.authorization)).await
    }

    pub(crate) async fn add(&self, customer: &Customer, product: i64, quantity: i64) -> Answer {
        let body = json!({"product_id": product, "quantity": quantity});
        self.send(self.request("POST", "/cart-api/cart/items", &customer.authorization).json(&body)).await
    }

    pub(crate) async fn set(&self, customer: &Customer, product: i64, quantity: i64) -> Answer {
        let path = format!("/cart-api/cart/items/{product}");
        let body = json!({"quantity": quantity});
        self.send(self.request("PUT", &path, &customer.authorization).json(&body)).await
    }

    /// Adds to the cart, which must work.
    pub(crate) async fn fill(&self, customer: &Customer, items: &[(i64, i64)]) {
        for (product, quantity) in items {
            let answer = self.add(customer, *product, *quantity).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }

    /// What is in the cart: products and quantities.
    pub(crate) async fn items(&self, customer: &Customer) -> Vec<(i64, i64)> {
        let answer = self.get("/cart-api/cart", customer).await;
        answer.items()
    }

    pub(crate) fn checkout_request(&self, customer: &Customer, key: &str) -> reqwest::RequestBuilder {
        self.request("POST", "/cart-api/cart/checkout", &customer.authorization).header("idempotency-key", key)
    }

    pub(crate) async fn checkout(&self, customer: &Customer, key: &str) -> Answer {
        self.send(self.checkout_request(customer, key)).await
    }

    /// Sends a checkout without waiting for its answer.
    pub(crate) fn checkout_in_background(
        &self,
        customer: &Customer,
        key: &str,
    ) -> tokio::task::JoinHandle<Result<Answer, reqwest::Error>> {
        tokio::spawn(send(self.checkout_request(customer, key)))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let (content_type, location) = (header("content-type"), header("location"));
    let (retry_after, cache_control) = (header("retry-after"), header("cache-control"));
    let (cache_status, status) = (header("cache-status"), response.status().as_u16());
    let (etag, set_cookie) = (header("etag"), header("set-cookie"));
    let text = response.text().await?;
    Ok(Answer { status, content_type, location, retry_after, cache_control, cache_status, etag, set_cookie, text })
}
