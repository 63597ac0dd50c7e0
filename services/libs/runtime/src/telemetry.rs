//! Logs: one line of JSON for each event on standard output, or text for people.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// The form of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A JSON object a line, for machines.
    #[default]
    Json,
    /// Text, for people.
    Text,
}

/// What is logged unless `RUST_LOG` says otherwise. PostgreSQL's notices that something exists already are noise.
const DEFAULT_FILTER: &str = "info,sqlx::postgres::notice=warn";

/// Starts the logs of this process. `RUST_LOG` chooses what is in them.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let logs = fmt().with_env_filter(filter).with_ansi(std::io::stdout().is_terminal());
    // A second start (in a test) keeps the first one's settings.
    let _ = match format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Text => logs.try_init(),
    };
}
