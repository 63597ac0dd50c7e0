//! The settings of the cart service.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use shop_runtime::config::{CommonArgs, LogArgs, MigrateArgs, duration};

/// The shop's cart service: carts and checkouts.
#[derive(Debug, Parser)]
#[command(name = "cart", version)]
pub struct Cli {
    /// The form of the logs.
    #[command(flatten)]
    pub log: LogArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve requests and finish checkouts
    Serve(Box<ServeArgs>),
    /// Bring the database's schema up to date
    Migrate(MigrateArgs),
    /// Print the OpenAPI document
    Openapi,
}

/// Settings of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// What every service has.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Where requests are served
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8001")]
    pub listen_addr: SocketAddr,

    /// The catalog service
    #[arg(long, env = "CATALOG_URL")]
    pub catalog_url: String,

    /// The order service
    #[arg(long, env = "ORDER_URL")]
    pub order_url: String,

    /// The user service, which tells of ended sessions; without it access tokens are good until they are over by themselves
    #[arg(long, env = "USER_URL")]
    pub user_url: Option<String>,

    /// What this service settles by itself.
    #[command(flatten)]
    pub times: Times,
}

/// How long things take.
#[derive(Args, Clone, Copy, Debug)]
pub struct Times {
    /// How long one attempt of a call to a sibling may take
    #[arg(long, env = "SIBLING_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub sibling_timeout: Duration,

    /// How long a request for a checkout waits for its end before it is told to ask again; less than the 10 s that a request has
    #[arg(long, env = "CHECKOUT_WAIT", default_value = "8s", value_parser = duration)]
    pub checkout_wait: Duration,

    /// After so long without a step a checkout's driver is taken for dead; longer than a step with all its attempts
    #[arg(long, env = "CHECKOUT_LEASE", default_value = "15s", value_parser = duration)]
    pub checkout_lease: Duration,

    /// How often to look for checkouts that nobody drives; also their first rest after a step without an outcome
    #[arg(long, env = "CHECKOUT_SWEEP_EVERY", default_value = "1s", value_parser = duration)]
    pub checkout_sweep_every: Duration,

    /// After so long a checkout of which no order was asked for yet is given up, and what it had reserved is given back
    #[arg(long, env = "CHECKOUT_DEADLINE", default_value = "10m", value_parser = duration)]
    pub checkout_deadline: Duration,

    /// How long a user's cart is kept that nobody changes
    #[arg(long, env = "CARTS_KEPT", default_value = "365d", value_parser = duration)]
    pub carts_kept: Duration,

    /// How long the cart of somebody who has not logged in is kept; also the age of its cookie
    #[arg(long, env = "ANONYMOUS_CARTS_KEPT", default_value = "30d", value_parser = duration)]
    pub anonymous_carts_kept: Duration,

    /// How long the answer to an Idempotency-Key is kept
    #[arg(long, env = "IDEMPOTENCY_KEPT", default_value = "24h", value_parser = duration)]
    pub idempotency_kept: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Times {
    fn default() -> Self {
        Self {
            sibling_timeout: Duration::from_secs(2),
            checkout_wait: Duration::from_secs(8),
            checkout_lease: Duration::from_secs(15),
            checkout_sweep_every: Duration::from_secs(1),
            checkout_deadline: Duration::from_secs(10 * 60),
            carts_kept: 365 * DAY,
            anonymous_carts_kept: 30 * DAY,
            idempotency_kept: DAY,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
