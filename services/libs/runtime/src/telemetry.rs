//! Logs: one line of JSON for each event on standard output, or text for people.

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

/// Starts the logs of this process. `RUST_LOG` chooses what is in them; `info` by default.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = fmt().with_env_filter(filter);
    // A second start (in a test) keeps the first one's settings.
    let _ = match format {
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Text => logs.try_init(),
    };
}
