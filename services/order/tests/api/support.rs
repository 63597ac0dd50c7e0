//! An order service to test, and short words for what the tests do with it.

use std::time::Duration;

use prometheus::Registry;
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use secrecy::SecretString;
use serde_json::{Value, json};
use shop_auth::{AuthState, Role};
use shop_order::app::AppState;
use shop_order::domain::lifecycle::Lifecycle;
use shop_order::orders::Orders;
use shop_order::streams::StreamLimits;
use shop_order::{MIGRATOR, NAME, SCHEMA, routes};
use shop_runtime::db::{self, DbConfig};
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, HttpMetrics};
use shop_testkit::{ChaosProxy, Keys, TestDb};
use shop_types::{OrderId, UserId};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Everything at once: an order is due in each state as soon as it is there.
pub(crate) const AT_ONCE: [Duration; 3] = [Duration::ZERO; 3];

/// Nothing while the test runs.
pub(crate) const NEVER: [Duration; 3] = [Duration::from_secs(86_400); 3];

/// An order service that serves on a port of its own, over a database of its own.
pub(crate) struct Service {
    pub(crate) orders: Orders,
    pub(crate) pool: PgPool,
    pub(crate) keys: Keys,
    /// Whom it believes.
    pub(crate) auth: AuthState,
    pub(crate) db: TestDb,
    pub(crate) registry: Registry,
    /// Ends the streams of events.
    pub(crate) stop: CancellationToken,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) cache_control: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, slug: &str) {
        let kind = format!("https://shopkeeper.dev/problems/{slug}");
        assert_eq!((self.status, self.body["type"].as_str()), (status, Some(&*kind)), "{self:?}");
    }
}

impl Service {
    /// A service whose orders move by these times, measured from their creation; its clock does not run by itself.
    pub(crate) async fn new(times: [Duration; 3]) -> Self {
        let (db, keys) = (TestDb::new(&MIGRATOR, SCHEMA).await, Keys::generate());
        let url = db.url();
        Self::over(db, keys, url, times, StreamLimits::default()).await
    }

    /// The same with other limits of streams.
    pub(crate) async fn streaming(limits: StreamLimits) -> Self {
        let (db, keys) = (TestDb::new(&MIGRATOR, SCHEMA).await, Keys::generate());
        let url = db.url();
        Self::over(db, keys, url, NEVER, limits).await
    }

    /// A service whose way to the database leads over a network that can be broken.
    pub(crate) async fn over_a_network(times: [Duration; 3]) -> (Self, ChaosProxy) {
        let (db, keys) = (TestDb::new(&MIGRATOR, SCHEMA).await, Keys::generate());
        let proxy = ChaosProxy::to(db.address()).await;
        let url = db.url_by(proxy.address());
        (Self::over(db, keys, url, times, StreamLimits::default()).await, proxy)
    }

    async fn over(db: TestDb, keys: Keys, url: SecretString, times: [Duration; 3], limits: StreamLimits) -> Self {
        let stop = CancellationToken::new();
        let Replica { state, router, registry, auth } = replica(url, &keys, times, limits, &stop);
        let url = shop_testkit::spawn(router).await;
        let (pool, client) = (db.pool().clone(), reqwest::Client::new());
        Self { orders: state.orders().clone(), pool, keys, auth, db, registry, stop, url, client }
    }

    /// Another replica, which serves the same orders on a port of its own.
    pub(crate) async fn twin(&self) -> String {
        shop_testkit::spawn(self.routes()).await
    }

    /// What another replica serves.
    pub(crate) fn routes(&self) -> axum::Router {
        replica(self.db.url(), &self.keys, NEVER, StreamLimits::default(), &self.stop).router
    }

