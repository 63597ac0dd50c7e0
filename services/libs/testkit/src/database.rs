//! A database for each test, copied from one that was migrated once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use shop_runtime::db::{self, DbConfig};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::postgres::TestPostgres;

type Template = Arc<OnceCell<String>>;

/// The migrated database of each schema.
static TEMPLATES: Mutex<Option<HashMap<&'static str, Template>>> = Mutex::new(None);

/// Copying a template fails while anyone is connected to it, another copier included.
static COPYING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A database of a test's own, with a schema that is migrated and owned by the service's role.
#[derive(Debug)]
pub struct TestDb {
    server: &'static TestPostgres,
    name: String,
    schema: &'static str,
    pool: PgPool,
}

impl TestDb {
    /// A fresh copy of the schema; the role has the schema's name, as everywhere in the shop.
    pub async fn new(migrator: &Migrator, schema: &'static str) -> Self {
        let server = TestPostgres::shared().await;
        let template = template(schema);
        let template = template.get_or_init(|| make_template(server, migrator, schema)).await;
        let name = unique("shop_test");
        {
            let _one_at_a_time = COPYING.lock().await;
            let mut admin = server.admin().await;
            run(&mut admin, format!(r#"CREATE DATABASE "{name}" TEMPLATE "{template}""#)).await;
        }
        let pool = db::connect(&config(server.url(schema, &name), schema)).expect("the URL is right");
        Self { server, name, schema, pool }
    }

    /// Connections as the service has them.
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The service's `DATABASE_URL`.
    pub fn url(&self) -> SecretString {
        self.server.url(self.schema, &self.name).into()
    }

    /// The service's `DATABASE_URL` by way of a proxy.
    pub fn url_by(&self, proxy: SocketAddr) -> SecretString {
        let url = self.server.url(self.schema, &self.name);
        url.replace(&self.server.address().to_string(), &proxy.to_string()).into()
    }

    /// Where the server listens, to put a proxy before it.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The superuser's URL of this database, for tests of what needs one.
    pub fn admin_url(&self) -> SecretString {
        self.server.admin_url(&self.name).into()
    }
}

impl Drop for TestDb {
    /// A server of our own goes with its data; on another's, nothing is left behind.
    fn drop(&mut self) {
        if !self.server.is_external() {
            return;
        }
        let (server, statement) = (self.server, format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { run(&mut server.admin().await, statement).await });
        });
        let _ = dropping.join();
    }
}

fn template(schema: &'static str) -> Template {
    let mut templates = TEMPLATES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Arc::clone(templates.get_or_insert_default().entry(schema).or_default())
}

/// A database with the schema of the service, made just as `migrate` makes it in production.
async fn make_template(server: &'static TestPostgres, migrator: &Migrator, schema: &'static str) -> String {
    let name = unique("shop_template");
    run(&mut server.admin().await, format!(r#"CREATE DATABASE "{name}""#)).await;
    let admin_url = SecretString::from(server.admin_url(&name));
    shop_runtime::migrate::migrate(migrator, &config(server.url(schema, &name), schema), Some(&admin_url))
        .await
        .expect("the migrations apply to an empty schema");
    name
}

fn config(url: String, schema: &'static str) -> DbConfig {
    DbConfig { max_connections: 8, ..DbConfig::new(url.into(), "test", schema) }
}

fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}

async fn run(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.expect("the superuser may do this");
}
