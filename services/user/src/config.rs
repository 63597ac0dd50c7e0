//! What the service can be told, as options or environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use shop_runtime::config::{CommonArgs, LogArgs, MigrateArgs, duration, secret};

use crate::domain::Lifetimes;

/// The shop's users: registration, login, profile, notifications
#[derive(Debug, Parser)]
#[command(name = "user", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to log it.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What the process can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM
    Serve(Box<ServeArgs>),
    /// Bring the database's schema up to date
    Migrate(MigrateArgs),
    /// Add the demo users that are missing
    Seed(SeedArgs),
    /// Print the OpenAPI document
    Openapi,
}

/// Settings of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// What every service has.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Where the gateway and siblings find this service
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8003")]
    pub listen_addr: SocketAddr,

    /// The cart service, for the profile
    #[arg(long, env = "CART_URL")]
    pub cart_url: String,

    /// The order service, for the profile
    #[arg(long, env = "ORDER_URL")]
    pub order_url: String,

    /// The private key that access tokens are signed with (Ed25519, PKCS#8 PEM)
    #[arg(long, env = "AUTH_SIGNING_KEY_FILE")]
    pub auth_signing_key_file: PathBuf,

    /// How long an access token is good for
    #[arg(long, env = "ACCESS_TOKEN_LIFETIME", default_value = "15m", value_parser = duration)]
    pub access_token_lifetime: Duration,

    /// How long a session lasts that nobody refreshes
    #[arg(long, env = "SESSION_IDLE_LIFETIME", default_value = "7d", value_parser = duration)]
    pub session_idle_lifetime: Duration,

    /// How long a session lasts at most
    #[arg(long, env = "SESSION_LIFETIME", default_value = "30d", value_parser = duration)]
    pub session_lifetime: Duration,
}

impl ServeArgs {
    pub(crate) const fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access: self.access_token_lifetime,
            idle: self.session_idle_lifetime,
            absolute: self.session_lifetime,
        }
    }
}

/// Settings of `seed`.
#[derive(Args, Clone, Debug)]
pub struct SeedArgs {
    /// The service's database: postgres://role:password@host:port/database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = secret)]
    pub database_url: SecretString,
}
