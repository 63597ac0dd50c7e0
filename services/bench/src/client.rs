//! A small HTTP client: as little as will do to keep a server busy.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::customers::{Customer, Customers};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    headers: String,
    body: String,
}

/// What is asked for with a number that is never given twice: one request, or several that count as one.
pub(crate) type Script = fn(&Customers, u64) -> Vec<Call>;

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), headers: String::new(), body: String::new() }
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self { method: "POST", ..Self::get(path) }
    }

    /// Logged in as a customer.
    pub(crate) fn by(self, customer: &Customer) -> Self {
        self.header("authorization", &format!("Bearer {}", customer.token))
    }

    /// Under an idempotency key.
    pub(crate) fn key(self, key: impl AsRef<str>) -> Self {
        self.header("idempotency-key", key.as_ref())
    }

    pub(crate) fn json(self, body: String) -> Self {
        Self { body, ..self.header("content-type", "application/json") }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a String cannot fail.
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }
}

/// A connection that is kept.
pub(crate) struct Client {
    stream: TcpStream,
    request: String,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("can't connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: String::new(), buffer: vec![0; 64 * 1024] })
    }

    /// Sends a request. An answer other than 200 or 201 is an error.
    pub(crate) async fn send(&mut self, call: &Call) -> anyhow::Result<Answer> {
        let (head, length) = self.exchange(call).await?;
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        Ok(Answer { head: text, body: self.buffer[head..head + length].to_vec() })
    }

    /// Asks for a path.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.send(&Call::get(path)).await
    }

    /// Sends a request, and answers where the body begins in the buffer and how long it is.
    async fn exchange(&mut self, call: &Call) -> anyhow::Result<(usize, usize)> {
        let Call { method, path, headers, body } = call;
        self.request.clear();
        write!(self.request, "{method} {path} HTTP/1.1\r\nhost: shop\r\n{headers}")?;
        if *method == "GET" {
            self.request.push_str("\r\n");
        } else {
            write!(self.request, "content-length: {}\r\n\r\n{body}", body.len())?;
        }
        self.stream.write_all(self.request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                bail!("{method} {path}: the server closed the connection");
            }
            filled += read;
            let Some(end) = self.buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).context("no length")?;
            let length: usize = length.parse()?;
            if filled < end + 4 + length {
                continue;
            }
            if !["HTTP/1.1 200", "HTTP/1.1 201"].iter().any(|good| head.starts_with(good)) {
                bail!("{method} {path}: {}", String::from_utf8_lossy(&self.buffer[..filled]));
            }
            return Ok((end + 4, length));
        }
    }
}

/// Keeps a server busy for so long: on each of so many connections, the next request as soon as the answer to the last one is there.
/// Answers how often the script was played.
pub(crate) async fn keep_busy(
    address: SocketAddr,
    connections: usize,
    lasts: Duration,
    customers: &Arc<Customers>,
    numbers: &Arc<AtomicU64>,
    script: Script,
) -> anyhow::Result<u64> {
    let deadline = Instant::now() + lasts;
    let tasks = (0..connections).map(|_| {
        let (numbers, customers) = (Arc::clone(numbers), Arc::clone(customers));
        tokio::spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut played = 0_u64;
            while Instant::now() < deadline {
                for call in script(&customers, numbers.fetch_add(1, Ordering::Relaxed)) {
                    client.exchange(&call).await?;
                }
                played += 1;
            }
            anyhow::Ok(played)
        })
    });
    try_join_all(tasks).await?.into_iter().sum()
}

/// Asks for the same path on so many connections at once.
pub(crate) async fn stampede(address: SocketAddr, connections: usize, path: &str) -> anyhow::Result<Duration> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let began = Instant::now();
    let tasks = clients.into_iter().map(|mut client| {
        let path = path.to_owned();
        tokio::spawn(async move { client.get(&path).await.map(drop) })
    });
    try_join_all(tasks).await?.into_iter().collect::<anyhow::Result<()>>()?;
    Ok(began.elapsed())
}
