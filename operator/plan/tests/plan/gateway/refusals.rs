//! What the gateway says no to, and how.

use super::nginx::gateway;

#[test]
fn a_service_that_is_away_is_a_problem_document() {
    let gateway = gateway();
    let answer = gateway.get("/order-api/orders");
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("application/problem+json")));
    assert_eq!(answer.json()["status"], 502);
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn bodies_have_a_bound() {
    let gateway = gateway();
    let answer = gateway.ask("POST", "/api/products", "Content-Length: 2000000\r\n");
    assert_eq!(
        (answer.status, answer.json()["type"].as_str()),
        (413, Some("https://shopkeeper.dev/problems/payload-too-large"))
    );
}

#[test]
fn whatever_is_refused_is_refused_with_a_problem_document() {
    let gateway = gateway();
    let head = |line: &str, headers: &str| {
        format!("{line}\r\nHost: shop.localhost\r\nConnection: close\r\n{headers}\r\n").into_bytes()
    };
    let long = "a".repeat(9000);
    let large = format!("X-Large: {long}\r\n");
    let much = format!("X-Much: {}\r\n", "a".repeat(7000)).repeat(6);
    let cases = [
        (head("GET /api/products%00 HTTP/1.1", ""), 400, "bad-request"),
        (head("GET /api/%zz HTTP/1.1", ""), 400, "bad-request"),
        (head("GET /../../etc/passwd HTTP/1.1", ""), 400, "bad-request"),
        (head("GET api/products HTTP/1.1", ""), 400, "bad-request"),
        (head("NONSENSE", ""), 400, "bad-request"),
        (head("GET /api/products HTTP/1.1", "No colon\r\nHost: twice\r\n"), 400, "bad-request"),
        (b"GET /api/products HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), 400, "bad-request"),
        (head("GET /api/products HTTP/3.0", ""), 505, "http-version"),
        (head(&format!("GET /api/products?q={long} HTTP/1.1"), ""), 414, "uri-too-long"),
        (head("GET /api/products HTTP/1.1", &large), 431, "headers-too-large"),
        (head("GET /api/products HTTP/1.1", &much), 431, "headers-too-large"),
        (head("TRACE /api/products HTTP/1.1", ""), 405, "method-not-allowed"),
        (head("CONNECT shop.localhost:80 HTTP/1.1", ""), 400, "bad-request"),
        (head("POST /api/products HTTP/1.1", "Content-Length: 2000000\r\n"), 413, "payload-too-large"),
        (head("POST /api/products HTTP/1.1", "Content-Length: -1\r\n"), 400, "bad-request"),
        (head("POST /api/products HTTP/1.1", "Transfer-Encoding: gzip\r\n"), 501, "not-implemented"),
        (head("GET /problems/404 HTTP/1.1", ""), 404, "not-found"),
        (head("POST /nowhere HTTP/1.1", ""), 404, "not-found"),
        (head("PUT /order-api/orders HTTP/1.1", ""), 502, "bad-gateway"),
        (head("POST /order-api/orders HTTP/1.1", "Idempotency-Key: k\r\n"), 502, "bad-gateway"),
    ];
    for (request, status, slug) in cases {
        let shown = String::from_utf8_lossy(&request[..request.len().min(100)]).into_owned();
        let answer = gateway.send(&request);
        assert_eq!(answer.status, status, "{shown}: {}", answer.body);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{shown}");
        let problem = answer.json();
        assert_eq!(problem["type"], format!("https://shopkeeper.dev/problems/{slug}"), "{shown}");
        assert_eq!(problem["status"], status, "{shown}");
        assert!(problem["instance"].as_str().is_some_and(|id| !id.is_empty()), "{shown}: {problem}");
    }
}
