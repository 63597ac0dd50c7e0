//! Calls to sibling services: with a deadline, with retries only where a repeated call is the same as one, and with a breaker.

mod error;

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use self::error::{Broke, NotCalled, is_refused, is_timeout};
pub use self::error::{SiblingConfigError, SiblingError};
use crate::breaker::Breaker;
use crate::metrics::{Outcome, SiblingMetrics};
use crate::span::{Kind, Open, Span};
use crate::{deadline, request_id, trace};

/// The most that a sibling's answer may be; a longer one is a fault.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How often a call is made before it is given up.
const ATTEMPTS: u32 = 3;

/// Waits before the second and the third attempt: short, since someone is waiting.
const PAUSES: [Duration; 2] = [Duration::from_millis(30), Duration::from_millis(120)];

/// How often a connection is tried again that was refused: nothing was sent, so it costs nobody anything, and a pod that has just died
/// is among those that a Service leads to for a second or two. With one of two pods dead, all of these tries fail once in 256 calls.
const CONNECTS: u32 = 8;

/// The wait before the first of them; it grows by as much with each.
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// With less time than this left, a call is not worth beginning.
const SHORTEST: Duration = Duration::from_millis(1);

/// Retries that may come at once, in tenths; each call gives back one tenth, so that at most a tenth of the calls are retries for long.
const RETRY_BUDGET: i64 = 100;

/// Another service of the shop.
#[derive(Clone, Debug)]
pub struct Sibling(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    base: String,
    authorization: HeaderValue,
    http: reqwest::Client,
    timeout: Duration,
    breaker: Breaker,
    budget: AtomicI64,
    metrics: OnceLock<SiblingMetrics>,
}

/// Whether the request that is being served will still be waited for after such a pause.
fn has_time_for(pause: Duration) -> bool {
    deadline::remaining().is_none_or(|left| left > pause)
}

