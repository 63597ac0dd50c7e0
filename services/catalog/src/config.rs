//! The command line, every option of which is an environment variable too.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use shop_runtime::config::{CommonArgs, LogArgs, MigrateArgs, duration, secret};
use shop_runtime::db::DbConfig;

use crate::domain::assortment;

/// The catalog of a Shopkeeper shop: products, categories and stock.
#[derive(Debug, Parser)]
#[command(name = "catalog", version)]
pub struct Cli {
    /// The form of the logs
    #[command(flatten)]
    pub log: LogArgs,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one, and it is read once")]
pub enum Command {
    /// Serve until SIGTERM
    Serve(ServeArgs),
    /// Make or update the schema, then end
    Migrate(MigrateArgs),
    /// Add the demo products that were never there, then end
    Seed(SeedArgs),
    /// Print the OpenAPI document
    Openapi,
}

/// Settings of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Settings that every service has
    #[command(flatten)]
    pub common: CommonArgs,

    /// Where to serve
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8000")]
    pub listen_addr: SocketAddr,

    /// The user service, which tells of ended sessions; without it access tokens are good until they are over by themselves
    #[arg(long, env = "USER_URL")]
    pub user_url: Option<String>,

    /// How long stock is kept for an order that is neither committed nor released. Whoever reserves goes on until it is one of
    /// both, so this is only for orders that were forgotten
    #[arg(long, env = "RESERVATION_LIFETIME", default_value = "24h", value_parser = duration)]
    pub reservation_lifetime: Duration,

    /// How often to look for reservations that were forgotten
    #[arg(long, env = "RESERVATION_SWEEP_EVERY", default_value = "5s", value_parser = duration)]
    pub reservation_sweep_every: Duration,

    /// The most sockets (`/ws`) of this process
    #[arg(long, env = "WEBSOCKET_CONNECTIONS", default_value_t = 1_000)]
    pub websocket_connections: usize,
}

/// Settings of `seed`.
#[derive(Args, Clone, Debug)]
pub struct SeedArgs {
    /// The service's database: postgres://role:password@host:port/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: SecretString,

    /// The demo products have the numbers from 1 to this
    #[arg(long, env = "DEMO_PRODUCTS", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(..=i64::from(assortment::LARGEST)))]
    pub products: u32,
}

impl SeedArgs {
    /// A seed may take its time, and wait for another that is at it.
    pub fn db(&self) -> DbConfig {
        let patience = Duration::from_secs(60);
        let config = DbConfig::new(self.database_url.clone(), crate::NAME, crate::NAME);
        DbConfig { statement_timeout: patience, lock_timeout: patience, max_connections: 1, ..config }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_seed_never_reaches_the_numbers_of_other_products() {
        let seed = |products| Cli::try_parse_from(["catalog", "seed", "--database-url", "x", "--products", products]);
        assert!(seed("1000000").is_ok());
        assert!(seed("1000001").is_err());
    }
}
