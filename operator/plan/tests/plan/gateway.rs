//! The gateway's configuration in a real nginx, before services that only say who they are.

mod exporter;
mod life;
mod names;
mod nginx;
mod refusals;
mod tools;
mod traces;

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use self::nginx::{Gateway, free_port, gateway, gateway_before, gateway_behind_a_proxy, serve_with};

/// What comes to be sooner or later.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not come");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_prefix_reaches_its_service_with_its_whole_path() {
    let gateway = gateway();
    for (path, service) in [
        ("/api/system/health", "catalog"),
        ("/api/products?category=fruit&limit=20", "catalog"),
        ("/api/cartoons", "catalog"),
        ("/api/cart", "cart"),
        ("/api/cart/add", "cart"),
        ("/cart-api/cart", "cart"),
        ("/user-api/token", "user"),
        ("/ws", "catalog"),
        ("/swagger/", "catalog"),
        ("/swagger/swagger-ui.css", "catalog"),
        ("/docs/", "catalog"),
        ("/docs/runbooks/redis-down", "catalog"),
        ("/user-api/openapi.json", "user"),
    ] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let echo = answer.json();
        assert_eq!(echo["service"], service, "{path}");
        let request = echo["request"].as_str().unwrap_or_default();
        assert!(request.starts_with(&format!("GET {path} HTTP/1.1")), "{request}");
    }
}

#[test]
fn internal_routes_are_never_reached() {
    let gateway = gateway();
    for path in [
        "/internal/products/quote",
        "//internal/products/quote",
        "/api/../internal/x",
        "/api/%2e%2e/internal/x",
        "/api/..%2finternal/x",
        "/%69nternal/x",
        "/internal/../api/products",
        "/metrics",
        "/stub_status",
        "/readyz",
    ] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert_eq!(answer.json()["type"], "https://shopkeeper.dev/problems/not-found", "{path}");
    }
}

#[test]
fn the_root_is_a_page_or_json() {
    let gateway = gateway();
    let page = gateway.ask("GET", "/", "Accept: text/html,*/*\r\n");
    assert!(page.status == 200 && page.body.contains("<h1>demo</h1>"), "{}", page.body);
    assert_eq!(gateway.get("/").header("content-type"), Some("text/html"));
    let json = gateway.ask("GET", "/", "Accept: application/json\r\n");
    assert_eq!(json.json()["shop"], "demo");
}

#[test]
fn request_ids_are_kept_or_made_and_clients_cannot_forge_their_address() {
    let gateway = gateway();
    let request = |headers: &str| {
        gateway.ask("GET", "/api/x", headers).json()["request"].as_str().unwrap_or_default().to_lowercase()
    };
    assert!(request("X-Request-Id: abcd-1234\r\n").contains("x-request-id: abcd-1234\r\n"));
    assert!(!request("X-Request-Id: a b\r\n").contains("x-request-id: a b"));
    let forged = request("X-Forwarded-For: 6.6.6.6\r\n");
    assert!(forged.contains("x-forwarded-for: 127.0.0.1\r\n") && !forged.contains("6.6.6.6"), "{forged}");
    assert!(request("Connection: upgrade\r\nUpgrade: websocket\r\n").contains("upgrade: websocket"));
}

