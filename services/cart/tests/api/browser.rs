//! Somebody with a browser, who may or may not have logged in: it keeps the cookie that it is given.

use std::sync::Mutex;

use http::header::{AUTHORIZATION, COOKIE};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::support::{Answer, Customer, Replica};

/// A browser with a jar for one cookie.
#[derive(Debug, Default)]
pub(crate) struct Browser {
    cookie: Mutex<Option<String>>,
    authorization: Mutex<Option<String>>,
}

impl Browser {
    /// One that nobody has used.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One that has this cookie, wherever it is from.
    pub(crate) fn with_cookie(cookie: &str) -> Self {
        Self { cookie: Mutex::new(Some(cookie.to_owned())), ..Self::default() }
    }

    /// The value of the cookie.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookie.lock().expect("no test panics with it in its hands").clone()
    }

    /// From now on requests have this customer's token.
    pub(crate) fn log_in(&self, customer: &Customer) {
        *self.authorization.lock().expect("no test panics with it in its hands") = Some(customer.authorization.clone());
    }

    /// Sends a request with what the browser knows, and learns from the answer.
    pub(crate) async fn send(&self, replica: &Replica, mut request: RequestBuilder) -> Answer {
        if let Some(cookie) = self.cookie() {
            request = request.header(COOKIE, format!("theme=dark; shop_cart={cookie}"));
        }
        let authorization = self.authorization.lock().expect("no test panics with it in its hands").clone();
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answer = replica.send(request).await;
        if let Some(set) = &answer.set_cookie {
            let (name, rest) = set.split_once('=').expect("a cookie has a value");
            assert_eq!(name, "shop_cart");
            let value = rest.split(';').next().unwrap_or_default();
            let kept = (!value.is_empty() && !rest.contains("Max-Age=0")).then(|| value.to_owned());
            *self.cookie.lock().expect("no test panics with it in its hands") = kept;
        }
        answer
    }

    pub(crate) async fn get(&self, replica: &Replica) -> Answer {
        self.send(replica, replica.anonymous_request("GET", "/cart-api/cart")).await
    }

    pub(crate) async fn add(&self, replica: &Replica, product: i64, quantity: i64) -> Answer {
        let body = json!({"product_id": product, "quantity": quantity});
        self.send(replica, replica.anonymous_request("POST", "/cart-api/cart/items").json(&body)).await
    }

    pub(crate) async fn merge(&self, replica: &Replica) -> Answer {
        self.send(replica, replica.anonymous_request("POST", "/cart-api/cart/merge")).await
    }

    pub(crate) async fn checkout(&self, replica: &Replica, key: &str) -> Answer {
        let request = replica.anonymous_request("POST", "/cart-api/cart/checkout").header("idempotency-key", key);
        self.send(replica, request).await
    }

    /// Adds to the cart, which must work.
    pub(crate) async fn fill(&self, replica: &Replica, items: &[(i64, i64)]) {
        for (product, quantity) in items {
            let answer = self.add(replica, *product, *quantity).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}
