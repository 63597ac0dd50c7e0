//! Servers, answers and patience.

use std::time::Duration;

use axum::Router;
use shop_runtime::problem::{MEDIA_TYPE, ProblemDocument};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a test waits for anything: long, since a busy machine is slow, but never for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a router on a free port with the server of production, until the test's runtime ends; its base URL.
pub async fn spawn(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(shop_runtime::serve::serve(listener, router, CancellationToken::new(), Duration::ZERO));
    format!("http://{address}")
}

/// Waits until the condition holds.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "waited a minute in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The problem document that the response must be.
pub async fn problem(response: reqwest::Response) -> ProblemDocument {
    let status = response.status();
    let media_type = response.headers().get("content-type").cloned();
    let body = response.text().await.expect("the body arrives");
    assert_eq!(
        media_type.as_ref().and_then(|value| value.to_str().ok()),
        Some(MEDIA_TYPE),
        "not a problem document: {status} {body}"
    );
    let problem: ProblemDocument = serde_json::from_str(&body).expect("a problem document");
    assert_eq!(problem.status, status.as_u16(), "the document repeats the status");
    assert!(problem.slug().is_some(), "the type is one of the shop's: {}", problem.kind);
    problem
}
