//! One PostgreSQL for all tests of a binary.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::OnceCell;

use crate::process::{self, Server};

static SHARED: OnceCell<TestPostgres> = OnceCell::const_new();

/// A PostgreSQL server.
#[derive(Debug)]
pub struct TestPostgres {
    admin: PgConnectOptions,
    external: bool,
    _server: Option<Server>,
}

impl TestPostgres {
    /// The server of this test binary, started by whoever asks first.
    pub async fn shared() -> &'static Self {
        SHARED
            .get_or_init(|| async {
                match std::env::var("TEST_ADMIN_DATABASE_URL") {
                    Ok(url) if !url.is_empty() => Self::external(&url),
                    _ => Self::start().await,
                }
            })
            .await
    }

    /// A server that runs already.
    fn external(url: &str) -> Self {
        let admin = PgConnectOptions::from_str(url).expect("TEST_ADMIN_DATABASE_URL is a PostgreSQL URL");
        Self { admin, external: true, _server: None }
    }

    /// A new server from Debian's binaries, without any care for the safety of its data. It ends when it is dropped or the process ends.
    pub async fn start() -> Self {
        let bin = binaries();
        let dir = process::server_dir("postgres");
        process::give_to(&dir, "postgres");
        initdb(&bin, &dir);
        let port = process::free_port();
        let server = launch(&bin, &dir, port);
        let admin = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username("postgres")
            .database("postgres")
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        wait_for(&admin, &dir).await;
        Self { admin, external: false, _server: Some(server) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        use std::net::ToSocketAddrs as _;
        let mut addresses =
            (self.admin.get_host(), self.admin.get_port()).to_socket_addrs().expect("it has an address");
        addresses.next().expect("it has an address")
    }

    /// The URL of a database for its superuser.
    pub fn admin_url(&self, database: &str) -> String {
        self.admin.clone().database(database).to_url_lossy().to_string()
    }

    /// The URL of a database for a role.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{role}-secret@{}/{database}", self.address())
    }

    /// Whether others use the server too, so that what tests make must be removed.
    pub(crate) const fn is_external(&self) -> bool {
        self.external
    }

    /// A superuser's connection.
    pub(crate) async fn admin(&self) -> PgConnection {
        self.admin.connect().await.expect("the test server accepts its superuser")
    }
}

/// Debian keeps each version's binaries in a folder of its own; the newest is taken.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("postgres").exists())
        .max()
        .map(|(_, bin)| bin)
        .expect("the tests need PostgreSQL's server: apt-get install postgresql (or set TEST_ADMIN_DATABASE_URL)")
}

fn initdb(bin: &Path, dir: &Path) {
    let mut command = process::as_user(Some("postgres"));
    command.push(bin.join("initdb").display().to_string());
    let made = Command::new(&command[0])
        .args(&command[1..])
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(dir.join("data"))
        .current_dir(dir)
        .output()
        .expect("initdb starts");
    assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
}

fn launch(bin: &Path, dir: &Path, port: u16) -> Server {
    let (postgres, data) = (bin.join("postgres").display().to_string(), dir.join("data").display().to_string());
    let (port, sockets) = (port.to_string(), dir.display().to_string());
    let mut command = vec![&*postgres, "-D", &data, "-p", &port, "-k", &sockets];
    for setting in [
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "autovacuum=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "max_connections=300",
        "shared_buffers=64MB",
    ] {
        command.extend(["-c", setting]);
    }
    Server::start(dir, Some("postgres"), &command)
}

async fn wait_for(admin: &PgConnectOptions, dir: &Path) {
    let started = Instant::now();
    while let Err(error) = admin.connect().await {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "PostgreSQL does not start: {error}\n{}",
            Server::log(dir)
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
