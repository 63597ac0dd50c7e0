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
use shop_runtime::trace::{self, TraceContext};
use shop_runtime::{Context, request_id};
use shop_testkit::spawn;
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
    assert_eq!(time.as_deref(), Some("5000"), "its own limit, where the request has none");
    let end = Instant::now() + Duration::from_secs(2);
    let [id, parent, time] = Context::current().until(end).scope(call()).await;
    assert_eq!((id, parent), (None, None));
    assert!(time.expect("a limit").parse::<u64>().expect("a number") <= 2_000);
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
    let started = Instant::now();
    for _ in 0..7 {
        let context = Context::current().until(Instant::now() + Duration::from_millis(50));
        assert!(context.scope(catalog.get::<Value>("/x")).await.expect_err("too slow").is_unavailable());
    }
    assert!(started.elapsed() < Duration::from_secs(5), "the time of one call without an end");
    assert_eq!(calls.load(Ordering::SeqCst), 7, "the breaker is closed, and nothing was tried without time");
    assert!(Context::current().until(started).scope(catalog.get::<Value>("/x")).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 7, "nothing is begun after the end");
}
