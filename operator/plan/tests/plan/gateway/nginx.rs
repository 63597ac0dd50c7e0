//! A real nginx with the gateway's own configuration.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::fixture::{planned, with_spec};

pub(super) struct Gateway {
    nginx: Child,
    pub(super) port: u16,
    pub(super) folder: tempfile::TempDir,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // A plain kill would leave the workers behind.
        let _ = Command::new("kill").arg(self.nginx.id().to_string()).status();
        let _ = self.nginx.wait();
    }
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A service that answers every request with its name and the request.
pub(super) fn service(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, name));
        }
    });
    port
}

pub(super) fn serve(stream: TcpStream, name: &str) {
    serve_with(stream, |request| ("", json!({"service": name, "request": request}).to_string()));
}

/// Answers one request with further headers and a body, once its head is there.
pub(super) fn serve_with(mut stream: TcpStream, answer: impl FnOnce(&str) -> (&'static str, String)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let (headers, body) = answer(&String::from_utf8_lossy(&head));
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes());
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn nginx() -> Option<&'static str> {
    ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
}

/// Starts nginx with the gateway's own configuration, in which only addresses are replaced.
pub(super) fn gateway() -> Gateway {
    // The order service is not there.
    gateway_before(service("cart"), free_port())
}

/// One behind a proxy on this machine, which it is told to believe.
pub(super) fn gateway_behind_a_proxy() -> Gateway {
    gateway_of(&json!({"trustedProxies": ["127.0.0.1/32"]}), service("cart"), free_port())
}

pub(super) fn gateway_before(cart: u16, order: u16) -> Gateway {
    gateway_of(&json!({"corsOrigins": ["https://app.example.com"]}), cart, order)
}

fn gateway_of(spec: &Value, cart: u16, order: u16) -> Gateway {
    let nginx = nginx().expect("nginx is installed: apt-get install nginx-light");
    let files = planned(&with_spec(json!({"gateway": spec}))).gateway.config.data.expect("files");
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
    pub(super) fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n{headers}\r\n");
        self.send(request.as_bytes())
    }

    /// What comes back for these bytes until the connection is closed.
    pub(super) fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.write_all(request).expect("to write");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }
}
