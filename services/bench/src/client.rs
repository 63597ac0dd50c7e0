//! A small HTTP client: as little as will do to keep a server busy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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

    /// Asks for a path. An answer other than 200 is an error.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let (head, length) = self.exchange(path).await?;
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        Ok(Answer { head: text, body: self.buffer[head..head + length].to_vec() })
    }

    /// Asks for a path, and answers where the body begins in the buffer and how long it is.
    async fn exchange(&mut self, path: &str) -> anyhow::Result<(usize, usize)> {
        self.request.clear();
        self.request.push_str("GET ");
        self.request.push_str(path);
        self.request.push_str(" HTTP/1.1\r\nhost: shop\r\n\r\n");
        self.stream.write_all(self.request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(2 * filled, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                bail!("the server closed the connection");
            }
            filled += read;
            let Some(end) = self.buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end])?;
            if !head.starts_with("HTTP/1.1 200") {
                bail!("{path}: {head}");
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).context("no length")?;
            let length: usize = length.parse()?;
            if filled >= end + 4 + length {
                return Ok((end + 4, length));
            }
        }
    }
}

/// Keeps a server busy for so long: on each of so many connections, the next request as soon as the answer to the last one is there.
/// Answers how many requests were answered. The paths are made of a number that is never given twice.
pub(crate) async fn keep_busy(
    address: SocketAddr,
    connections: usize,
    lasts: Duration,
    numbers: &Arc<AtomicU64>,
    path: fn(u64) -> String,
) -> anyhow::Result<u64> {
    let deadline = Instant::now() + lasts;
    let tasks = (0..connections).map(|_| {
        let numbers = Arc::clone(numbers);
        tokio::spawn(async move {
            let mut client = Client::connect(address).await?;
            let mut answered = 0_u64;
            while Instant::now() < deadline {
                client.exchange(&path(numbers.fetch_add(1, Ordering::Relaxed))).await?;
                answered += 1;
            }
            anyhow::Ok(answered)
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
