//! The gateway's configuration in a real nginx, before services that only say who they are.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::fixture::{planned, with_spec};

struct Gateway {
    nginx: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // A plain kill would leave the workers behind.
        let _ = Command::new("kill").arg(self.nginx.id().to_string()).status();
        let _ = self.nginx.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A service that answers every request with its name and the request.
fn service(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, name));
        }
    });
    port
}

fn serve(mut stream: TcpStream, name: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let body = json!({"service": name, "request": String::from_utf8_lossy(&head)}).to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn nginx() -> Option<&'static str> {
    ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
}

/// Starts nginx with the gateway's own configuration, in which only addresses are replaced.
fn gateway() -> Gateway {
    // The order service is not there.
    gateway_before(service("cart"), free_port())
}

fn gateway_before(cart: u16, order: u16) -> Gateway {
    let nginx = nginx().expect("nginx is installed: apt-get install nginx-light");
    let spec = json!({"gateway": {"corsOrigins": ["https://app.example.com"]}});
    let files = planned(&with_spec(spec)).gateway.config.data.expect("files");
    let folder = tempfile::tempdir().expect("a folder");
    let (port, ops) = (free_port(), free_port());
    let path = folder.path().display().to_string();
    let mut text = files["nginx.conf"]
        .replace("/tmp/", &format!("{path}/"))
        .replace("/etc/shopkeeper", &path)
        .replace("/dev/stdout", &format!("{path}/access.log"))
        .replace("/dev/stderr", &format!("{path}/error.log"))
        .replace("listen 8080", &format!("listen {port}"))
        .replace("listen 9090", &format!("listen {ops}"));
    let services = [
        ("catalog", 8000, service("catalog")),
        ("cart", 8001, cart),
        ("order", 8002, order),
        ("user", 8003, service("user")),
    ];
    for (name, number, port) in services {
        text = text.replace(&format!("demo-{name}.shop.svc:{number}"), &format!("127.0.0.1:{port}"));
    }
    for (name, content) in &files {
        std::fs::write(folder.path().join(name), if name == "nginx.conf" { &text } else { content }).expect("a file");
    }
    let config = folder.path().join("nginx.conf");
    let child =
        Command::new(nginx).args(["-e", "stderr", "-c"]).arg(&config).stderr(Stdio::inherit()).spawn().expect("nginx");
    let gateway = Gateway { nginx: child, port, folder };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "nginx does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    gateway
}

impl Gateway {
    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n{headers}\r\n");
        self.send(request.as_bytes())
    }

    /// What comes back for these bytes until the connection is closed.
    fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.write_all(request).expect("to write");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
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
fn a_service_that_is_away_is_a_problem_document() {
    let gateway = gateway();
    let answer = gateway.get("/order-api/orders");
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("application/problem+json")));
    assert_eq!(answer.json()["status"], 502);
    assert!(answer.header("retry-after").is_some());
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
fn bodies_have_a_bound() {
    let gateway = gateway();
    let answer = gateway.ask("POST", "/api/products", "Content-Length: 2000000\r\n");
    assert_eq!(
        (answer.status, answer.json()["type"].as_str()),
        (413, Some("https://shopkeeper.dev/problems/payload-too-large"))
    );
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

#[test]
fn what_services_say_to_each_other_is_not_taken_from_outside() {
    let gateway = gateway();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers =
        format!("X-Request-Timeout-Ms: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-Ip: 6.6.6.6\r\nTraceparent: {trace}\r\n");
    for path in ["/api/x", "/cart-api/x"] {
        for more in ["", "Idempotency-Key: k\r\n"] {
            let answer = gateway.ask("POST", path, &format!("{headers}{more}"));
            let request = answer.json()["request"].as_str().unwrap_or_default().to_lowercase();
            assert!(request.starts_with(&format!("post {path} ")), "{request}");
            assert!(!request.contains("6.6.6.6") && !request.contains("timeout-ms"), "{request}");
            assert!(request.contains(trace), "{request}");
        }
    }
}

/// A pod that takes a request and dies before it answers, as often as is said; afterwards it answers. How many requests there were.
fn dying(deaths: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if counter.fetch_add(1, Ordering::SeqCst) < deaths {
                let _ = stream.read(&mut [0; 4096]);
            } else {
                serve(stream, "cart");
            }
        }
    });
    (port, requests)
}

