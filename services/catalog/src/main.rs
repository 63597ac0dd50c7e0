//! The catalog's process.

use clap::Parser as _;
use shop_catalog::config::{Cli, Command, SeedArgs};
use shop_catalog::{MIGRATOR, NAME, app, routes, seed};
use shop_runtime::telemetry;

shop_runtime::use_jemalloc!();

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.log.log_format);
    match cli.command {
        Command::Serve(args) => telemetry::exporting(NAME, app::run(args, shop_book::router())).await,
        Command::Migrate(args) => Ok(args.run(&MIGRATOR, NAME, NAME).await?),
        Command::Seed(args) => fill(&args).await,
        Command::Openapi => print_openapi(),
    }
}

async fn fill(args: &SeedArgs) -> anyhow::Result<()> {
    let pool = app::connect(&args.db())?;
    let started = tokio::time::Instant::now();
    let added = seed::run(&pool, args.products).await?;
    let sales = seed::sales(&pool, args.products, time::OffsetDateTime::now_utc()).await?;
    let commented = seed::comments(&pool, args.products).await?;
    tracing::info!(
        added,
        products = args.products,
        sales,
        commented,
        duration_ms = started.elapsed().as_millis(),
        "seeded"
    );
    pool.close().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
fn print_openapi() -> anyhow::Result<()> {
    println!("{}", routes::openapi().to_pretty_json()?);
    Ok(())
}
