//! Where requests stand in traces, and what the log says of them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::nginx::{Gateway, Setup, gateway};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The headers of a name that a service got.
fn told(gateway: &Gateway, headers: &str, name: &str) -> Vec<String> {
    let request = gateway.ask("GET", "/api/x", headers).json()["request"].as_str().unwrap_or_default().to_lowercase();
    let name = format!("{name}: ");
    request.lines().filter_map(|line| line.strip_prefix(&name)).map(str::to_owned).collect()
}

/// The place in a trace that a service got: the trace, the span and whether it is kept.
fn place(gateway: &Gateway, headers: &str) -> (String, String, String) {
    let all = told(gateway, headers, "traceparent");
    assert_eq!(all.len(), 1, "{all:?}");
    let parts: Vec<&str> = all[0].split('-').collect();
    assert_eq!((parts.len(), parts[0], parts[1].len(), parts[2].len()), (4, "00", 32, 16), "{all:?}");
    assert!(parts.concat().bytes().all(|digit| digit.is_ascii_hexdigit()), "{all:?}");
    (parts[1].into(), parts[2].into(), parts[3].into())
}

/// The lines of the access log, once there are so many.
fn lines(gateway: &Gateway, wanted: usize) -> Vec<Value> {
    let path = gateway.folder.path().join("access.log");
    super::until("the log", || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // The last one may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (lines.len() >= wanted).then_some(lines)
    })
}

#[test]
fn a_trace_is_begun_and_one_of_the_client_goes_on_below_it() {
    let gateway = gateway();
    let (trace, span, kept) = place(&gateway, "");
    assert!(trace.starts_with(&span), "both are of the request's own id");
    assert_eq!(kept, "01", "all are kept where nothing else is asked for");
    assert_ne!(place(&gateway, "").0, trace);
    for (flags, kept) in [("01", "01"), ("00", "00"), ("03", "01"), ("fe", "00")] {
        let (trace, span, sampled) = place(&gateway, &format!("Traceparent: 00-{TRACE}-{SPAN}-{flags}\r\n"));
        assert_eq!((trace.as_str(), sampled.as_str()), (TRACE, kept), "{flags}");
        assert_ne!(span, SPAN, "the gateway has a span of its own");
    }
    let later = format!("Traceparent: 42-{TRACE}-{SPAN}-01-what-comes-later\r\n");
    assert_eq!(place(&gateway, &later).0, TRACE);
    // The first of what is logged has no parent, the third has.
    let lines = lines(&gateway, 7);
    assert_eq!(lines[0]["parent_id"], "");
    assert_eq!(
        (&lines[2]["trace_id"], &lines[2]["parent_id"], &lines[2]["sampled"]),
        (&json!(TRACE), &json!(SPAN), &json!("01"))
    );
}

#[test]
fn what_is_no_place_in_a_trace_begins_a_new_one_and_takes_no_notes_along() {
    let gateway = gateway();
    let zeros = "0".repeat(32);
    for refused in [
        String::new(),
        "nonsense".to_owned(),
        format!("00-{zeros}-{SPAN}-01"),
        format!("00-{TRACE}-{}-01", &zeros[..16]),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{SPAN}-1"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("00-{TRACE}-{SPAN}-01\t,x"),
        format!("42-{TRACE}-{SPAN}-01-{}", "x".repeat(300)),
        format!("42-{TRACE}-{SPAN}-01x"),
    ] {
        let headers = format!("Traceparent: {refused}\r\nTracestate: a=b\r\n");
        assert_ne!(place(&gateway, &headers).0, TRACE, "{refused}");
        assert_eq!(told(&gateway, &headers, "tracestate"), Vec::<String>::new(), "{refused}");
    }
    let good = format!("Traceparent: 00-{TRACE}-{SPAN}-01\r\nTracestate: a=b,c=d\r\n");
    assert_eq!(told(&gateway, &good, "tracestate"), ["a=b,c=d"]);
}

#[test]
fn as_many_traces_are_kept_as_are_asked_for() {
    let with = |spec: Value| Setup { spec, ..Setup::default() }.start();
    let tracing = |tracing: Value| json!({"monitoring": {"tracing": tracing}});
    // A cluster without an image of Jaeger has none, though one is asked for.
    let no_image = json!({"images": {"jaeger": ""}});
    for spec in [tracing(json!({"sampling": "0"})), tracing(json!({"enabled": false})), no_image] {
        let none = with(spec.clone());
        assert_eq!(place(&none, "").2, "00", "{spec}");
        let of_client = place(&none, &format!("Traceparent: 00-{TRACE}-{SPAN}-01\r\n"));
        assert_eq!(of_client.2, "01", "{spec}: the client decided");
    }
    let half = with(tracing(json!({"sampling": "0.5"})));
    let kept = (0..200).filter(|_| place(&half, "").2 == "01").count();
    assert!((60..=140).contains(&kept), "{kept} of 200");
}

#[test]
fn a_line_of_the_log_says_who_was_asked_and_how_it_went_and_no_query() {
    let gateway = gateway();
    gateway.ask("GET", "/api/products?secret=1", "X-Request-Id: my-request\r\n");
    gateway.ask("POST", "/cart-api/cart/items", "Content-Length: 0\r\nIdempotency-Key: k\r\n");
    gateway.get("/order-api/orders");
    gateway.get("/nowhere");
    gateway.send(b"NONSENSE\r\n\r\n");
    // A line is written when a request is over for nginx, which may be after the client has its answer.
    lines(&gateway, 5);
    // HTTP/0.9, whose status nginx writes as 009, which would be no JSON.
    let mut old = TcpStream::connect(("127.0.0.1", gateway.port)).expect("a connection");
    old.write_all(b"GET /\r\n").expect("to write");
    let _ = old.read_to_end(&mut Vec::new());
    let lines = lines(&gateway, 6);
    let said = |line: &Value| (line["service"].clone(), line["status"].clone(), line["path"].clone());
    assert_eq!(said(&lines[0]), (json!("catalog"), json!(200), json!("/api/products")));
    assert_eq!((&lines[0]["request_id"], &lines[0]["method"]), (&json!("my-request"), &json!("GET")));
    assert!(lines[0]["seconds"].is_number() && lines[0]["ended"].as_f64().is_some_and(|ended| ended > 1.7e9));
    assert_eq!(said(&lines[1]), (json!("cart"), json!(200), json!("/cart-api/cart/items")));
    assert_eq!(said(&lines[2]), (json!("order"), json!(502), json!("/order-api/orders")));
    let tries = lines[2]["upstream_status"].as_str().unwrap_or_default().split(", ").filter(|it| *it == "502").count();
    assert_eq!(
        (tries, lines[2]["upstream_header_seconds"].as_str().unwrap_or_default().matches('-').count()),
        (10, 10)
    );
    assert_eq!(said(&lines[3]), (json!(""), json!(404), json!("/nowhere")));
    assert_eq!(lines[4]["status"], 400);
    assert!(lines[5]["status"].is_u64(), "{}", lines[5]);
}
