//! One customer: a token, a connection, and what the shop has said so far.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use super::history::{Failure, History};
use crate::printer::describe;

/// Who must know asks again after so long.
pub(super) const ASKS_AGAIN: Duration = Duration::from_millis(500);

/// Who must know gives up after so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// A customer who is logged in.
#[derive(Debug)]
pub struct Customer {
    http: Client,
    base: String,
    token: String,
    /// What the shop said is in the cart.
    pub(super) cart: BTreeMap<i64, i64>,
    /// The last order that the shop acknowledged.
    pub(super) last_order: Option<String>,
    pub(super) ordered_at: Option<Instant>,
    pub(super) came: Instant,
}

fn client() -> Result<Client, reqwest::Error> {
    let client = Client::builder().timeout(Duration::from_secs(20)).pool_max_idle_per_host(1);
    client.retry(reqwest::retry::never()).build()
}

/// What came: the status and the body, or what was in the way.
pub(super) type Came = Result<(StatusCode, String), String>;

impl Customer {
    /// A customer with a token and a connection of the customer's own.
    pub fn new(base: &str, token: &str) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: client()?,
            base: base.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            cart: BTreeMap::new(),
            last_order: None,
            ordered_at: None,
            came: Instant::now(),
        })
    }

    /// What the shop said is in the cart.
    pub const fn cart(&self) -> &BTreeMap<i64, i64> {
        &self.cart
    }

    /// The same customer in another tab.
    #[must_use]
    pub fn another_connection(&self) -> Self {
        let http = client().unwrap_or_else(|_| self.http.clone());
        let (base, token, cart) = (self.base.clone(), self.token.clone(), self.cart.clone());
        Self { http, base, token, cart, last_order: self.last_order.clone(), ordered_at: None, came: Instant::now() }
    }

    /// Reads, once.
    pub async fn get(&self, path: &str) -> Result<(StatusCode, Value), String> {
        let came = self.send(&Method::GET, path, None, None, &mut History::default()).await;
        came.map(|(status, text)| (status, parsed(&text)))
    }

    /// Posts, once.
    pub async fn post(
        &self,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), String> {
        let came = self.send(&Method::POST, path, key, body, &mut History::default()).await;
        came.map(|(status, text)| (status, parsed(&text)))
    }

    /// Checks out, and asks again under the same key for as long as the shop says that it is on its way.
    pub async fn check_out(&self, key: &str) -> Result<(StatusCode, Value), String> {
        self.check_out_bytes(key).await.map(|(status, text)| (status, parsed(&text)))
    }

    /// The same, for those who compare bytes.
    pub async fn check_out_bytes(&self, key: &str) -> Result<(StatusCode, String), String> {
        let began = Instant::now();
        loop {
            let path = "/cart-api/cart/checkout";
            let (status, text) = self.send(&Method::POST, path, Some(key), None, &mut History::default()).await?;
            let on_its_way = status == StatusCode::CONFLICT && slug(&text) == "checkout-in-flight";
            if !on_its_way || began.elapsed() > PATIENCE {
                return Ok((status, text));
            }
            tokio::time::sleep(ASKS_AGAIN).await;
        }
    }

    /// Posts under a key, and asks again under the same key until the outcome is known. None if it never is.
    pub(super) async fn find_out(
        &self,
        path: &str,
        key: &str,
        body: Option<&Value>,
        refusals: &[&str],
        history: &mut History,
    ) -> Option<(StatusCode, String)> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let (status, text) = match self.send(&Method::POST, path, Some(key), body, history).await {
                Ok(came) => came,
                Err(came) => {
                    self.fail(&Method::POST, path, came, history);
                    tokio::time::sleep(ASKS_AGAIN).await;
                    continue;
                }
            };
            if status.is_success() {
                return Some((status, text));
            }
            let slug = slug(&text);
            if status == StatusCode::CONFLICT && refusals.contains(&slug.as_str()) {
                *history.refusals.entry(slug).or_default() += 1;
                return Some((status, text));
            }
            // Declared too: another pod is at it, or was; whoever asks again with the same key gets the end of it.
            if status == StatusCode::CONFLICT && slug == "checkout-in-flight" {
                *history.refusals.entry(slug).or_default() += 1;
            } else {
                self.fail(&Method::POST, path, format!("{status}: {text}"), history);
            }
            tokio::time::sleep(ASKS_AGAIN).await;
        }
        None
    }

    /// Asks once; whatever is not a success is a failure.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
        history: &mut History,
    ) -> Result<(StatusCode, String), ()> {
        let came = self.send(&method, path, key, body, history).await;
        let wrong = match came {
            Ok((status, text)) if status.is_success() => return Ok((status, text)),
            Ok((status, text)) => format!("{status}: {text}"),
            Err(wrong) => wrong,
        };
        self.fail(&method, path, wrong, history);
        Err(())
    }

    /// Sends a request, and notes how long the answer took.
    pub(super) async fn send(
        &self,
        method: &Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
        history: &mut History,
    ) -> Came {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let began = Instant::now();
        let answer = request.send().await.map_err(|error| describe(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| describe(&error))?;
        history.times.push(began.elapsed());
        Ok((status, text))
    }

    pub(super) fn fail(&self, method: &Method, path: &str, came: String, history: &mut History) {
        let failure = Failure { at: self.came.elapsed(), asked: format!("{method} {path}"), came };
        history.failures.push(failure);
    }
}

pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The name of the problem.
pub(super) fn slug(text: &str) -> String {
    parsed(text)["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default().to_owned()
}