    /// The orders as another replica sees them, with connections of its own.
    pub(crate) fn another_replica(&self, times: [Duration; 3]) -> Orders {
        let replica = replica(self.db.url(), &self.keys, times, StreamLimits::default(), &self.stop);
        replica.state.orders().clone()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.expect("the service answers");
        let status = response.status().as_u16();
        let cache_control = response.headers().get("cache-control");
        let cache_control = cache_control.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = response.text().await.expect("the body arrives");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("the body is JSON") };
        Answer { status, cache_control, body }
    }

    /// As another service.
    pub(crate) async fn put(&self, id: OrderId, order: &Value) -> Answer {
        let authorization = self.keys.service_authorization();
        self.send("PUT", &format!("/internal/orders/{id}"), Some(&authorization), Some(order)).await
    }

    /// As this customer.
    pub(crate) async fn get(&self, path: &str, user: UserId) -> Answer {
        let authorization = format!("Bearer {}", self.keys.token(user, Role::User));
        self.send("GET", path, Some(&authorization), None).await
    }

    pub(crate) fn bearer(&self, user: UserId, role: Role) -> String {
        format!("Bearer {}", self.keys.token(user, role))
    }

    /// As this customer, without a body.
    pub(crate) async fn post(&self, path: &str, user: UserId) -> Answer {
        self.send("POST", path, Some(&self.bearer(user, Role::User)), None).await
    }

    /// As an admin.
    pub(crate) async fn as_admin(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send(method, path, Some(&self.bearer(UserId::generate(), Role::Admin)), body).await
    }

    /// Calls the order off, as its customer.
    pub(crate) async fn cancel(&self, id: OrderId, user: UserId) -> Answer {
        self.post(&format!("/order-api/orders/{id}/cancel"), user).await
    }

    /// Moves the order, as an admin.
    pub(crate) async fn advance(&self, id: OrderId, to: &str) -> Answer {
        self.as_admin("POST", &format!("/order-api/admin/orders/{id}/advance"), Some(&json!({"to": to}))).await
    }

    /// What was told of an order on a topic, by version; topics without versions by nothing.
    pub(crate) async fn told(&self, topic: &str, order: OrderId) -> Vec<Value> {
        let sql = "SELECT payload FROM outbox WHERE topic = $1 AND payload ->> 'order_id' = $2
                   ORDER BY (payload ->> 'version')::int";
        sqlx::query_scalar(sql)
            .bind(topic)
            .bind(order.to_string())
            .fetch_all(&self.pool)
            .await
            .expect("the query is right")
    }

    /// A counter's value, by its labels.
    pub(crate) fn counter(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).expect("it is registered");
        let of = |metric: &&prometheus::proto::Metric| {
            labels.iter().all(|(name, value)| {
                metric.get_label().iter().any(|label| label.name() == *name && label.value() == *value)
            })
        };
        let metric = family.get_metric().iter().find(of).expect("there is such a series");
        let value = metric.get_counter().get_value() + metric.get_gauge().get_value();
        value.to_string().parse().expect("a whole number")
    }

    /// Makes an order, which must work.
    pub(crate) async fn order_of(&self, user: UserId) -> OrderId {
        let id = OrderId::generate();
        let answer = self.put(id, &order(user)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        id
    }

    /// The states that the order went through, as the customer sees them.
    pub(crate) async fn way(&self, id: OrderId, user: UserId) -> Vec<String> {
        let answer = self.get(&format!("/order-api/orders/{id}"), user).await;
        let history = answer.body["history"].as_array().cloned().unwrap_or_default();
        history.iter().map(|entry| entry["to"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect("the query is right")
    }
}

struct Replica {
    state: AppState,
    router: axum::Router,
    registry: Registry,
    auth: AuthState,
}

fn replica(
    url: SecretString,
    keys: &Keys,
    [processing, shipping, delivered]: [Duration; 3],
    limits: StreamLimits,
    stop: &CancellationToken,
) -> Replica {
    let config = DbConfig {
        max_connections: 8,
        acquire_timeout: Duration::from_secs(5),
        lock_timeout: Duration::from_secs(4),
        ..DbConfig::new(url, NAME, SCHEMA)
    };
    let pool = db::connect(&config).expect("the URL is right");
    let registry = metrics::registry();
    let lifecycle = Lifecycle::new(processing, shipping, delivered).expect("the times are in order");
    let auth = keys.auth_state();
    let state = AppState::new(&pool, auth.clone(), lifecycle, &registry).expect("a fresh registry");
    let state = state.streaming(limits, stop.clone());
    tokio::spawn(state.streams().clone().listen());
    let http_metrics = HttpMetrics::register(&registry, NAME).expect("a fresh registry");
    let router = layers::wrap(routes::router(state.clone()), http_metrics, Limits::default());
    Replica { state, router, registry, auth }
}

/// An order of two products as the cart sends it.
pub(crate) fn order(user: UserId) -> Value {
    let name = json!({"en": "Bread", "ru": "Хлеб"});
    let price = |amount: i64| json!({"amount": amount, "currency": "RUB"});
    json!({
        "user_id": user,
        "lines": [
            {"product_id": 7, "quantity": 2, "unit_price": price(12_900), "name": name},
            {"product_id": 3, "quantity": 1, "unit_price": price(4_550), "name": name},
        ],
        "total": price(30_350),
    })
}
