//! Calls to other services.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use http::StatusCode;
use serde_json::{Value, json};
use shop_runtime::Problem;
use shop_runtime::client::{Sibling, SiblingError};
use shop_testkit::spawn;

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
