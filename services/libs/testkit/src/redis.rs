//! A Redis for the tests of a binary.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::process::{self, Server};

static SHARED: OnceCell<TestRedis> = OnceCell::const_new();

/// A Redis server without persistence.
#[derive(Debug)]
pub struct TestRedis {
    address: SocketAddr,
    _server: Server,
}

impl TestRedis {
    /// The server of this test binary, started by whoever asks first.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// A server of the test's own, which it may flush and fill. It ends when it is dropped or the process ends.
    pub async fn start() -> Self {
        let found = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())
            .expect("the tests need Redis: apt-get install redis-server");
        let dir = process::server_dir("redis");
        let port = process::free_port();
        let (port_text, folder) = (port.to_string(), dir.display().to_string());
        let server = Server::start(
            &dir,
            None,
            &[found, "--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", &folder],
        );
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let started = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "Redis does not start: {}", Server::log(&dir));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { address, _server: server }
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
