//! What is said to a client whose request can't be used.
#![expect(clippy::expect_used, reason = "a test that can't go on fails with the reason")]

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use garde::Validate;
use http::header::CONTENT_TYPE;
use prometheus::Registry;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop_runtime::extract::{Form, Json, Path, Query, ValidJson};
use shop_runtime::layers::{self, Limits};
use shop_runtime::metrics::HttpMetrics;
use shop_runtime::problem::ProblemDocument;
use shop_testkit::{problem, spawn};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use uuid::Uuid;

#[derive(Debug, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Order {
    #[garde(dive, length(max = 2))]
    lines: Vec<Line>,
    #[garde(skip)]
    note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Line {
    #[garde(skip)]
    product: Uuid,
    #[garde(range(max = 5))]
    quantity: u8,
    #[serde(default)]
    #[garde(skip)]
    kind: Kind,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Whole,
    Cut,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<u8>,
    q: Option<String>,
}

const PRODUCT: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

async fn open() -> String {
    open_with(Limits { body: 1000, ..Limits::default() }).await
}

async fn open_with(limits: Limits) -> String {
    let routes = Router::new()
        .route("/orders", post(async |ValidJson(order): ValidJson<Order>| Json(order)))
        .route("/form", post(async |Form(asked): Form<Asked>| Json(asked.limit)))
        .route("/search", get(async |Query(asked): Query<Asked>| Json((asked.limit, asked.q))))
        .route("/numbers/{number}", get(async |Path(number): Path<u8>| Json(number)))
        .route("/refused", post(async || http::StatusCode::UNAUTHORIZED));
    let metrics = HttpMetrics::register(&Registry::new(), "test").expect("new");
    spawn(layers::wrap(routes, metrics, limits)).await
}

async fn order(base: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let request = reqwest::Client::new().post(format!("{base}/orders")).header(CONTENT_TYPE, "application/json");
    request.body(body).send().await.expect("an answer")
}

/// The errors of a 422, as field, code and detail.
fn errors(problem: &ProblemDocument) -> Vec<[String; 3]> {
    let errors = problem.extensions["errors"].as_array().expect("a list");
    let part = |error: &serde_json::Value, name: &str| error[name].as_str().expect("a string").to_owned();
    errors.iter().map(|error| ["field", "code", "detail"].map(|name| part(error, name))).collect()
}

