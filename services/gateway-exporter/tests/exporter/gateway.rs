//! What a real nginx with the gateway's own configuration sends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::json;
use shop_testkit::Collector;

use crate::nginx::{Answer, Gateway, Setup, free_port, serve_with};
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
    let (collector, endpoint) = Collector::start();
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
        let found = spans.iter().find(|span| span.trace == trace && span.id == id);
        found.cloned().expect("the span that the service was told of")
    };
    assert!(span(&begun).parent.is_empty());
    assert_eq!(span(&begun).attributes["url.path"], "/api/products", "and no query");
    let below = span(&below);
    assert_eq!((below.trace.as_str(), below.parent.as_str()), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"));
    let failed = spans.iter().find(|span| span.name == "GET order").expect("the one that failed");
    assert!(failed.failed && failed.attributes["error.type"] == "502", "{failed:?}");
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

/// A service that says when it is asked, and answers when it is told to.
fn slow_service() -> (u16, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let ((ask, asked), (answer, answered)) = (mpsc::channel(), mpsc::channel());
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        serve_with(stream, |_| {
            ask.send(()).expect("somebody waits for it");
            answered.recv().expect("somebody tells");
            ("", json!({"service": "slow"}).to_string())
        });
    });
    (port, asked, answer)
}

/// A client that asks twice by the same connection, and so the same of nginx' workers; with what it was answered first.
fn connection_that_was_served(gateway: &Gateway) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).expect("a connection");
    stream.write_all(b"GET /api/x HTTP/1.1\r\nHost: shop.localhost\r\n\r\n").expect("to write");
    let (mut answer, mut length) = (BufReader::new(stream.try_clone().expect("the same")), 0);
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).expect("a line");
        match line.trim_end().to_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().expect("a number"),
            None if line == "\r\n" => break,
            _ => {}
        }
    }
    answer.read_exact(&mut vec![0; length]).expect("a body");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_hears_of_requests_that_nginx_finishes_after_it_was_told_to_stop() {
    let (collector, endpoint) = Collector::start();
    let (log, ops) = (free_port(), free_port());
    let (cart, asked, answer) = slow_service();
    let gateway = Setup { cart, log, ops, ..Setup::default() }.start();
    let mut program = Program::start(log, ops, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;

    let mut client = connection_that_was_served(&gateway);
    let request = b"GET /cart-api/cart HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n";
    client.write_all(request).expect("to write");
    asked.recv_timeout(Duration::from_secs(20)).expect("the service is asked");

    let pid = std::fs::read_to_string(gateway.folder.path().join("nginx.pid")).expect("nginx runs");
    assert!(Command::new("kill").args(["-QUIT", pid.trim()]).status().expect("kill").success());
    program.signal("-TERM");
    until("nginx to take no more", async || TcpStream::connect(("127.0.0.1", ops)).err().ok_or("it does")).await;
    // Several times as long as it takes to find that out. Nothing else happens that could be waited for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(program.is_there(), "nginx has something to say yet");

    answer.send(()).expect("it waits");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("an answer");
    assert!(text.starts_with("HTTP/1.1 200 ") && text.contains("slow"), "{text}");
    assert_eq!(program.end().await.code(), Some(0));
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.name == "GET cart"), "{spans:#?}");
}
