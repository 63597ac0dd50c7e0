//! Calls to other services.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use shop_runtime::Problem;
use shop_runtime::client::{Sibling, SiblingError};
use shop_runtime::metrics::SiblingMetrics;
use shop_runtime::trace::{self, TraceContext};
use shop_runtime::{Context, request_id};
use shop_testkit::{eventually, spawn};
use tokio::time::Instant;

/// A sibling that fails so many times before it answers, and how often it was called.
async fn sibling(failures: u32) -> (Sibling, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let handler = move || {
        let call = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            if call < failures {
                Problem::unavailable("database-unavailable", "Away").into_response()
            } else {
                axum::Json(json!({"call": call})).into_response()
            }
        }
    };
    let base = spawn(Router::new().fallback(handler)).await;
    (connect(&base), calls)
}

fn connect(base: &str) -> Sibling {
    Sibling::new("catalog", base, &"service-token".into(), Duration::from_secs(5)).expect("a good address")
}

#[tokio::test]
async fn a_call_that_may_be_repeated_is_and_one_that_may_not_is_not() {
    let (catalog, calls) = sibling(2).await;
    assert_eq!(catalog.get::<Value>("/x").await.expect("the third time"), json!({"call": 2}));
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    let (catalog, calls) = sibling(1).await;
    let error = catalog.post::<Value>("/x", &json!({})).await.expect_err("no second time");
    assert!(error.is_unavailable());
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_sibling_that_keeps_failing_is_left_alone_for_a_while() {
    let (catalog, calls) = sibling(u32::MAX).await;
    for _ in 0..10 {
        assert!(catalog.get::<Value>("/x").await.is_err());
    }
    assert_eq!(calls.load(Ordering::SeqCst), 5, "the breaker opened after five failures");
}

#[tokio::test]
async fn a_refusal_is_passed_on_with_its_problem_and_not_repeated() {
    let refuse = || async {
        Problem::new(StatusCode::CONFLICT, "out-of-stock", "Out of stock").with("lines", json!([{"product_id": 1}]))
    };
    let catalog = connect(&spawn(Router::new().fallback(refuse)).await);
    let error = catalog.put::<Value>("/x", &json!({})).await.expect_err("it refuses");
    assert_eq!((error.status(), error.slug()), (Some(StatusCode::CONFLICT), Some("out-of-stock")));
    assert_eq!(error.problem().expect("a document").extensions["lines"][0]["product_id"], 1);
}

#[tokio::test]
async fn an_empty_answer_is_nothing_and_nonsense_is_an_error() {
    let catalog = connect(&spawn(Router::new().fallback(|| async { StatusCode::NO_CONTENT })).await);
    catalog.delete::<()>("/x").await.expect("nothing was to come");
    let catalog = connect(&spawn(Router::new().fallback(|| async { "not JSON" })).await);
    assert!(matches!(catalog.get::<Value>("/x").await, Err(SiblingError::Unreadable { .. })));
    let nobody = connect("http://127.0.0.1:9");
    assert!(nobody.get::<Value>("/x").await.expect_err("nobody is there").is_unavailable());
}

#[tokio::test]
async fn a_call_carries_the_request_with_it() {
    let tell = async |headers: HeaderMap| {
        let told = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        axum::Json([told("x-request-id"), told("traceparent"), told("x-request-timeout-ms")])
    };
    let catalog = connect(&spawn(Router::new().fallback(tell)).await);
    let trace = TraceContext::generate();
    let call = async || catalog.get::<[Option<String>; 3]>("/x").await.expect("an answer");
    let [id, parent, time] = request_id::scope("the-request".into(), trace::scope(trace, call())).await;
    assert_eq!((id.as_deref(), parent), (Some("the-request"), Some(trace.to_string())));
    let millis = |time: Option<String>| time.expect("a limit").parse::<u64>().expect("a number");
    assert!((2_001..=5_000).contains(&millis(time)), "its own limit, where the request has none");
    let end = Instant::now() + Duration::from_secs(2);
    let [id, parent, time] = Context::current().until(end).scope(call()).await;
    assert_eq!((id, parent), (None, None));
    assert!(millis(time) <= 2_000);
}

#[tokio::test]
async fn a_call_ends_with_the_request_that_it_is_made_for_and_the_sibling_is_not_blamed() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let slow = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>()
    };
    let catalog = connect(&spawn(Router::new().fallback(slow)).await);
    for _ in 0..7 {
        let context = Context::current().until(Instant::now() + Duration::from_millis(50));
        assert!(context.scope(catalog.get::<Value>("/x")).await.expect_err("too slow").is_unavailable());
    }
    let made = calls.load(Ordering::SeqCst);
    assert!(made <= 7, "nothing was tried again without time: {made}");
    assert!(Context::current().until(Instant::now()).scope(catalog.get::<Value>("/x")).await.is_err());
    let caller = catalog.clone();
    let patient = tokio::spawn(async move { caller.get::<Value>("/x").await });
    eventually("the breaker is closed", async || calls.load(Ordering::SeqCst) > made).await;
    patient.abort();
    assert_eq!(calls.load(Ordering::SeqCst), made + 1, "nothing is begun after the end");
}

#[tokio::test]
async fn only_a_tenth_of_the_calls_is_repeated_for_long() {
    let calls = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&calls);
    let fails = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Problem::unavailable("away", "Away") }
    };
    // What succeeds in between keeps the breaker closed.
    let routes = Router::new().route("/bad", axum::routing::get(fails)).fallback(|| async { "null" });
    let catalog = connect(&spawn(routes).await);
    for _ in 0..40 {
        assert!(catalog.get::<Value>("/bad").await.is_err());
        catalog.get::<Value>("/good").await.expect("an answer");
    }
    let repeated = calls.load(Ordering::SeqCst) - 40;
    assert!((10..=18).contains(&repeated), "ten at once, and one for ten calls: {repeated}");
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_even_for_what_may_be_done_only_once() {
    // The port of a pod that is dead, and alive again before everything is tried.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let catalog = connect(&format!("http://{address}"));
    let call = tokio::spawn(async move { catalog.post::<Value>("/x", &json!({})).await });
    let listener = tokio::net::TcpListener::bind(address).await.expect("the same port");
    let routes = Router::new().fallback(|| async { "7" });
    tokio::spawn(shop_runtime::serve::serve(
        listener,
        routes,
        tokio_util::sync::CancellationToken::new(),
        Duration::ZERO,
    ));
    assert_eq!(call.await.expect("no panic").expect("an answer"), 7);
}

#[tokio::test]
async fn calls_and_breakers_are_counted() {
    let registry = prometheus::Registry::new();
    let metrics = SiblingMetrics::register(&registry).expect("new");
    let has = |line: &str| {
        let text = shop_runtime::metrics::encode(&registry).expect("text");
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    };
    let (catalog, _) = sibling(2).await;
    let catalog = catalog.measured(&metrics);
    has(r#"sibling_breaker_open{sibling="catalog"} 0"#);
    catalog.get::<Value>("/x").await.expect("the third time");
    has(r#"sibling_requests_total{outcome="unavailable",sibling="catalog"} 2"#);
    has(r#"sibling_requests_total{outcome="answered",sibling="catalog"} 1"#);
    let (order, _) = sibling(u32::MAX).await;
    let order = order.measured(&metrics);
    for _ in 0..3 {
        assert!(order.get::<Value>("/x").await.is_err());
    }
    has(r#"sibling_breaker_open{sibling="catalog"} 1"#);
    has(r#"sibling_requests_total{outcome="breaker_open",sibling="catalog"} 4"#);
}