#[test]
fn services_hear_whether_the_client_came_over_tls_also_when_that_ends_before_the_gateway() {
    let told = |gateway: &Gateway, method, path, header: &str| {
        let answer = gateway.ask(method, path, &format!("{header}Idempotency-Key: k\r\n"));
        let request = answer.json()["request"].as_str().unwrap_or_default().to_lowercase();
        request.lines().filter(|line| line.starts_with("x-forwarded-proto:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let nobodys = told(&gateway(), "GET", "/api/x", "X-Forwarded-Proto: https\r\n");
    assert_eq!(nobodys, ["x-forwarded-proto: http"], "who is no known proxy is not believed");
    let gateway = gateway_behind_a_proxy();
    for (header, scheme) in [
        ("", "http"),
        ("X-Forwarded-Proto: https\r\n", "https"),
        ("X-Forwarded-Proto: HTTPS\r\n", "https"),
        ("X-Forwarded-Proto: http\r\n", "http"),
        ("X-Forwarded-Proto: ftp\r\n", "http"),
        ("X-Forwarded-Proto: https, http\r\n", "http"),
        ("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n", "http"),
    ] {
        for (method, path) in [("GET", "/api/x"), ("POST", "/cart-api/cart/items")] {
            assert_eq!(told(&gateway, method, path, header), [format!("x-forwarded-proto: {scheme}")], "{header}");
        }
    }
}

#[test]
fn a_tag_that_is_weakened_by_compression_comes_back_as_the_browser_got_it() {
    // Services take a weakened tag in `If-Match` for the state that it names: a test of shop-runtime and of each of them.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(|| {
                serve_with(stream, |request| {
                    let long = "x".repeat(2000);
                    let told = if request.starts_with("GET") { &long } else { request };
                    ("ETag: \"7\"\r\n", json!({"told": told}).to_string())
                });
            });
        }
    });
    let gateway = gateway_before(port, free_port());
    let plain = gateway.get("/cart-api/cart");
    assert_eq!((plain.header("etag"), plain.header("content-encoding")), (Some("\"7\""), None));
    let small = gateway.ask("GET", "/cart-api/cart", "Accept-Encoding: gzip\r\n");
    assert_eq!((small.header("etag"), small.header("content-encoding")), (Some("W/\"7\""), Some("gzip")));
    let tag = small.header("etag").unwrap_or_default();
    let headers = format!("Content-Length: 0\r\nIf-Match: {tag}\r\n");
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = gateway.ask(method, "/cart-api/cart/items/1", &headers).json();
        let told = answer["told"].as_str().unwrap_or_default().to_lowercase();
        assert!(told.contains("if-match: w/\"7\"\r\n"), "{told}");
    }
}

#[test]
fn only_named_origins_may_call_from_a_browser() {
    let gateway = gateway();
    let allowed = gateway.ask(
        "OPTIONS",
        "/api/products",
        "Origin: https://app.example.com\r\nAccess-Control-Request-Method: POST\r\n",
    );
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, Some("https://app.example.com")));
    let answer = gateway.ask("GET", "/api/products", "Origin: https://app.example.com\r\n");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    let wanted = allowed.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
    for header in ["idempotency-key", "if-match", "if-none-match", "traceparent", "authorization", "content-type"] {
        assert!(wanted.split(", ").any(|name| name == header), "{header} in {wanted}");
    }
    for answer in [answer, gateway.ask("GET", "/nowhere", "Origin: https://app.example.com\r\n")] {
        let seen = answer.header("access-control-expose-headers").unwrap_or_default().to_lowercase();
        for header in ["etag", "location", "retry-after", "cache-status", "x-request-id"] {
            assert!(seen.split(", ").any(|name| name == header), "{header} in {seen}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "for the cookie of the cart");
    }
    let stranger = gateway.ask("GET", "/api/products", "Origin: https://evil.example.com\r\n");
    for header in ["origin", "credentials"] {
        assert_eq!(stranger.header(&format!("access-control-allow-{header}")), None);
    }
}

#[test]
fn what_services_say_to_each_other_is_not_taken_from_outside() {
    let gateway = gateway();
    let headers = "X-Request-Timeout-Ms: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nX-Shop-User: eve\r\n";
    for path in ["/api/x", "/cart-api/cart/items"] {
        for more in ["", "Idempotency-Key: k\r\n"] {
            let answer = gateway.ask("POST", path, &format!("{headers}{more}"));
            let request = answer.json()["request"].as_str().unwrap_or_default().to_lowercase();
            assert!(request.starts_with(&format!("post {path} ")), "{request}");
            assert!(!request.contains("6.6.6.6") && !request.contains("timeout-ms"), "{request}");
            assert!(!request.contains("x-shop-user"), "{request}");
        }
    }
}
