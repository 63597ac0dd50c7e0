//! The cart service's process.

use clap::Parser as _;
use shop_cart::config::{Cli, Command};
use shop_cart::{MIGRATOR, NAME, app, routes};
use shop_runtime::telemetry;

shop_runtime::use_jemalloc!();

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.log.log_format);
    match cli.command {
        Command::Serve(args) => telemetry::exporting(NAME, app::run(*args)).await,
        Command::Migrate(args) => Ok(args.run(&MIGRATOR, NAME, NAME).await?),
        Command::Openapi => print_openapi(),
    }
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn print_openapi() -> anyhow::Result<()> {
    println!("{}", routes::openapi().to_pretty_json()?);
    Ok(())
}
