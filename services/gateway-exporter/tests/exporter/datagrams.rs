//! Lines that the test itself sends.

use std::net::UdpSocket;

use serde_json::json;
use shop_testkit::{Collector, SpanKind};

use crate::nginx::free_port;
use crate::program::{Program, until, value_of};

fn line(span: &str, sampled: &str, service: &str, seconds: f64) -> String {
    let fields = json!({
        "time": "2026-11-28T11:37:01+00:00", "ended": 1_795_865_821.5, "request_id": "my-request", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": span, "parent_id": "b7ad6b7169203331", "sampled": sampled, "service": service, "method": "GET", "scheme": "http",
        "path": "/api/products", "status": 200, "bytes": 512, "seconds": seconds, "upstream": "10.0.0.1:8000", "upstream_status": "200",
        "upstream_seconds": "0.010", "upstream_header_seconds": "0.009",
    });
    format!("<190>Nov 28 11:37:01 gateway: {fields}")
}

fn sender(program: &Program) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(("127.0.0.1", program.log)).expect("an address");
    socket
}

#[tokio::test]
async fn lines_become_figures_and_what_says_nothing_is_counted() {
    let program = Program::start(free_port(), free_port(), &[]).await;
    let socket = sender(&program);
    for service in ["catalog", "catalog", "cart"] {
        socket.send(line("00f067aa0ba902b7", "01", service, 0.012).as_bytes()).expect("to send");
    }
    let long = line("00f067aa0ba902b7", "01", &"x".repeat(20_000), 0.012);
    for nonsense in [b"".as_slice(), b"nonsense", b"<190>Nov 28 11:37:01 gateway: {}", &[0xff; 200], long.as_bytes()] {
        socket.send(nonsense).expect("to send");
    }
    program.until("gateway_log_lines_dropped_total", 5).await;
    let page = program.metrics().await;
    let count = |service: &str| {
        value_of(
            &page,
            &format!(r#"gateway_request_duration_seconds_count{{method="GET",service="{service}",status="200"}}"#),
        )
    };
    assert_eq!((count("catalog"), count("cart"), count("x")), (Some(2), Some(1), None), "{page}");
    assert_eq!(value_of(&page, r#"gateway_upstream_duration_seconds_count{service="catalog"}"#), Some(2));
    assert_eq!(value_of(&page, r#"gateway_upstream_failures_total{service="order"}"#), Some(0));
    assert_eq!(value_of(&page, r#"build_info{pod="demo-gateway-0",version="0.1.0"}"#), Some(1), "{page}");
    assert!(!page.contains("gateway_connections{"), "nginx is not there");
    assert!(!program.openmetrics().await.contains("# {trace_id"), "nobody collects traces");
}

#[tokio::test]
async fn lines_that_the_kernel_had_no_room_for_are_counted() {
    const SENT: u64 = 20_000;
    let program = Program::start(free_port(), free_port(), &[]).await;
    let socket = sender(&program);
    program.signal("-STOP");
    for _ in 0..SENT {
        socket.send(line("00f067aa0ba902b7", "00", "catalog", 0.012).as_bytes()).expect("to send");
    }
    program.signal("-CONT");
    let counted = until("all lines to be counted", async || {
        let page = program.metrics().await;
        let served =
            value_of(&page, r#"gateway_request_duration_seconds_count{method="GET",service="catalog",status="200"}"#);
        let dropped = value_of(&page, "gateway_log_lines_dropped_total");
        let both = served.unwrap_or_default() + dropped.unwrap_or_default();
        if both == SENT { Ok((served, dropped)) } else { Err((served, dropped)) }
    })
    .await;
    assert!(counted.0 > Some(10) && counted.1 > Some(0), "{counted:?}");
}

#[tokio::test]
async fn spans_have_the_ids_of_the_line_and_the_last_ones_are_sent_at_the_end() {
    let (collector, endpoint) = Collector::start();
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop,shop=demo"),
    ];
    let mut program = Program::start(free_port(), free_port(), &environment).await;
    let socket = sender(&program);
    socket.send(line("00f067aa0ba902b7", "01", "catalog", 0.25).as_bytes()).expect("to send");
    socket.send(line("00f067aa0ba902b8", "00", "catalog", 0.25).as_bytes()).expect("to send");
    program.until(r#"gateway_request_duration_seconds_count{method="GET",service="catalog",status="200"}"#, 2).await;
    let exemplar = r#"gateway_request_duration_seconds_bucket{method="GET",service="catalog",status="200",le="0.5"} 2 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.25"#;
    let page = program.openmetrics().await;
    assert!(page.contains(exemplar), "{page}");
    program.signal("-TERM");
    drop(socket);
    assert_eq!(program.end().await.code(), Some(0));
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "only the one that is kept: {spans:?}");
    let span = &spans[0];
    assert_eq!(span.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((span.id.as_str(), span.parent.as_str()), ("00f067aa0ba902b7", "b7ad6b7169203331"));
    assert_eq!((span.name.as_str(), span.kind), ("GET catalog", SpanKind::Server));
    assert_eq!(span.time, (1_795_865_821_250_000_000, 1_795_865_821_500_000_000));
    assert!(!span.failed);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.path", "/api/products"),
        ("url.scheme", "http"),
        ("http.response.status_code", "200"),
        ("shop.service", "catalog"),
        ("request.id", "my-request"),
    ] {
        assert_eq!(span.attributes[key], value, "{key}");
    }
    let resources = collector.resources();
    for (key, value) in [
        ("service.name", "gateway"),
        ("service.namespace", "shop"),
        ("shop", "demo"),
        ("service.instance.id", "demo-gateway-0"),
    ] {
        assert_eq!(resources[0][key], value, "{key}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", nobody.local_addr().expect("an address"));
    let mut program = Program::start(free_port(), free_port(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let socket = sender(&program);
    for _ in 0..100 {
        socket.send(line("00f067aa0ba902b7", "01", "user", 0.001).as_bytes()).expect("to send");
    }
    program.until(r#"gateway_request_duration_seconds_count{method="GET",service="user",status="200"}"#, 100).await;
    program.signal("-TERM");
    drop(socket);
    assert_eq!(program.end().await.code(), Some(0));
}
