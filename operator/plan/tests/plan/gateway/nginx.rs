//! A real nginx with the gateway's own configuration.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
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

/// What a gateway is of, and what is around it.
pub(super) struct Setup {
    pub(super) spec: Value,
    pub(super) cart: u16,
    pub(super) order: u16,
    pub(super) user: u16,
    /// All tools, and what services have on their port for operators.
    pub(super) tool: u16,
    /// Who knows names.
    pub(super) dns: u16,
    /// Who takes the log.
    pub(super) log: u16,
    /// The gateway's own port for operators.
    pub(super) ops: u16,
}

impl Default for Setup {
    /// Orders, tools, names and the exporter are away.
    fn default() -> Self {
        Self {
            spec: json!({"gateway": {"corsOrigins": ["https://app.example.com"]}}),
            cart: service("cart"),
            order: free_port(),
            user: service("user"),
            tool: free_port(),
            dns: free_port(),
            log: free_port(),
            ops: free_port(),
        }
    }
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
pub(super) fn serve_with(stream: TcpStream, answer: impl FnOnce(&str) -> (&'static str, String)) {
    serve_status(stream, |request| {
        let (headers, body) = answer(request);
        ("200 OK", headers, body)
    });
}

/// The same with a status.
pub(super) fn serve_status(mut stream: TcpStream, answer: impl FnOnce(&str) -> (&'static str, &'static str, String)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let (status, headers, body) = answer(&String::from_utf8_lossy(&head));
    let length = if status.starts_with("204") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}{length}Connection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes());
}

/// A port that nobody listens on, and that nobody is given who asks for any: those come from the range of the kernel, which begins above.
/// Tests that run at the same time in other processes begin somewhere else.
pub(super) fn free_port() -> u16 {
    const FIRST: u32 = 15_000;
    const HOW_MANY: u32 = 17_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    loop {
        let place = begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % HOW_MANY;
        let port = u16::try_from(FIRST + place).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn nginx() -> Option<&'static str> {
    ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
}

pub(super) fn gateway() -> Gateway {
    Setup::default().start()
}

/// One behind a proxy on this machine, which it is told to believe.
pub(super) fn gateway_behind_a_proxy() -> Gateway {
    Setup { spec: json!({"gateway": {"trustedProxies": ["127.0.0.1/32"]}}), ..Setup::default() }.start()
}

pub(super) fn gateway_before(cart: u16, order: u16) -> Gateway {
    Setup { cart, order, ..Setup::default() }.start()
}

impl Setup {
    /// Starts nginx with the gateway's own configuration, in which only addresses are replaced.
    pub(super) fn start(self) -> Gateway {
        let nginx = nginx().expect("nginx is installed: apt-get install nginx-light");
        let gateway = planned(&with_spec(self.spec.clone())).gateway;
        let files = gateway.config.data.expect("files");
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        for (name, content) in &files {
            let content =
                if name == "nginx.conf" { self.with_addresses(content, &folder, port) } else { content.clone() };
            std::fs::write(folder.path().join(name), content).expect("a file");
        }
        let pod = gateway.deployment.spec.and_then(|spec| spec.template.spec).expect("pods");
        let script = pod.containers[0].command.as_ref().and_then(|command| command.last()).expect("a script");
        self.learn_names(script, &folder);
        let config = folder.path().join("nginx.conf");
        let mut command = Command::new(nginx);
        let child = command.args(["-e", "stderr", "-c"]).arg(&config).stderr(Stdio::inherit()).spawn().expect("nginx");
        let gateway = Gateway { nginx: child, port, folder };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "nginx does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        gateway
    }

    fn with_addresses(&self, text: &str, folder: &tempfile::TempDir, port: u16) -> String {
        let path = folder.path().display();
        let mut text = text
            .replace("$cluster_domain:9090/", &format!("$cluster_domain:{}/", self.tool))
            .replace("/tmp/", &format!("{path}/"))
            .replace("/etc/shopkeeper", &path.to_string())
            .replace("/dev/stdout", &format!("{path}/access.log"))
            .replace("/dev/stderr", &format!("{path}/error.log"))
            .replace("listen 8080", &format!("listen {port}"))
            .replace("listen 9090", &format!("listen {}", self.ops))
            .replace("127.0.0.1:9514", &format!("127.0.0.1:{}", self.log));
        for number in [3000, 9090, 9093, 16686, 8089, 8080, 8081] {
            text = text.replace(&format!("$cluster_domain:{number};"), &format!("$cluster_domain:{};", self.tool));
        }
        let services = [
            ("catalog", 8000, service("catalog")),
            ("cart", 8001, self.cart),
            ("order", 8002, self.order),
            ("user", 8003, self.user),
        ];
        for (name, number, port) in services {
            text = text.replace(&format!("demo-{name}.shop.svc:{number}"), &format!("127.0.0.1:{port}"));
        }
        text
    }

    /// Does what the pod does before it starts nginx.
    fn learn_names(&self, script: &str, folder: &tempfile::TempDir) {
        let (script, _) = script.split_once("rm -f /tmp/closing").expect("the begin of the script");
        let path = folder.path().display();
        let known =
            "search shop.svc.cluster.test svc.cluster.test cluster.test\nnameserver 127.0.0.1\noptions ndots:5\n";
        std::fs::write(folder.path().join("resolv.conf"), known).expect("a file");
        let script =
            script.replace("/tmp/", &format!("{path}/")).replace("/etc/resolv.conf", &format!("{path}/resolv.conf"));
        assert!(Command::new("/bin/sh").args(["-e", "-c", &script]).status().expect("a shell").success());
        let names = folder.path().join("names.conf");
        let text = std::fs::read_to_string(&names).expect("what was learned");
        let port = format!("resolver 127.0.0.1:{} ", self.dns);
        std::fs::write(&names, text.replace("resolver 127.0.0.1 ", &port)).expect("a file");
    }
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
