//! The command line, every option of which is an environment variable too.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use shop_runtime::config::{CommonArgs, LogArgs, MigrateArgs, duration};

use crate::domain::lifecycle::{Lifecycle, LifecycleError};

/// The orders of a Shopkeeper shop, from the checkout to the doorstep.
#[derive(Debug, Parser)]
#[command(name = "order", version)]
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
pub enum Command {
    /// Serve until SIGTERM, and move orders meanwhile
    Serve(Box<ServeArgs>),
    /// Make or update the schema, then end
    Migrate(MigrateArgs),
    /// Print the OpenAPI document
    Openapi,
}

/// Settings of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// What every service has
    #[command(flatten)]
    pub common: CommonArgs,

    /// Where requests are served
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8002")]
    pub listen_addr: SocketAddr,

    /// The user service, which is told of every move of an order
    #[arg(long, env = "USER_URL")]
    pub user_url: String,

    /// The catalog, which is told of what was sold
    #[arg(long, env = "CATALOG_URL")]
    pub catalog_url: String,

    /// How long one attempt of a call to a sibling may take
    #[arg(long, env = "SIBLING_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub sibling_timeout: Duration,

    /// When orders move
    #[command(flatten)]
    pub times: Times,
}

/// When orders move and when they are deleted.
#[derive(Args, Clone, Copy, Debug)]
pub struct Times {
    /// How long after its creation an order is being processed
    #[arg(long, env = "ORDER_PROCESSING_AFTER", default_value = "5s", value_parser = duration)]
    pub processing_after: Duration,

    /// How long after its creation an order is shipped
    #[arg(long, env = "ORDER_SHIPPING_AFTER", default_value = "15s", value_parser = duration)]
    pub shipping_after: Duration,

    /// How long after its creation an order is delivered
    #[arg(long, env = "ORDER_DELIVERED_AFTER", default_value = "30s", value_parser = duration)]
    pub delivered_after: Duration,

    /// How long after its end an order is deleted
    #[arg(long, env = "ORDER_DELETE_AFTER", default_value = "720h", value_parser = duration)]
    pub delete_after: Duration,

    /// How often to look for orders whose time has come
    #[arg(long, env = "ORDER_CLOCK_EVERY", default_value = "500ms", value_parser = duration)]
    pub clock_every: Duration,
}

impl Times {
    /// The times as the life of an order.
    pub fn lifecycle(&self) -> Result<Lifecycle, LifecycleError> {
        Lifecycle::new(self.processing_after, self.shipping_after, self.delivered_after)
    }

    /// How often to look for orders to delete: often enough for the time to mean something, not more than once a second.
    pub fn delete_every(&self) -> Duration {
        (self.delete_after / 10).clamp(Duration::from_secs(1), Duration::from_secs(600))
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
