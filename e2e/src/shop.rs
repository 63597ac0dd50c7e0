//! The shop as its customers reach it: one address, JSON over HTTP.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

/// Why a step of a walk through the shop did not go as it should.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// The shop could not be reached, or stopped answering.
    #[error("{method} {path}: no answer; is the shop up? (`make status` tells)")]
    Unreachable {
        /// What was asked for.
        method: Method,
        /// Where it was asked.
        path: String,
        /// What the client saw.
        #[source]
        source: reqwest::Error,
    },
    /// The shop answered something else than the walk expects.
    #[error("{method} {path}: expected {expected}, got {status}: {body}")]
    Unexpected {
        /// What was asked for.
        method: Method,
        /// Where it was asked.
        path: String,
        /// The status that was due.
        expected: StatusCode,
        /// The status that came.
        status: StatusCode,
        /// The body that came with it.
        body: String,
    },
    /// An answer lacks something that it must hold.
    #[error("the answer to {path} has no usable {field}: {body}")]
    Missing {
        /// Where it was asked.
        path: String,
        /// What is missing, as a JSON pointer.
        field: String,
        /// The whole answer.
        body: Value,
    },
    /// A cache did something else than its pattern says.
    #[error("{path}: expected {expected}, but the cache says {status:?}")]
    Cache {
        /// Where it was asked.
        path: String,
        /// What was due.
        expected: &'static str,
        /// The header.
        status: Option<String>,
    },
    /// Something else did not come about.
    #[error("{0}")]
    NotSeen(String),
    /// The cluster did not do what it was asked.
    #[error(transparent)]
    Cluster(#[from] crate::cluster::ClusterError),
    /// The WebSocket broke.
    #[error("the WebSocket at {url} broke")]
    Socket {
        /// Where it was.
        url: String,
        /// How.
        #[source]
        source: Box<tokio_tungstenite::tungstenite::Error>,
    },
    /// An order did not reach its end in time.
    #[error("order {order_id} is still {status} after {waited:?}")]
    Late {
        /// The order.
        order_id: String,
        /// Where it stopped.
        status: String,
        /// How long it was watched.
        waited: Duration,
    },
}

/// Tells what is said between a customer and the shop.
pub trait Narrator {
    /// A heading: what the customer does next.
    fn step(&mut self, title: &str);
    /// One call and its answer.
    fn call(&mut self, method: &Method, path: &str, sent: Option<&str>, answer: &Answer);
    /// Something seen that is no call.
    fn note(&mut self, text: &str);
}

/// Says nothing: for tests.
#[derive(Debug, Default)]
pub struct Silent;

impl Narrator for Silent {
    fn step(&mut self, _title: &str) {}
    fn call(&mut self, _method: &Method, _path: &str, _sent: Option<&str>, _answer: &Answer) {}
    fn note(&mut self, _text: &str) {}
}

/// What the shop answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The path that was asked, kept for error messages.
    pub path: String,
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, `Null` when it is not JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
    /// What a cache did for it (RFC 9211), if one did.
    pub cache_status: Option<String>,
    /// The version of what was answered, if it has one.
    pub etag: Option<String>,
}

impl Answer {
    /// The text at a JSON pointer.
    pub fn text_at(&self, pointer: &str) -> Result<&str, ShopError> {
        self.body.pointer(pointer).and_then(Value::as_str).ok_or_else(|| self.missing(pointer))
    }

    /// Whether it came from a cache.
    pub fn is_hit(&self) -> bool {
        self.cache_status.as_deref().is_some_and(|status| status.contains("; hit"))
    }

    /// The integer at a JSON pointer.
    pub fn integer_at(&self, pointer: &str) -> Result<i64, ShopError> {
        self.body.pointer(pointer).and_then(Value::as_i64).ok_or_else(|| self.missing(pointer))
    }

    /// The list at a JSON pointer.
    pub fn list_at(&self, pointer: &str) -> Result<&[Value], ShopError> {
        self.body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| self.missing(pointer))
    }

    fn missing(&self, field: &str) -> ShopError {
        ShopError::Missing { path: self.path.clone(), field: field.to_owned(), body: self.body.clone() }
    }
}

/// A visitor of the shop; after [`Visitor::token`] a customer who is logged in. Keeps the cookie of an anonymous cart, as a browser does.
pub struct Visitor<N> {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
    cookie: Option<String>,
    /// Hears of everything that is said.
    pub narrator: N,
}

