//! PostgreSQL, Redis, and the servers under test, each a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use shop_catalog::{MIGRATOR, NAME, seed};
use shop_policy::{DOCUMENT_FILE, Pattern, Policies, Policy, PolicyDocument};
use shop_testkit::{Keys, TestDb, TestRedis};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::Client;
use crate::server::{self, PRODUCTS};

/// Everything that is measured.
pub(crate) struct Shop {
    /// The server of this program.
    pub(crate) bare: Server,
    /// The catalog with all of its layers, with a tier in memory.
    pub(crate) catalog_local: Server,
    /// With Redis only.
    pub(crate) catalog_remote: Server,
    /// Without a cache of products.
    pub(crate) catalog_uncached: Server,
    pub(crate) redis: TestRedis,
    _db: TestDb,
    _keys: Keys,
    _policies: Vec<TempDir>,
}

/// A server that ends with this program.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    _process: Child,
}

impl Shop {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let db = TestDb::new(&MIGRATOR, NAME).await;
        seed::run(db.pool(), PRODUCTS).await?;
        let (redis, keys) = (TestRedis::start().await, Keys::generate());
        let bare = start_bare(&db, &redis).await?;
        let mut policies = Vec::new();
        let mut catalog = async |name: &str, policy: Policy| {
            let folder = policy_folder(&policy)?;
            let server = start_catalog(name, &db, &redis, &keys, folder.path().to_owned()).await;
            policies.push(folder);
            server
        };
        let catalog_local = catalog("bench/catalog-local", server::local_policy()).await?;
        let catalog_remote = catalog("bench/catalog-remote", server::remote_policy()).await?;
        let none = Policy { pattern: Pattern::None, ..server::remote_policy() };
        let catalog_uncached = catalog("bench/catalog-uncached", none).await?;
        Ok(Self {
            bare,
            catalog_local,
            catalog_remote,
            catalog_uncached,
            redis,
            _db: db,
            _keys: keys,
            _policies: policies,
        })
    }

    /// Whether PostgreSQL was started from here, so that its CPU time is known.
    pub(crate) fn owns_database(&self) -> anyhow::Result<bool> {
        let reading = crate::proc::Watched { server: self.bare.pid }.read()?;
        Ok(reading.has_postgres())
    }
}

async fn start_bare(db: &TestDb, redis: &TestRedis) -> anyhow::Result<Server> {
    let mut process = Command::new(std::env::current_exe()?)
        .arg("serve")
        .env("DATABASE_URL", db.url().expose_secret())
        .env("REDIS_URL", redis.url().expose_secret())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = process.stdout.take().context("its output is piped")?;
    let line = BufReader::new(output).lines().next_line().await?.context("the server under test ended")?;
    Ok(Server { address: line.parse()?, pid: process.id().context("it runs")?, _process: process })
}

async fn start_catalog(
    shop: &str,
    db: &TestDb,
    redis: &TestRedis,
    keys: &Keys,
    policies: PathBuf,
) -> anyhow::Result<Server> {
    let program = std::env::current_exe()?.with_file_name("catalog");
    if !program.exists() {
        bail!("{} is not there: build it with the same profile", program.display());
    }
    let (address, ops) = (free_address()?, free_address()?);
    let process = Command::new(program)
        .arg("serve")
        .env("DATABASE_URL", db.url().expose_secret())
        .env("REDIS_URL", redis.url().expose_secret())
        .env("AUTH_PUBLIC_KEYS_DIR", keys.public_keys_dir())
        .env("SERVICE_TOKEN_FILE", keys.service_token_file())
        .env("SHOP_NAME", shop)
        .env("CACHE_POLICY_DIR", policies)
        .env("LISTEN_ADDR", address.to_string())
        .env("OPS_ADDR", ops.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let server = Server { address, pid: process.id().context("it runs")?, _process: process };
    for _ in 0..300 {
        if let Ok(mut client) = Client::connect(address).await
            && client.get("/api/products/1").await.is_ok()
        {
            return Ok(server);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the catalog does not serve")
}

fn policy_folder(policy: &Policy) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let caches = Policies::of(|_| policy.clone());
    let document = PolicyDocument { generation: 1, hash: caches.hash(), caches };
    std::fs::write(folder.path().join(DOCUMENT_FILE), serde_json::to_vec(&document)?)?;
    Ok(folder)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
