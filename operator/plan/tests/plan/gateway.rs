//! The gateway's configuration in a real nginx, before services that only say who they are.

mod life;
mod nginx;
mod refusals;

use self::nginx::gateway;

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
fn reserved_places_say_that_they_are_not_there_yet() {
    let gateway = gateway();
    for path in ["/docs/", "/docs/intro", "/locust/", "/profiles/", "/search", "/search?x=1"] {
        let answer = gateway.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/problem+json")), "{path}");
        assert_eq!(answer.json()["type"], "https://shopkeeper.dev/problems/not-there-yet", "{path}");
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
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers =
        format!("X-Request-Timeout-Ms: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nTraceparent: {trace}\r\n");
    for path in ["/api/x", "/cart-api/cart/items"] {
        for more in ["", "Idempotency-Key: k\r\n"] {
            let answer = gateway.ask("POST", path, &format!("{headers}{more}"));
            let request = answer.json()["request"].as_str().unwrap_or_default().to_lowercase();
            assert!(request.starts_with(&format!("post {path} ")), "{request}");
            assert!(!request.contains("6.6.6.6") && !request.contains("timeout-ms"), "{request}");
            assert!(request.contains(trace), "{request}");
        }
    }
}
