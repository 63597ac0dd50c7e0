//! What becomes of spans that nobody takes. A program of its own, as a process has one collector.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::{self, HttpMetrics};
use shop_runtime::telemetry;
use shop_runtime::trace::TraceContext;
use tower::ServiceExt as _;

#[tokio::test]
async fn spans_that_nobody_takes_are_counted_as_lost() {
    // Somebody had this port a moment ago, and nobody has it now.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    telemetry::export_to("test", &format!("http://{address}")).expect("a good address");
    let registry = metrics::registry();
    let http = HttpMetrics::register(&registry, "test").expect("new");
    let routes = layers::wrap(Router::new().route("/", get(async || "here")), http, Limits::default());
    let request = http::Request::get("/").header("traceparent", TraceContext::generate().to_string());
    routes.oneshot(request.body(axum::body::Body::empty()).expect("valid")).await.expect("infallible");
    let lost = async {
        while count(&registry, "lost") == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), lost).await.expect("what is lost is counted");
    assert_eq!(count(&registry, "sent"), 0, "nobody has taken any");
}

fn count(registry: &prometheus::Registry, outcome: &str) -> u64 {
    let text = metrics::encode(registry).expect("text");
    let name = format!(r#"trace_spans_total{{outcome="{outcome}"}} "#);
    let value = text.lines().find_map(|line| line.strip_prefix(&name)).expect("the counter is there from the start");
    value.parse().expect("a number")
}
