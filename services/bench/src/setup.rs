//! PostgreSQL, Redis, and the servers under test, each a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use secrecy::ExposeSecret as _;
use shop_policy::{CacheName, DOCUMENT_FILE, Pattern, Policies, Policy, PolicyDocument};
use shop_testkit::{Keys, TestPostgres, TestRedis};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::{self, Client, Script};
use crate::customers::{Customers, HOT, add, order};
use crate::proc;
use crate::server::{self, PRODUCTS};

/// The database that all four services share, each in a schema of its own, as in a shop.
const DATABASE: &str = "postgres";

/// Each service with the role and schema of its name in the database.
const SCHEMAS: [(&str, &str); 4] = [("catalog", "catalog"), ("cart", "cart"), ("order", "orders"), ("user", "users")];

/// How long others have shopped before.
const PAST: Duration = Duration::from_secs(4);

/// How long a service may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that is measured.
pub(crate) struct Shop {
    /// The server of this program.
    pub(crate) bare: Server,
    /// The four services of a whole shop, with the policies that a shop has; only products stay longer in memory.
    pub(crate) services: [Server; 4],
    /// A catalog more, with products in Redis only.
    pub(crate) catalog_remote: Server,
    /// And one without a cache of products.
    pub(crate) catalog_uncached: Server,
    /// Who shops there.
    pub(crate) customers: Arc<Customers>,
    /// What each service held before anybody asked for anything, in bytes.
    pub(crate) at_rest: Vec<(&'static str, u64)>,
    pub(crate) redis: TestRedis,
    pub(crate) db: PgPool,
    _postgres: TestPostgres,
    _keys: Keys,
    _policies: Vec<TempDir>,
}

/// A server that ends with this program.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    _process: Child,
}

/// What all servers are started with.
struct Ground<'a> {
    postgres: &'a TestPostgres,
    redis: &'a TestRedis,
    keys: &'a Keys,
    /// Where the four services of the shop find each other.
    addresses: [SocketAddr; 4],
}

impl Shop {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let (postgres, redis, keys) = (TestPostgres::start().await, TestRedis::start().await, Keys::generate());
        let db = PgPoolOptions::new().max_connections(2).connect(&postgres.admin_url(DATABASE)).await?;
        let customers = Arc::new(Customers::new(&keys));
        fill(&postgres, &db, &customers).await?;
        let addresses = [free_address()?, free_address()?, free_address()?, free_address()?];
        let ground = Ground { postgres: &postgres, redis: &redis, keys: &keys, addresses };

        let bare = ground.bare().await?;
        let local = policy_folder(&server::local_policy())?;
        let remote = policy_folder(&server::remote_policy())?;
        let none = policy_folder(&Policy { pattern: Pattern::None, ..server::remote_policy() })?;
        let services = [
            ground.service(0, "bench", addresses[0], local.path()).await?,
            ground.service(1, "bench", addresses[1], local.path()).await?,
            ground.service(2, "bench", addresses[2], local.path()).await?,
            ground.service(3, "bench", addresses[3], local.path()).await?,
        ];
        // Their first seconds are over: connections are made, policies read, caches followed.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let at_rest = services.iter().map(|server| Ok((server.name, proc::resident(server.pid)?)));
        let at_rest = at_rest.collect::<anyhow::Result<Vec<_>>>()?;
        let catalog_remote = ground.service(0, "bench/remote", free_address()?, remote.path()).await?;
        let catalog_uncached = ground.service(0, "bench/uncached", free_address()?, none.path()).await?;
        let shop = Self {
            bare,
            services,
            catalog_remote,
            catalog_uncached,
            customers,
            at_rest,
            redis,
            db,
            _postgres: postgres,
            _keys: keys,
            _policies: vec![local, remote, none],
        };
        shop.let_regulars_shop().await?;
        shop.let_others_have_shopped().await?;
        Ok(shop)
    }

    pub(crate) const fn catalog(&self) -> &Server {
        &self.services[0]
    }

    pub(crate) const fn cart(&self) -> &Server {
        &self.services[1]
    }

    pub(crate) const fn order(&self) -> &Server {
        &self.services[2]
    }

    pub(crate) const fn user(&self) -> &Server {
        &self.services[3]
    }

    /// Each regular has five orders and three products in the cart.
    async fn let_regulars_shop(&self) -> anyhow::Result<()> {
        let mut cart = Client::connect(self.cart().address).await?;
        for (customer, first) in self.customers.regulars.iter().zip((1_u64..).step_by(5)) {
            for number in first..first + 5 {
                // Numbers of their own: those of the cases begin at zero.
                for call in order(customer, u64::MAX / 2 + number) {
                    cart.send(&call).await?;
                }
            }
            for product in 1..=3 {
                cart.send(&add(customer, product)).await?;
            }
        }
        self.settle().await
    }

    /// A shop has a past. Without one its tables are so small that PostgreSQL plans to read all of them, and what is measured is that.
    async fn let_others_have_shopped(&self) -> anyhow::Result<()> {
        let numbers = Arc::new(AtomicU64::new(u64::MAX / 4));
        let script: Script = |customers, number| order(customers.predecessor(number), number);
        client::keep_busy(self.cart().address, 16, PAST, &self.customers, &numbers, script).await?;
        self.settle().await?;
        sqlx::query("VACUUM ANALYZE").execute(&self.db).await?;
        Ok(())
    }

    /// Waits until nothing is on its way between the services any more.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let counts = SCHEMAS.map(|(_, schema)| format!("(SELECT count(*) FROM {schema}.outbox)")).join(" + ");
        let unfinished = "(SELECT count(*) FROM cart.checkouts WHERE state NOT IN ('DONE', 'REFUSED'))";
        let question = format!("SELECT {counts} + {unfinished}");
        for _ in 0..500 {
            let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(question.as_str())).fetch_one(&self.db).await?;
            if waiting == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("something stays in an outbox or a checkout");
    }
}