#[test]
fn a_request_that_may_be_repeated_survives_the_death_of_a_pod() {
    for (method, headers) in [
        ("GET", ""),
        ("PUT", "Content-Length: 0\r\n"),
        ("DELETE", ""),
        ("POST", "Content-Length: 0\r\nIdempotency-Key: k\r\n"),
        ("PATCH", "Content-Length: 0\r\nIdempotency-Key: k\r\n"),
    ] {
        let (pod, requests) = dying(3);
        let answer = gateway_before(pod, free_port()).ask(method, "/cart-api/cart?a=%20b", headers);
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
        let request = answer.json()["request"].as_str().unwrap_or_default().to_owned();
        assert!(request.starts_with(&format!("{method} /cart-api/cart?a=%20b HTTP/1.1")), "{request}");
        assert_eq!(requests.load(Ordering::SeqCst), 4, "{method}");
    }
    for method in ["POST", "PATCH"] {
        let (pod, requests) = dying(3);
        let answer = gateway_before(pod, free_port()).ask(method, "/cart-api/cart", "Content-Length: 0\r\n");
        assert_eq!((answer.status, requests.load(Ordering::SeqCst)), (502, 1), "{method}: once, without a key");
    }
}

#[test]
fn live_status_is_passed_on_as_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let order = listener.local_addr().expect("an address").port();
    let (heard, first_heard) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
        );
        // The second one comes only after the first was seen at the other end.
        first_heard.recv_timeout(Duration::from_secs(20)).expect("the first event was passed on");
        let _ = stream.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    });
    let gateway = gateway_before(service("cart"), order);
    let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let path = "/order-api/orders/0190163d-8694-739b-aea5-966c26f8ad91/events";
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n").expect("to write");
    let mut text = Vec::new();
    let mut some = [0; 4096];
    while !String::from_utf8_lossy(&text).contains("data: 1") {
        let length = stream.read(&mut some).expect("the first event");
        assert!(length > 0, "{}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&some[..length]);
    }
    heard.send(()).expect("somebody waits");
    stream.read_to_end(&mut text).expect("the rest");
    assert!(String::from_utf8_lossy(&text).contains("data: 2"));
}

#[test]
fn a_gateway_that_is_about_to_stop_says_so_on_every_connection() {
    let gateway = gateway();
    let connection = |headers: &str, method: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", gateway.port)).expect("a connection");
        write!(stream, "{method} /cart-api/cart HTTP/1.1\r\nHost: shop.localhost\r\n{headers}\r\n").expect("to write");
        let mut text = Vec::new();
        let mut some = [0; 4096];
        while !text.ends_with(b"}") && !text.ends_with(b"0\r\n\r\n") {
            match stream.read(&mut some).expect("an answer") {
                0 => break,
                length => text.extend_from_slice(&some[..length]),
            }
        }
        let text = String::from_utf8_lossy(&text).to_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{text}");
        text.lines().find_map(|line| line.strip_prefix("connection: ").map(str::to_owned)).expect("it says so")
    };
    let requests = [("", "GET"), ("Idempotency-Key: k\r\nContent-Length: 0\r\n", "POST")];
    for (headers, method) in requests {
        assert_eq!(connection(headers, method), "keep-alive");
    }
    std::fs::write(gateway.folder.path().join("closing"), "").expect("a file");
    for (headers, method) in requests {
        assert_eq!(connection(headers, method), "close");
    }
}
