//! An order service to test, and short words for what the tests do with it.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use shop_auth::Role;
use shop_order::app::AppState;
use shop_order::domain::lifecycle::Lifecycle;
use shop_order::orders::Orders;
use shop_order::{MIGRATOR, NAME, SCHEMA, routes};
use shop_runtime::db::{self, DbConfig};
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, HttpMetrics};
use shop_testkit::{Keys, TestDb};
use shop_types::{OrderId, UserId};
use sqlx::PgPool;

/// Everything at once: an order is due in each state as soon as it is there.
pub(crate) const AT_ONCE: [Duration; 3] = [Duration::ZERO; 3];

/// Nothing while the test runs.
pub(crate) const NEVER: [Duration; 3] = [Duration::from_secs(86_400); 3];

/// An order service that serves on a port of its own, over a database of its own.
pub(crate) struct Service {
    pub(crate) orders: Orders,
    pub(crate) pool: PgPool,
    pub(crate) keys: Keys,
    pub(crate) db: TestDb,
    url: String,
    client: reqwest::Client,
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
        let (pool, state, router) = replica(&db, &keys, times);
        let url = shop_testkit::spawn(router).await;
        Self { orders: state.orders().clone(), pool, keys, db, url, client: reqwest::Client::new() }
    }

    /// The orders as another replica sees them, with connections of its own.
    pub(crate) fn another_replica(&self, times: [Duration; 3]) -> Orders {
        replica(&self.db, &self.keys, times).1.orders().clone()
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

fn replica(
    db: &TestDb,
    keys: &Keys,
    [processing, shipping, delivered]: [Duration; 3],
) -> (PgPool, AppState, axum::Router) {
    let config = DbConfig { max_connections: 8, ..DbConfig::new(db.url(), NAME, SCHEMA) };
    let pool = db::connect(&config).expect("the URL is right");
    let registry = metrics::registry();
    let lifecycle = Lifecycle::new(processing, shipping, delivered).expect("the times are in order");
    let state = AppState::new(&pool, keys.auth_state(), lifecycle, &registry).expect("a fresh registry");
    let http_metrics = HttpMetrics::register(&registry, NAME).expect("a fresh registry");
    let router = layers::wrap(routes::router(state.clone()), http_metrics, Limits::default());
    (pool, state, router)
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
