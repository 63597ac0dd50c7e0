//! Logs: one line of JSON for each event on standard output, or text for people. And spans, if somebody collects them.

pub(crate) mod export;
mod sampling;

use std::future::Future;
use std::io::IsTerminal as _;

use clap::ValueEnum;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::Chain;

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
    // A second start (in a test) keeps the first one's settings.
    let _ = match format {
        LogFormat::Json => json(filter, std::io::stdout).try_init(),
        LogFormat::Text => fmt().with_env_filter(filter).with_ansi(std::io::stdout().is_terminal()).finish().try_init(),
    };
}

/// Where spans are sent; without it none are made.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Spans can't be exported.
#[derive(Debug, thiserror::Error)]
#[error("no traces are exported: {ENDPOINT} has to be of the form http://host:port")]
pub struct ExportError(#[from] opentelemetry_otlp::ExporterBuildError);

/// Does the work of this service. Its spans are exported if `OTEL_EXPORTER_OTLP_ENDPOINT` says where to, and at the end the last of them are sent,
/// which is waited for no longer than two seconds. Must be called within a Tokio runtime.
pub async fn exporting<T>(service: &'static str, work: impl Future<Output = T>) -> T {
    if let Some(endpoint) = std::env::var(ENDPOINT).ok().filter(|endpoint| !endpoint.is_empty())
        && let Err(error) = export_to(service, &endpoint)
    {
        // A shop that sells without traces is better than one that does not sell.
        tracing::error!(error = %Chain(&error), endpoint);
    }
    let done = work.await;
    flush().await;
    done
}

/// Exports the spans of this process to an endpoint, from now on.
pub fn export_to(service: &'static str, endpoint: &str) -> Result<(), ExportError> {
    Ok(export::begin(service, endpoint)?)
}

/// Sends the spans that were not sent yet, and none after them. Waits for the collector for two seconds at most.
pub async fn flush() {
    export::end().await;
}

/// The name of the pod that this process is in, if it is said.
pub(crate) fn named_pod() -> Option<String> {
    std::env::var("POD_NAME").ok().filter(|name| !name.is_empty())
}

/// The same, or the name of the machine.
pub(crate) fn pod() -> String {
    named_pod().or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "unknown".to_owned())
}

/// A JSON object for each line, with the fields of the span that it was written in: of the request, its ids among them.
fn json<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = fmt().with_env_filter(filter).with_ansi(false).json();
    lines.flatten_event(true).with_current_span(true).with_span_list(false).with_writer(writer).finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;
    use crate::layers::{self, Limits};
    use crate::metrics::HttpMetrics;
    use crate::{Context, trace};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn of_message(&self, message: &str) -> Value {
            let text = String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("text");
            let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object"));
            lines.find(|line| line["message"] == message).expect("the line was written")
        }
    }

    #[tokio::test]
    async fn every_line_of_a_request_names_its_trace_also_from_tasks_of_its_own() {
        async fn handler() -> &'static str {
            tracing::info!("in the handler");
            let task = Context::current().without_deadline().scope(async { tracing::info!("in a task") });
            tokio::spawn(task).await.expect("no panic");
            "done"
        }
        let lines = Lines::default();
        let writer = lines.clone();
        let _guard = tracing::subscriber::set_default(json(EnvFilter::new("debug"), move || writer.clone()));
        let metrics = HttpMetrics::register(&prometheus::Registry::new(), "test").expect("new");
        let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
        let request = http::Request::get("/")
            .header(trace::HEADER, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            .header("x-request-id", "the-request");
        layers::wrap(Router::new().route("/", get(handler)), metrics, limits)
            .oneshot(request.body(axum::body::Body::empty()).expect("valid"))
            .await
            .expect("infallible");
        for message in ["in the handler", "in a task", "request served"] {
            let line = lines.of_message(message);
            assert_eq!(line["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
            assert_eq!(line["span"]["request_id"], "the-request", "{line}");
        }
    }
}
