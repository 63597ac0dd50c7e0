//! The exporter's process.

use clap::Parser as _;
use shop_gateway_exporter::NAME;
use shop_gateway_exporter::app::App;
use shop_gateway_exporter::config::{Cli, ExporterArgs};
use shop_runtime::serve::shutdown_on_signal;
use shop_runtime::telemetry;

shop_runtime::use_jemalloc!();

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    telemetry::init(cli.log.log_format);
    // Figures name traces only where somebody collects these.
    telemetry::exporting(NAME, serve(&cli.args)).await
}

async fn serve(args: &ExporterArgs) -> anyhow::Result<()> {
    let app = App::build(args).await?;
    app.run(shutdown_on_signal()?).await;
    Ok(())
}
