//! A user service of the test's own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use clap::Parser as _;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shop_runtime::serve::ServiceApp;
use shop_testkit::{Keys, TestDb, spawn};
use shop_user::config::{Cli, Command};
use shop_user::{MIGRATOR, SCHEMA, app};
use tokio_util::sync::CancellationToken;

pub(crate) struct Shop {
    pub(crate) db: Arc<TestDb>,
    pub(crate) keys: Arc<Keys>,
    client: Client,
    pub(crate) base: String,
    ops: String,
}

/// What a client goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |field: &str| answer[field].as_str().expect("a token").to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// What the test changes in the service's surroundings.
#[derive(Default)]
pub(crate) struct Surroundings {
    pub(crate) database_proxy: Option<SocketAddr>,
    pub(crate) redis_url: Option<String>,
    pub(crate) cart: Option<Router>,
    pub(crate) order: Option<Router>,
    /// Other keys to sign with, and trust, than the shop's first ones.
    pub(crate) signing_key: Option<PathBuf>,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let db = TestDb::new(&MIGRATOR, SCHEMA).await;
        Self::with(db, Surroundings::default()).await
    }

    pub(crate) async fn with(db: TestDb, surroundings: Surroundings) -> Self {
        Self::start(Arc::new(db), Arc::new(Keys::generate()), surroundings).await
    }

    /// Another process of the same service.
    pub(crate) async fn replica(&self, surroundings: Surroundings) -> Self {
        Self::start(Arc::clone(&self.db), Arc::clone(&self.keys), surroundings).await
    }

    async fn start(db: Arc<TestDb>, keys: Arc<Keys>, surroundings: Surroundings) -> Self {
        let url = surroundings.database_proxy.map_or_else(|| db.url(), |proxy| db.url_by(proxy));
        let cart = sibling(surroundings.cart).await;
        let order = sibling(surroundings.order).await;
        let signing_key = surroundings.signing_key.unwrap_or_else(|| keys.signing_key_file());
        let mut arguments = vec![
            "user".to_owned(),
            "serve".to_owned(),
            format!("--database-url={}", url.expose_secret()),
            format!("--auth-public-keys-dir={}", keys.public_keys_dir().display()),
            format!("--auth-signing-key-file={}", signing_key.display()),
            format!("--service-token-file={}", keys.service_token_file().display()),
            format!("--cart-url={cart}"),
            format!("--order-url={order}"),
        ];
        // The database's name is one of a kind, and Redis may be shared.
        let shop_name = url.expose_secret().rsplit('/').next().unwrap_or_default().to_owned();
        arguments.push(format!("--shop-name={shop_name}"));
        arguments.extend(surroundings.redis_url.map(|url| format!("--redis-url={url}")));
        let Command::Serve(args) = Cli::parse_from(arguments).command else { unreachable!("it is serve") };
        let ServiceApp { router, ops, .. } = app::build(&args, &CancellationToken::new()).expect("the service starts");
        let client =
            Client::builder().timeout(Duration::from_secs(30)).redirect(Policy::none()).build().expect("a client");
        Self { db, keys, client, base: spawn(router).await, ops: spawn(ops).await }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) fn ops(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.ops))
    }

    pub(crate) fn register(&self, username: &str, password: &str) -> RequestBuilder {
        self.post("/user-api/users/register")
            .json(&json!({"username": username, "password": password, "full_name": "Ann Brown"}))
    }

    pub(crate) fn login(&self, username: &str, password: &str) -> RequestBuilder {
        self.post("/user-api/token").form(&[("username", username), ("password", password)])
    }

    /// Registers and logs in; the user and the token.
    pub(crate) async fn newcomer(&self, username: &str) -> (Value, String) {
        let user = answer(self.register(username, "correct horse"), StatusCode::CREATED).await;
        let token = answer(self.login(username, "correct horse"), StatusCode::OK).await;
        (user, token["access_token"].as_str().expect("a token").to_owned())
    }

    /// Logs in; both tokens.
    pub(crate) async fn tokens(&self, username: &str) -> Tokens {
        Tokens::of(&answer(self.login(username, "correct horse"), StatusCode::OK).await)
    }

    pub(crate) fn refresh(&self, token: &str) -> RequestBuilder {
        self.post("/user-api/token/refresh").json(&json!({"refresh_token": token}))
    }

    /// The tokens that follow.
    pub(crate) async fn refreshed(&self, tokens: &Tokens) -> Tokens {
        Tokens::of(&answer(self.refresh(&tokens.refresh), StatusCode::OK).await)
    }

    /// A user with the role `admin`, as the database says; the user and the token.
    pub(crate) async fn admin(&self, username: &str) -> (Value, String) {
        let user = answer(self.register(username, "correct horse"), StatusCode::CREATED).await;
        sqlx::query("UPDATE users SET role = 'admin' WHERE username = $1")
            .bind(username)
            .execute(self.db.pool())
            .await
            .expect("it can be written");
        (user, self.tokens(username).await.access)
    }

    /// Whether the access token opens what is its user's.
    pub(crate) async fn opens(&self, access: &str) -> bool {
        let response = self.get("/user-api/notifications").bearer_auth(access).send().await.expect("an answer");
        match response.status() {
            StatusCode::OK => true,
            StatusCode::UNAUTHORIZED => false,
            other => panic!("{other}"),
        }
    }

    /// Has the database do something behind the service's back.
    pub(crate) async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.db.pool()).await.expect("it can be done");
    }

    /// The value of a metric with these labels, zero if it is not there yet.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.ops("/metrics").send().await.expect("an answer").text().await.expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        value.unwrap_or(0.0)
    }
}

/// The base URL of a sibling; nobody is at home if there is none.
async fn sibling(router: Option<Router>) -> String {
    match router {
        Some(router) => spawn(router).await,
        None => "http://127.0.0.1:9".to_owned(),
    }
}

/// The JSON of the answer, which must have this status.
pub(crate) async fn answer(request: RequestBuilder, status: StatusCode) -> Value {
    let response = request.send().await.expect("an answer");
    let (actual, body) = (response.status(), response.text().await.expect("a body"));
    assert_eq!(actual, status, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Status and kind of the problem that the answer must be.
pub(crate) async fn refusal(request: RequestBuilder) -> (u16, String) {
    let problem = shop_testkit::problem(request.send().await.expect("an answer")).await;
    (problem.status, problem.slug().expect("one of ours").to_owned())
}