#[tokio::test]
async fn a_value_of_the_wrong_kind_is_named_in_plain_words() {
    let base = open().await;
    let line = |line: serde_json::Value| json!({"lines": [{"product": PRODUCT, "quantity": 1}, line]});
    let cases = [
        (
            line(json!({"product": PRODUCT, "quantity": "3"})),
            "/lines/1/quantity",
            "type",
            "must be a whole number from 0 to 255",
        ),
        (
            line(json!({"product": PRODUCT, "quantity": -1})),
            "/lines/1/quantity",
            "out-of-range",
            "must be a whole number from 0 to 255",
        ),
        (
            line(json!({"product": PRODUCT, "quantity": 1.5})),
            "/lines/1/quantity",
            "type",
            "must be a whole number from 0 to 255",
        ),
        (
            line(json!({"product": PRODUCT, "quantity": 1e300})),
            "/lines/1/quantity",
            "type",
            "must be a whole number from 0 to 255",
        ),
        (line(json!({"product": PRODUCT})), "/lines/1/quantity", "missing", "it is missing"),
        (line(json!({"product": "x", "quantity": 1})), "/lines/1/product", "type", "must be a UUID"),
        (line(json!({"product": 7, "quantity": 1})), "/lines/1/product", "type", "must be a UUID"),
        (line(json!([PRODUCT, 1, "whole"])), "/lines/1", "type", "must be an object"),
        (
            line(json!({"product": PRODUCT, "quantity": 1, "kind": "half"})),
            "/lines/1/kind",
            "unknown-value",
            "it is not one of the values that it can have; there is whole, cut",
        ),
        (
            line(json!({"product": PRODUCT, "quantity": 1, "a/b": 1})),
            "/lines/1/a~1b",
            "unknown",
            "there is no such field; there is product, quantity, kind",
        ),
        (json!([[], null]), "", "type", "must be an object"),
        (json!("text"), "", "type", "must be an object"),
        (json!(null), "", "type", "must be an object"),
        (json!({"lines": {}}), "/lines", "type", "must be a list"),
        (json!({"lines": [], "note": 5}), "/note", "type", "must be a string"),
        (json!({"lines": [], "note": "a\0b"}), "/note", "invalid", "it has the sign NUL in it"),
        (json!({}), "/lines", "missing", "it is missing"),
    ];
    for (body, field, code, detail) in cases {
        let problem = problem(order(&base, body.to_string()).await).await;
        assert_eq!((problem.status, problem.slug()), (422, Some("invalid-input")), "{body}");
        assert_eq!(errors(&problem), [[field, code, detail].map(str::to_owned)], "{body}");
    }
    let twice = problem(order(&base, r#"{"lines": [], "lines": []}"#).await).await;
    assert_eq!(errors(&twice)[0][..2], ["/lines", "duplicate"].map(str::to_owned));
}

#[tokio::test]
async fn every_rule_that_is_broken_is_named_at_once() {
    let base = open().await;
    let line = json!({"product": PRODUCT, "quantity": 9});
    let problem = problem(order(&base, json!({"lines": [line, line, line]}).to_string()).await).await;
    let mut fields: Vec<_> = errors(&problem).into_iter().map(|[field, code, _]| (field, code)).collect();
    fields.sort();
    let too_large = |line| (format!("/lines/{line}/quantity"), "too-large".to_owned());
    assert_eq!(fields, [("/lines".into(), "too-long".into()), too_large(0), too_large(1), too_large(2)]);
    let good = order(&base, json!({"lines": [{"product": PRODUCT, "quantity": 5}], "note": null}).to_string()).await;
    assert_eq!(good.status(), 200);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let base = open().await;
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"lines\": [",
        b"{'lines': []}",
        b"{\"lines\": []} more",
        b"{\"lines\": [], \"note\": \"\xff\"}",
        b"{\"lines\": [], \"note\": \"\\ud800\"}",
        b"lines=1",
        b"\xef\xbb\xbf{\"lines\": []}",
    ];
    for body in bodies {
        let text = String::from_utf8_lossy(body).into_owned();
        let problem = problem(order(&base, body.to_vec()).await).await;
        assert_eq!((problem.status, problem.slug()), (400, Some("malformed-json")), "{text}: {problem:?}");
    }
}

#[tokio::test]
async fn another_type_of_body_is_refused_with_the_right_one() {
    let base = open().await;
    let client = reqwest::Client::new();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "json"] {
        let request = client.post(format!("{base}/orders")).header(CONTENT_TYPE, content_type).body("{}");
        let problem = problem(request.send().await.expect("an answer")).await;
        assert_eq!((problem.status, problem.slug()), (415, Some("unsupported-media-type")), "{content_type}");
        assert!(problem.detail.expect("a detail").contains("application/json"));
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        let request = client.post(format!("{base}/orders")).header(CONTENT_TYPE, content_type).body(r#"{"lines": []}"#);
        assert_eq!(request.send().await.expect("an answer").status(), 200, "{content_type}");
    }
}

#[tokio::test]
async fn parameters_are_named_too() {
    let base = open().await;
    let refused =
        async |address: &str| problem(reqwest::get(format!("{base}{address}")).await.expect("an answer")).await;
    for (query, field, code) in [
        ("limit=x", "limit", "type"),
        ("limit=", "limit", "type"),
        ("limit=-1", "limit", "type"),
        ("limit=256", "limit", "out-of-range"),
        ("limit=1&limit=2", "limit", "duplicate"),
        ("colour=red", "colour", "unknown"),
    ] {
        let problem = refused(&format!("/search?{query}")).await;
        assert_eq!((problem.status, problem.slug()), (400, Some("bad-request")), "{query}");
        assert_eq!(errors(&problem)[0][..2], [field, code].map(str::to_owned), "{query}");
    }
    for unreadable in ["/search?q=%00", "/search?q=%ff", "/numbers/%00", "/numbers/%fe", "/nowhere/%00"] {
        let problem = refused(unreadable).await;
        assert_eq!((problem.status, problem.slug()), (400, Some("bad-request")), "{unreadable}");
    }
    for nothing in ["/numbers/x", "/numbers/-1", "/numbers/256", "/numbers/1/2", "/numbers/%D1%8F"] {
        let problem = refused(nothing).await;
        assert_eq!((problem.status, problem.slug()), (404, Some("not-found")), "{nothing}");
        assert!(!format!("{problem:?}").contains("u8"), "{problem:?}");
    }
    for long in [format!("/search?q={}", "a".repeat(9000)), format!("/numbers/{}", "1".repeat(9000))] {
        let problem = refused(&long).await;
        assert_eq!((problem.status, problem.slug()), (414, Some("uri-too-long")));
    }
    let form = reqwest::Client::new().post(format!("{base}/form")).form(&[("limit", "many")]);
    let problem = problem(form.send().await.expect("an answer")).await;
    assert_eq!((problem.status, errors(&problem)[0][0].as_str()), (422, "limit"));
}

/// What comes back for these bytes, which are written whole before anything is read, as nginx does.
async fn raw(base: &str, bytes: &[u8]) -> String {
    let address = base.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("of this form");
    let socket = TcpSocket::new_v4().expect("a socket");
    // So that the kernel does not take the whole request before the server has seen any of it.
    socket.set_send_buffer_size(8192).expect("a small buffer");
    let mut socket = socket.connect(address).await.expect("connected");
    socket.write_all(bytes).await.expect("the whole request was taken");
    let mut answer = Vec::new();
    let read = async {
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut some = [0; 4096];
            match socket.read(&mut some).await.expect("an answer and no reset") {
                0 => break,
                length => answer.extend_from_slice(&some[..length]),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer in time");
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn a_body_that_is_too_large_is_read_before_it_is_refused() {
    let base = open().await;
    // Larger than what the sockets of both sides hold.
    let body = "x".repeat(1_000_000);
    let head = |path: &str, more: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{more}\r\n")
    };
    let length = format!("content-length: {}\r\n", body.len());
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (path, status) in [("/orders", 413), ("/refused", 401), ("/search", 405), ("/nowhere", 404)] {
        for request in [head(path, &length) + &body, head(path, "transfer-encoding: chunked\r\n") + &chunked] {
            let answer = raw(&base, request.as_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        }
    }
    let problem = problem(order(&base, body).await).await;
    assert_eq!((problem.status, problem.slug()), (413, Some("payload-too-large")));
    assert_eq!(problem.extensions["limit"], 1000);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let base = open_with(Limits { time: Duration::from_millis(400), ..Limits::default() }).await;
    let half = "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    let answer = raw(&base, half.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let base = open().await;
    let many = "x-one: 1\r\n".repeat(150);
    let long = format!("x-long: {}\r\n", "a".repeat(40_000));
    for headers in [&many, &long] {
        let answer = raw(&base, format!("GET /search HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("application/problem+json"), "{answer}");
    }
    // Beyond that the server does not even look for what is asked.
    let absurd = format!("GET /search HTTP/1.1\r\nhost: x\r\n{many}{many}\r\n");
    assert!(raw(&base, absurd.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}
