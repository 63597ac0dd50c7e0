//! The user service's process.

use clap::Parser as _;
use shop_runtime::telemetry;
use shop_user::config::{Cli, Command};
use shop_user::{MIGRATOR, NAME, SCHEMA, app, routes, seed};

shop_runtime::use_jemalloc!();

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.log.log_format);
    match cli.command {
        Command::Serve(args) => telemetry::exporting(NAME, app::run(&args)).await,
        Command::Migrate(args) => Ok(args.run(&MIGRATOR, NAME, SCHEMA).await?),
        Command::Seed(args) => seed::run(&args.database_url).await,
        Command::Openapi => print_openapi(),
    }
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn print_openapi() -> anyhow::Result<()> {
    println!("{}", routes::openapi().to_pretty_json()?);
    Ok(())
}
