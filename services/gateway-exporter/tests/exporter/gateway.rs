//! What a real nginx with the gateway's own configuration sends.

use crate::collector::{Collector, attribute};
use crate::nginx::{Answer, Setup, free_port};
use crate::program::{Program, until, value_of};

/// What a service was told of its place in the trace.
fn told(answer: &Answer) -> (String, String) {
    let request = answer.json()["request"].as_str().unwrap_or_default().to_lowercase();
    let place =
        request.lines().find_map(|line| line.strip_prefix("traceparent: ")).expect("a place in a trace").to_owned();
    let parts: Vec<&str> = place.split('-').collect();
    (parts[1].to_owned(), parts[2].to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_figure_and_the_span_that_the_service_is_below() {
    let collector = Collector::default();
    let endpoint = collector.start();
    let (log, ops) = (free_port(), free_port());
    let program = Program::start(log, ops, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let gateway = Setup { log, ops, ..Setup::default() }.start();

    let begun = gateway.get("/api/products?secret=1");
    let parent = "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let below = gateway.ask("GET", "/cart-api/cart", parent);
    assert_eq!(gateway.get("/order-api/orders").status, 502, "orders are away");

    program.until(r#"gateway_request_duration_seconds_count{method="GET",service="catalog",status="200"}"#, 1).await;
    program.until(r#"gateway_request_duration_seconds_count{method="GET",service="order",status="502"}"#, 1).await;
    let page = program.metrics().await;
    assert_eq!(value_of(&page, r#"gateway_upstream_failures_total{service="order"}"#), Some(10), "{page}");
    assert_eq!(value_of(&page, "gateway_log_lines_dropped_total"), Some(0), "{page}");
    assert!(value_of(&page, r#"gateway_connections{state="active"}"#).is_some_and(|active| active > 0), "{page}");
    assert!(value_of(&page, "gateway_connections_accepted_total").is_some_and(|accepted| accepted >= 3), "{page}");
    let exemplar = format!("# {{trace_id=\"{}\"}}", told(&begun).0);
    assert!(program.openmetrics().await.contains(&exemplar), "an example of what took so long");

    let spans = until("three spans", async || {
        let spans = collector.spans();
        if spans.len() >= 3 { Ok(spans) } else { Err(spans.len()) }
    })
    .await;
    let span = |answer: &Answer| {
        let (trace, id) = told(answer);
        let found =
            spans.iter().find(|(_, span)| hex::encode(&span.trace_id) == trace && hex::encode(&span.span_id) == id);
        found.map(|(_, span)| span.clone()).expect("the span that the service was told of")
    };
    assert!(span(&begun).parent_span_id.is_empty());
    assert_eq!(attribute(&span(&begun).attributes, "url.path").as_deref(), Some("/api/products"), "and no query");
    let below = span(&below);
    assert_eq!(
        (hex::encode(&below.trace_id).as_str(), hex::encode(&below.parent_span_id).as_str()),
        ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    );
    let failed = spans.iter().find(|(_, span)| span.name == "GET order").expect("the one that failed");
    assert_eq!(failed.1.status.as_ref().map(|status| status.code), Some(2), "an error");
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_serves_on_when_the_exporter_dies_and_tells_the_next_one() {
    let (log, ops) = (free_port(), free_port());
    let gateway = Setup { log, ops, ..Setup::default() }.start();
    assert_eq!(gateway.get("/api/x").status, 200, "it is not there yet");
    let mut program = Program::start(log, ops, &[]).await;
    let series = r#"gateway_request_duration_seconds_count{method="GET",service="catalog",status="200"}"#;
    // The first line after a time without anybody may be lost: the kernel says only then that there was nobody.
    until("a line to arrive", async || {
        assert_eq!(gateway.get("/api/x").status, 200);
        value_of(&program.metrics().await, series).ok_or("none yet")
    })
    .await;
    program.signal("-KILL");
    program.end().await;
    assert_eq!(gateway.get("/api/x").status, 200, "it is dead");
    let program = Program::start(log, ops, &[]).await;
    until("a line to arrive", async || {
        assert_eq!(gateway.get("/api/x").status, 200);
        value_of(&program.metrics().await, series).ok_or("none yet")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_stays_until_nginx_is_gone() {
    let (log, ops) = (free_port(), free_port());
    let gateway = Setup { log, ops, ..Setup::default() }.start();
    let mut program = Program::start(log, ops, &[]).await;
    program.signal("-TERM");
    let series = r#"gateway_request_duration_seconds_count{method="GET",service="catalog",status="200"}"#;
    until("a line to arrive after the end was announced", async || {
        assert_eq!(gateway.get("/api/x").status, 200);
        value_of(&program.metrics().await, series).ok_or("none yet")
    })
    .await;
    drop(gateway);
    assert_eq!(program.end().await.code(), Some(0));
}
