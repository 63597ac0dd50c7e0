//! A collector that takes connections and never answers.

use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use prometheus::Registry;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::HttpMetrics;
use shop_runtime::telemetry;
use tokio::time::Instant;
use tower::ServiceExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_holds_up_neither_requests_nor_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", silent.local_addr().expect("it has an address"));
    telemetry::export_to("test", &endpoint).expect("the endpoint is one");
    let metrics = HttpMetrics::register(&Registry::new(), "test").expect("new");
    let service = layers::wrap(Router::new().route("/", get(async || "done")), metrics, Limits::default());

    // Many more than the queue holds, so that whoever waited for room in it would wait for the collector.
    let mut slowest = Duration::ZERO;
    for _ in 0..20_000 {
        let began = Instant::now();
        let request = Request::get("/").body(Body::empty()).expect("valid");
        let answer = service.clone().oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), 200);
        slowest = slowest.max(began.elapsed());
    }
    // The collector is given three seconds for each batch.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let began = Instant::now();
    telemetry::flush().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