impl Sibling {
    /// The service `name` at `base` (`http://host:port`). One attempt of a call takes at most `timeout`, and all of them together never
    /// longer than the request has left that they are made for.
    pub fn new(
        name: &'static str,
        base: &str,
        token: &SecretString,
        timeout: Duration,
    ) -> Result<Self, SiblingConfigError> {
        let url = reqwest::Url::parse(base).map_err(|_| SiblingConfigError::Url(name))?;
        if url.scheme() != "http" || url.cannot_be_a_base() {
            return Err(SiblingConfigError::Url(name));
        }
        let mut authorization = HeaderValue::from_str(&format!("Service {}", token.expose_secret()))
            .map_err(|_| SiblingConfigError::Token)?;
        authorization.set_sensitive(true);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout.min(Duration::from_millis(500)))
            // Shorter than the minute and a quarter after which the sibling closes an idle connection.
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(SiblingConfigError::Client)?;
        Ok(Self(Arc::new(Inner {
            name,
            base: base.trim_end_matches('/').to_owned(),
            authorization,
            http,
            timeout,
            breaker: Breaker::new(5, Duration::from_secs(1)),
            budget: AtomicI64::new(RETRY_BUDGET),
            metrics: OnceLock::new(),
        })))
    }

    /// Counts its calls. All clones of this sibling count.
    #[must_use]
    pub fn measured(self, metrics: &SiblingMetrics) -> Self {
        metrics.breaker(self.0.name, false);
        let _ = self.0.metrics.set(metrics.clone());
        self
    }

    /// Reads; tried again if need be.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, SiblingError> {
        self.call(Method::GET, path, None, ATTEMPTS).await
    }

    /// Puts, which is the same however often it is done; tried again if need be. An empty answer reads as `()`.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, SiblingError> {
        self.call(Method::PUT, path, Some(self.json(body)?), ATTEMPTS).await
    }

    /// Deletes, which is the same however often it is done; tried again if need be.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, SiblingError> {
        self.call(Method::DELETE, path, None, ATTEMPTS).await
    }

    /// Posts once.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, SiblingError> {
        self.call(Method::POST, path, Some(self.json(body)?), 1).await
    }

    /// Posts to an address that promises that a repeated call is the same as one (it is deduplicated there, or only reads); tried again if
    /// need be.
    pub async fn post_idempotent<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, SiblingError> {
        self.call(Method::POST, path, Some(self.json(body)?), ATTEMPTS).await
    }

    fn json(&self, body: &impl Serialize) -> Result<Vec<u8>, SiblingError> {
        serde_json::to_vec(body).map_err(|error| self.unreadable(error))
    }

    /// Calls, in a span that the sibling's own is below of.
    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        attempts: u32,
    ) -> Result<T, SiblingError> {
        let name = self.0.name;
        let span = Span::begin(Kind::Client, name).described(|open| {
            open.rename(format!("{method} {name}"));
            open.set("http.request.method", method.as_str().to_owned());
            open.set("peer.service", name);
        });
        let work = self.attempts(method, path, body, attempts);
        let (outcome, _) = span.run_and(work, |span, told| span.describe(|open| describe(open, told))).await;
        outcome
    }

    /// Tries as often as it may; what came of it, and how often it was tried again.
    async fn attempts<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        attempts: u32,
    ) -> (Result<T, SiblingError>, u32) {
        let budget = &self.0.budget;
        let _ =
            budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left < RETRY_BUDGET).then_some(left + 1));
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(method.clone(), path, body.clone()).await;
            self.0.metrics.get().inspect(|metrics| metrics.called(self.0.name, Outcome::of(&outcome)));
            let pause = match &outcome {
                Err(SiblingError::Unavailable { source, .. }) if attempt < attempts && !is_refused(&**source) => {
                    PAUSES[(attempt as usize - 1).min(1)]
                }
                _ => return (outcome, attempt - 1),
            };
            if !has_time_for(pause) {
                return (outcome, attempt - 1);
            }
            if budget.fetch_sub(10, Ordering::Relaxed) < 10 {
                budget.fetch_add(10, Ordering::Relaxed);
                return (outcome, attempt - 1);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, SiblingError> {
        let left = deadline::remaining().unwrap_or(self.0.timeout);
        if left < SHORTEST {
            return Err(self.unavailable(NotCalled::NoTime));
        }
        if !self.0.breaker.allows() {
            return Err(self.unavailable(NotCalled::BreakerOpen));
        }
        let time = left.min(self.0.timeout);
        let answer = self.ask(&method, path, body, time).await;
        let (status, bytes) = answer.map_err(|error| {
            // That we had less patience than usual is not the sibling's failure.
            if time == self.0.timeout || !is_timeout(&*error) {
                self.failed();
            }
            self.unavailable(error)
        })?;
        if matches!(
            status,
            StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        ) {
            self.failed();
            return Err(self.unavailable(format!("it answered {status}")));
        }
        self.0.breaker.succeeded();
        self.note_breaker(false);
        self.decode(status, &bytes)
    }

    fn failed(&self) {
        let open = self.0.breaker.failed();
        self.note_breaker(open);
    }

    fn note_breaker(&self, open: bool) {
        if let Some(metrics) = self.0.metrics.get() {
            metrics.breaker(self.0.name, open);
        }
    }

    /// Sends the request, once a connection is there.
    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Option<Vec<u8>>,
        time: Duration,
    ) -> Result<(StatusCode, Vec<u8>), Box<dyn Error + Send + Sync>> {
        let end = Instant::now() + time;
        let mut connects = 1;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.request(method.clone(), path, body.clone(), left).send().await {
                Ok(response) => return read(response).await,
                Err(error) if is_refused(&error) && connects < CONNECTS => {
                    let pause = CONNECT_PAUSE * connects;
                    if left < pause {
                        return Err(error.into());
                    }
                    tokio::time::sleep(pause).await;
                    connects += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn request(&self, method: Method, path: &str, body: Option<Vec<u8>>, time: Duration) -> reqwest::RequestBuilder {
        let mut request = self.0.http.request(method, format!("{}{path}", self.0.base));
        request = request.header(AUTHORIZATION, self.0.authorization.clone());
        // It need not work for longer than we wait.
        request = request.timeout(time).header(deadline::HEADER, time.as_millis().to_string());
        if let Some(id) = request_id::current() {
            request = request.header(request_id::HEADER, &*id);
        }
        if let Some(trace) = trace::current() {
            request = request.header(trace::HEADER, trace.to_string());
        }
        if let Some(state) = trace::state() {
            request = request.header(trace::STATE_HEADER, state.as_str());
        }
        match body {
            Some(body) => request.header(http::header::CONTENT_TYPE, "application/json").body(body),
            None => request,
        }
    }

    fn decode<T: DeserializeOwned>(&self, status: StatusCode, bytes: &[u8]) -> Result<T, SiblingError> {
        if status.is_success() {
            let json: &[u8] = if bytes.is_empty() { b"null" } else { bytes };
            return serde_json::from_slice(json).map_err(|error| self.unreadable(error));
        }
        if status.is_server_error() {
            return Err(self.unavailable(Broke(status)));
        }
        let problem = serde_json::from_slice(bytes).ok();
        Err(SiblingError::Refused { sibling: self.0.name, status, problem })
    }

    fn unavailable(&self, source: impl Into<Box<dyn Error + Send + Sync>>) -> SiblingError {
        SiblingError::Unavailable { sibling: self.0.name, source: source.into() }
    }

    fn unreadable(&self, source: impl Into<Box<dyn Error + Send + Sync>>) -> SiblingError {
        SiblingError::Unreadable { sibling: self.0.name, source: source.into() }
    }
}

/// What a call's span says at its end.
fn describe<T>(open: &mut Open, (outcome, resent): &(Result<T, SiblingError>, u32)) {
    open.note(outcome);
    if let Some(status) = outcome.as_ref().err().and_then(SiblingError::status) {
        open.set("http.response.status_code", i64::from(status.as_u16()));
    }
    if *resent > 0 {
        open.set("http.request.resend_count", i64::from(*resent));
    }
}

/// The whole answer, as long as it is not absurdly long.
async fn read(mut response: reqwest::Response) -> Result<(StatusCode, Vec<u8>), Box<dyn Error + Send + Sync>> {
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Err("its answer is too long".into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, bytes))
}
