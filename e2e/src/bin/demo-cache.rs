//! `make demo-cache`: the caching patterns, call by call, on the running shop.

use std::process::ExitCode;

use clap::Parser;
use shopkeeper_e2e::cache_walk::{self, Walk};
use shopkeeper_e2e::cluster::Cluster;
use shopkeeper_e2e::printer::{Printer, describe};
use shopkeeper_e2e::shop::{ShopError, Visitor};

/// Shows each caching pattern at work, a stampede, and the shop without its Redis.
#[derive(Parser)]
struct Args {
    /// Where the shop is.
    #[arg(long, env = "SHOP_URL", default_value = "http://localhost:8080")]
    url: String,
    /// The namespace of the Store.
    #[arg(long, default_value = "shop")]
    namespace: String,
    /// The Store, which must be a demo (`spec.demo`).
    #[arg(long, default_value = "demo")]
    store: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match show(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe walk stopped: {}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

async fn show(args: &Args) -> Result<(), ShopError> {
    let cluster = Cluster::connect(&args.namespace, &args.store).await?;
    let visitor = Visitor::new(&args.url, Printer::default()).map_err(|source| ShopError::Unreachable {
        method: reqwest::Method::GET,
        path: args.url.clone(),
        source,
    })?;
    let mut walk = Walk::begin(&args.url, visitor, cluster).await?;
    cache_walk::walk(&mut walk).await
}