/// Migrates the four schemas, adds products, sales and the regulars' accounts.
async fn fill(postgres: &TestPostgres, db: &PgPool, customers: &Customers) -> anyhow::Result<()> {
    for (service, schema) in SCHEMAS {
        finish(Command::new(program(service)?).arg("migrate").envs(database(postgres, schema))).await?;
    }
    let mut seed = Command::new(program("catalog")?);
    finish(seed.arg("seed").envs(database(postgres, "catalog")).env("DEMO_PRODUCTS", PRODUCTS.to_string())).await?;
    for customer in &customers.regulars {
        let id = uuid::Uuid::from(customer.id);
        sqlx::query(
            "INSERT INTO users.users (id, username, full_name, role, password_hash) VALUES ($1, $2, 'A Regular', 'user', '-')",
        )
        .bind(id)
        .bind(&id.simple().to_string()[..32])
        .execute(db)
        .await?;
    }
    let hot = i64::try_from(HOT)?;
    sqlx::query("UPDATE catalog.products SET stock = 1000000 WHERE id <= $1").bind(hot).execute(db).await?;
    sqlx::query("CREATE TABLE catalog.bench_lines (id bigint PRIMARY KEY, quantity integer NOT NULL)")
        .execute(db)
        .await?;
    sqlx::query("GRANT ALL ON catalog.bench_lines TO catalog").execute(db).await?;
    // That of the tests has no autovacuum, without which a table that is filled and emptied, such as an outbox, gets slower and slower.
    for setting in ["autovacuum = on", "autovacuum_naptime = '1s'", "autovacuum_vacuum_cost_delay = 0"] {
        sqlx::query(AssertSqlSafe(format!("ALTER SYSTEM SET {setting}"))).execute(db).await?;
    }
    sqlx::query("SELECT pg_reload_conf()").execute(db).await?;
    sqlx::query("ANALYZE").execute(db).await?;
    Ok(())
}

impl Ground<'_> {
    async fn bare(&self) -> anyhow::Result<Server> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .envs(database(self.postgres, "catalog"))
            .env("REDIS_URL", self.redis.url().expose_secret())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("its output is piped")?;
        let line = BufReader::new(output).lines().next_line().await?.context("the server under test ended")?;
        Ok(Server { name: "bare", address: line.parse()?, pid: process.id().context("it runs")?, _process: process })
    }

    /// Starts a service, by its place among the four.
    async fn service(&self, place: usize, shop: &str, address: SocketAddr, policies: &Path) -> anyhow::Result<Server> {
        let (name, schema) = SCHEMAS[place];
        let ops = free_address()?;
        let siblings = SCHEMAS.iter().zip(self.addresses);
        let siblings = siblings.map(|((name, _), at)| (format!("{}_URL", name.to_uppercase()), format!("http://{at}")));
        let process = Command::new(program(name)?)
            .arg("serve")
            .envs(database(self.postgres, schema))
            .envs(siblings)
            .env("REDIS_URL", self.redis.url().expose_secret())
            .env("AUTH_PUBLIC_KEYS_DIR", self.keys.public_keys_dir())
            .env("AUTH_SIGNING_KEY_FILE", self.keys.signing_key_file())
            .env("SERVICE_TOKEN_FILE", self.keys.service_token_file())
            .env("SHOP_NAME", shop)
            .env("CACHE_POLICY_DIR", policies)
            .env("LISTEN_ADDR", address.to_string())
            .env("OPS_ADDR", ops.to_string())
            // Orders stay where they are, so that their later life is not counted as somebody else's request.
            .env("ORDER_PROCESSING_AFTER", "10h")
            .env("ORDER_SHIPPING_AFTER", "20h")
            .env("ORDER_DELIVERED_AFTER", "30h")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let server = Server { name, address, pid: process.id().context("it runs")?, _process: process };
        let began = tokio::time::Instant::now();
        while !is_ready(ops).await {
            ensure!(began.elapsed() < PATIENCE, "the {name} service does not get ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(server)
    }
}

async fn is_ready(ops: SocketAddr) -> bool {
    match Client::connect(ops).await {
        Ok(mut client) => client.get("/readyz").await.is_ok(),
        Err(_) => false,
    }
}

/// A service's binary, of the same profile as this one.
fn program(name: &str) -> anyhow::Result<std::path::PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    ensure!(program.exists(), "{} is not there: build it with the same profile", program.display());
    Ok(program)
}

fn database(postgres: &TestPostgres, role: &str) -> [(&'static str, String); 2] {
    [("DATABASE_URL", postgres.url(role, DATABASE)), ("ADMIN_DATABASE_URL", postgres.admin_url(DATABASE))]
}

async fn finish(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().await?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

/// The policies of a shop, with this one for products.
fn policy_folder(products: &Policy) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let caches =
        Policies::of(|name| if name == CacheName::Products { products.clone() } else { Policy::default_of(name) });
    let document = PolicyDocument { generation: 1, hash: caches.hash(), caches };
    std::fs::write(folder.path().join(DOCUMENT_FILE), serde_json::to_vec(&document)?)?;
    Ok(folder)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
