//! What stands between the socket and the handlers, the same for every service.
//!
//! From the outside in: the request gets its context ([`Context`]) and its place in the metrics; it is turned away if too many are being served
//! already; it has so much time and no more; a panic in it becomes an answer; its body is limited; an unknown route or method is a
//! problem document like any other refusal.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use futures::FutureExt as _;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode, Uri};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::drain::drain;
use crate::extract::BodyLimit;
use crate::metrics::{HttpMetrics, UNKNOWN_ROUTE};
use crate::problem::{Cause, Problem};
use crate::span::{Kind, Open, Span};
use crate::{Context, deadline, head, request_id, trace};

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body: usize,
    /// The longest time from the last header to the answer.
    pub time: Duration,
    /// The most requests that are served at a time; more are turned away at once.
    pub concurrent: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 64 * 1024, time: Duration::from_secs(10), concurrent: 512 }
    }
}

/// Puts the common layers around a service's routes.
pub fn wrap(routes: Router, metrics: HttpMetrics, limits: Limits) -> Router {
    let places = Arc::new(Semaphore::new(limits.concurrent));
    let observer = Observer { metrics, time: limits.time };
    routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        // For axum's own extractors, where one of them is used.
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(Extension(BodyLimit(limits.body)))
        .layer(from_fn_with_state(places, bound))
        .layer(from_fn(drain))
        .layer(from_fn_with_state(observer, observe))
}

/// For answers that depend on who asks: nobody in between may keep them. An answer that already says how it may be kept is left alone.
#[expect(clippy::unused_async, reason = "the shape that axum asks of a layer's function")]
pub async fn no_store(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::nothing_at(&uri)
}

async fn wrong_method(method: Method) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here")
        .detail(format!("{method} is not among the methods of this address"))
}

#[derive(Clone)]
struct Observer {
    metrics: HttpMetrics,
    time: Duration,
}

/// Gives the request its context (id, trace, deadline, span), counts it and logs how it ended.
async fn observe(State(observer): State<Observer>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let metrics = observer.metrics;
    let in_flight = metrics.enter();
    let id = request_id::of_request(request.headers());
    let ((trace, trace_state), caller) = trace::of_request(request.headers());
    let deadline = deadline::of_request(request.headers(), started, observer.time);
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNKNOWN_ROUTE, MatchedPath::as_str);
    let lines = tracing::info_span!("request", request_id = &*id, trace_id = %trace.trace_id(), method, route);

    let context = Context::of_request(Arc::clone(&id), trace, deadline, lines.clone()).with_trace_state(trace_state);
    let span = Span::of(&context, caller, Kind::Server, method).described(|open| describe(open, method, route, &id));
    let mut response = context.scope(span.run_and(next.run(request), note_end)).await;

    let took = started.elapsed();
    metrics.observe([method, route, response.status().as_str()], took, trace);
    drop(in_flight);
    log_end(&lines, &response, took);
    // Nobody shall take an answer for a page with scripts because of what a user wrote.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    response
}

/// What a request's span says from the beginning: nothing of its address but the route, since there may be names in it.
fn describe(open: &mut Open, method: &'static str, route: &str, id: &Arc<str>) {
    if route != UNKNOWN_ROUTE {
        open.rename(format!("{method} {route}"));
        open.set("http.route", route.to_owned());
    }
    open.set("http.request.method", method);
    open.set("request.id", Arc::clone(id));
}

/// What it says at its end.
fn note_end(span: &mut Span, response: &Response) {
    span.describe(|open| {
        let status = response.status();
        open.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            open.fail(status.as_str().to_owned());
        }
    });
}

/// One line for each request, on the level that its outcome deserves; the only place where the cause of a failure is logged.
fn log_end(lines: &tracing::Span, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let duration_ms = took.as_secs_f64() * 1000.0;
    let cause = response.extensions().get::<Cause>();
    // Fields of the line and not of the span: whatever is recorded in a span that exists is written into its text anew, also if nothing is logged.
    lines.in_scope(|| match cause {
        Some(cause) if response.status().is_server_error() => {
            tracing::error!(%cause, status, duration_ms, "request failed");
        }
        _ if response.status().is_server_error() => tracing::warn!(status, duration_ms, "request not served"),
        Some(cause) => tracing::info!(%cause, status, duration_ms, "request refused"),
        None => tracing::debug!(status, duration_ms, "request served"),
    });
}

/// Methods that nobody defined must not make new series.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Turns away requests that can't be understood or that are too many, ends those that take too long, and answers for those that panic.
async fn bound(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if let Err(problem) = head::check_address(request.uri()).and_then(|()| head::check_headers(request.headers())) {
        return problem.into_response();
    }
    let Ok(_place) = places.try_acquire() else {
        return Problem::unavailable("overloaded", "Too many requests at the moment").into_response();
    };
    let deadline = deadline::current().unwrap_or_else(Instant::now);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout_at(deadline, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(std::io::Error::other(panic_message(&*panic))).into_response(),
        Err(_elapsed) => Problem::unavailable("timeout", "The answer took too long").into_response(),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", message.unwrap_or("(no message)"))
}
