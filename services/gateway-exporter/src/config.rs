//! The command line, every option of which is an environment variable too.

use std::net::SocketAddr;

use clap::{Args, Parser};
use shop_runtime::config::LogArgs;

/// Metrics and spans of the gateway, from the log of its nginx.
#[derive(Debug, Parser)]
#[command(name = "gateway-exporter", version)]
pub struct Cli {
    /// The form of the logs
    #[command(flatten)]
    pub log: LogArgs,
    /// What to do
    #[command(flatten)]
    pub args: ExporterArgs,
}

/// Settings of the exporter.
#[derive(Args, Clone, Debug)]
pub struct ExporterArgs {
    /// Where nginx sends its log to (`access_log syslog:server=...`)
    #[arg(long, env = "LOG_ADDR", default_value = "127.0.0.1:9514")]
    pub log_addr: SocketAddr,

    /// Where metrics and the probe are served
    #[arg(long, env = "OPS_ADDR", default_value = "0.0.0.0:9091")]
    pub ops_addr: SocketAddr,

    /// Where nginx tells of its connections
    #[arg(long, env = "STUB_STATUS_URL", default_value = "http://127.0.0.1:9090/stub_status")]
    pub stub_status_url: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
