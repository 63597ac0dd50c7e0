//! The settings that every service has, as command line options and environment variables at once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use sqlx::migrate::Migrator;

use crate::db::DbConfig;
use crate::migrate::{self, MigrationError};
use crate::telemetry::LogFormat;

/// Settings of `serve` that are the same for every service. A service adds its own, `LISTEN_ADDR` (with its port) among them.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Where metrics and probes are served; never behind the gateway
    #[arg(long, env = "OPS_ADDR", default_value = "0.0.0.0:9090")]
    pub ops_addr: SocketAddr,

    /// The service's database: postgres://role:password@host:port/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: SecretString,

    /// The most database connections of this process
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value_t = 10)]
    pub database_max_connections: u32,

    /// Redis, which may be away at any time: redis://:password@host:port
    #[arg(long, env = "REDIS_URL", hide_env_values = true, value_parser = secret)]
    pub redis_url: Option<SecretString>,

    /// Folder of the Ed25519 public keys, <kid>.pem each, of which access tokens may be signed with any
    #[arg(long, env = "AUTH_PUBLIC_KEYS_DIR")]
    pub auth_public_keys_dir: PathBuf,

    /// File with the secret that services prove themselves with to each other
    #[arg(long, env = "SERVICE_TOKEN_FILE")]
    pub service_token_file: PathBuf,

    /// What the shop is called, so that shops can share a Redis: <namespace>/<name>
    #[arg(long, env = "SHOP_NAME", default_value = "shop")]
    pub shop_name: String,

    /// Folder with the caches' policies (policy.json), watched; the defaults hold without it
    #[arg(long, env = "CACHE_POLICY_DIR")]
    pub cache_policy_dir: Option<PathBuf>,

    /// Whether the shop is a demo, in which anyone may look at any customer's recommendations and invalidate caches
    #[arg(long, env = "SHOP_DEMO", default_value_t = false, action = clap::ArgAction::Set)]
    pub demo: bool,

    /// How long requests may still run after SIGTERM
    #[arg(long, env = "SHUTDOWN_GRACE", default_value = "20s", value_parser = humantime::parse_duration)]
    pub shutdown_grace: Duration,
}

impl CommonArgs {
    /// How the service uses its database.
    pub fn db(&self, application: &'static str, schema: &'static str) -> DbConfig {
        let config = DbConfig::new(self.database_url.clone(), application, schema);
        DbConfig { max_connections: self.database_max_connections, ..config }
    }
}

/// Settings of `migrate`.
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    /// The service's database: postgres://role:password@host:port/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: SecretString,

    /// The same database as its administrator: role and schema are made first if it is given
    #[arg(long, env = "ADMIN_DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub admin_database_url: Option<SecretString>,
}

impl MigrateArgs {
    /// Brings the service's schema up to date.
    pub async fn run(
        &self,
        migrator: &Migrator,
        application: &'static str,
        schema: &'static str,
    ) -> Result<(), MigrationError> {
        let config = DbConfig::new(self.database_url.clone(), application, schema);
        migrate::migrate(migrator, &config, self.admin_database_url.as_ref()).await
    }
}

/// Settings of the process, whatever it does.
#[derive(Args, Clone, Copy, Debug)]
pub struct LogArgs {
    /// The form of the logs
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,
}

/// A clap parser for values that must not be shown.
pub fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

/// A clap parser for durations such as `15m`.
pub fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}
