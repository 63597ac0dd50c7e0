//! A Redis for the tests of a binary.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::process::{self, Server};

static SHARED: OnceCell<TestRedis> = OnceCell::const_new();

/// A Redis server without persistence.
#[derive(Debug)]
pub struct TestRedis {
    address: SocketAddr,
    options: Vec<String>,
    server: Mutex<Option<Server>>,
}

impl TestRedis {
    /// The server of this test binary, started by whoever asks first.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// A server of the test's own, which it may flush, fill and stop. It ends when it is dropped or the process ends.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A server of the test's own that is full with so much memory, `2mb`, and says so (`noeviction`).
    pub async fn start_with_max_memory(memory: &str) -> Self {
        Self::start_with(&["--maxmemory", memory, "--maxmemory-policy", "noeviction"]).await
    }

    async fn start_with(options: &[&str]) -> Self {
        let redis = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, process::free_port())),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            server: Mutex::default(),
        };
        redis.start_again().await;
        redis
    }

    /// Ends the server, as a crash does: connections break, new ones are refused, what it knew is gone.
    pub fn stop(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(server);
    }

    /// Starts a server on the same port after [`Self::stop`]; it knows nothing.
    pub async fn start_again(&self) {
        let found = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .expect("the tests need Redis: apt-get install redis-server");
        let dir = process::server_dir("redis");
        let (port, folder) = (self.address.port().to_string(), dir.display().to_string());
        let fixed =
            [found, "--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", &folder];
        let command: Vec<&str> = fixed.into_iter().chain(self.options.iter().map(String::as_str)).collect();
        let server = Server::start(&dir, None, &command);
        let before = self.server.lock().unwrap_or_else(PoisonError::into_inner).replace(server);
        assert!(before.is_none(), "the server has to be stopped first");
        let started = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "Redis does not start: {}", Server::log(&dir));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a command as one would type it and gives the first piece of the answer as it comes: `+OK`.
    pub async fn command(&self, line: &str) -> String {
        let mut connection = TcpStream::connect(self.address).await.expect("Redis is there");
        connection.write_all(format!("{line}\r\n").as_bytes()).await.expect("Redis listens");
        let mut answer = vec![0; 64 * 1024];
        let read = connection.read(&mut answer).await.expect("Redis answers");
        String::from_utf8_lossy(&answer[..read]).trim_end().to_owned()
    }

    /// Forgets everything.
    pub async fn flush(&self) {
        assert_eq!(self.command("FLUSHALL").await, "+OK");
    }

    /// Where it listens, to put a proxy before it.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The service's `REDIS_URL`.
    pub fn url(&self) -> SecretString {
        Self::url_by(self.address)
    }

    /// The service's `REDIS_URL` by way of a proxy.
    pub fn url_by(proxy: SocketAddr) -> SecretString {
        format!("redis://{proxy}").into()
    }
}
