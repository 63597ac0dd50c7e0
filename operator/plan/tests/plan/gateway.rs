//! The gateway's configuration in a real nginx, before services that only say who they are.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::fixture::{planned, with_spec};

struct Gateway {
    nginx: Child,
    port: u16,
    _folder: tempfile::TempDir,
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
    // The order service is not there.
    let services = [
        ("catalog", 8000, service("catalog")),
        ("cart", 8001, service("cart")),
        ("order", 8002, free_port()),
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
    let gateway = Gateway { nginx: child, port, _folder: folder };
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "nginx does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    gateway
}

impl Gateway {
    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n{headers}\r\n")
            .expect("to write");
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
    for path in ["/swagger/", "/docs/", "/docs/intro", "/locust/", "/profiles/", "/search", "/search?x=1"] {
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
    assert!(request("X-Request-Id: abc-123\r\n").contains("x-request-id: abc-123\r\n"));
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
    let stranger = gateway.ask("GET", "/api/products", "Origin: https://evil.example.com\r\n");
    assert_eq!(stranger.header("access-control-allow-origin"), None);
}