impl<N: Narrator> Visitor<N> {
    /// A visitor of the shop at `base`, such as `http://localhost:8080`.
    pub fn new(base: &str, narrator: N) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(15)).build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http, token: None, cookie: None, narrator })
    }

    /// Sends the token with every later call.
    pub fn token(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Sends another token with every later call, or none; the one before comes back.
    pub fn become_other(&mut self, token: Option<String>) -> Option<String> {
        std::mem::replace(&mut self.token, token)
    }

    /// Where the shop is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The token that is sent, if one is.
    pub fn bearer(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Any request, with headers, that must be answered with this status.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
        expected: StatusCode,
    ) -> Result<Answer, ShopError> {
        let mut request = self.request(method.clone(), path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let told = headers.iter().map(|(name, value)| format!("{name}: {value}")).chain(body.map(Value::to_string));
        let sent = Some(told.collect::<Vec<_>>().join("   ")).filter(|sent| !sent.is_empty());
        self.send(method, path, sent, request, expected).await
    }

    /// An answer that goes on for as long as something happens; to be read piece by piece.
    pub async fn listen(
        &mut self,
        path: &str,
        headers: &[(&'static str, &str)],
        limit: Duration,
    ) -> Result<reqwest::Response, ShopError> {
        let unreachable = |source| ShopError::Unreachable { method: Method::GET, path: path.to_owned(), source };
        let mut request = self.request(Method::GET, path).timeout(limit);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.map_err(unreachable)?;
        let (status, expected) = (response.status(), StatusCode::OK);
        if status == expected {
            return Ok(response);
        }
        let body = response.text().await.map_err(unreachable)?;
        Err(ShopError::Unexpected { method: Method::GET, path: path.to_owned(), expected, status, body })
    }

    /// `GET path`, which must answer 200.
    pub async fn get(&mut self, path: &str) -> Result<Answer, ShopError> {
        let request = self.request(Method::GET, path);
        self.send(Method::GET, path, None, request, StatusCode::OK).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&mut self, path: &str, body: &Value, expected: StatusCode) -> Result<Answer, ShopError> {
        let request = self.request(Method::POST, path).json(body);
        self.send(Method::POST, path, Some(body.to_string()), request, expected).await
    }

    /// `PATCH path` with a JSON body, which must answer 200.
    pub async fn patch(&mut self, path: &str, body: &Value) -> Result<Answer, ShopError> {
        let request = self.request(Method::PATCH, path).json(body);
        self.send(Method::PATCH, path, Some(body.to_string()), request, StatusCode::OK).await
    }

    /// `PUT path` with a JSON body, which must answer 200.
    pub async fn put(&mut self, path: &str, body: &Value) -> Result<Answer, ShopError> {
        let request = self.request(Method::PUT, path).json(body);
        self.send(Method::PUT, path, Some(body.to_string()), request, StatusCode::OK).await
    }

    /// `DELETE path`.
    pub async fn delete(&mut self, path: &str, expected: StatusCode) -> Result<Answer, ShopError> {
        let request = self.request(Method::DELETE, path);
        self.send(Method::DELETE, path, None, request, expected).await
    }

    /// `POST path` with a form, as a login page sends it.
    pub async fn post_form(&mut self, path: &str, form: &impl Serialize) -> Result<Answer, ShopError> {
        let request = self.request(Method::POST, path).form(form);
        self.send(Method::POST, path, Some("(form)".to_owned()), request, StatusCode::OK).await
    }

    /// `POST path` without a body, under an idempotency key.
    pub async fn post_once(&mut self, path: &str, key: &str, expected: StatusCode) -> Result<Answer, ShopError> {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        self.send(Method::POST, path, Some(format!("Idempotency-Key: {key}")), request, expected).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// A cookie that is sent empty is taken back.
    fn keep_cookie(&mut self, response: &reqwest::Response) {
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|text| text.split(';').next());
            self.cookie = pair.filter(|pair| !pair.ends_with('=')).map(str::to_owned);
        }
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        sent: Option<String>,
        request: RequestBuilder,
        expected: StatusCode,
    ) -> Result<Answer, ShopError> {
        let unreachable = |source| ShopError::Unreachable { method: method.clone(), path: path.to_owned(), source };
        let began = Instant::now();
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let header = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
        let cache_status = header.map(str::to_owned);
        let etag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        self.keep_cookie(&response);
        let text = response.text().await.map_err(unreachable)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer { path: path.to_owned(), status, body, text, took: began.elapsed(), cache_status, etag };
        self.narrator.call(&method, path, sent.as_deref(), &answer);
        if status == expected {
            Ok(answer)
        } else {
            Err(ShopError::Unexpected { method, path: path.to_owned(), expected, status, body: answer.text })
        }
    }
}
