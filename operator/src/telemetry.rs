//! Structured logs, whose level can be changed while the process runs, and traces for whoever collects them.

use opentelemetry::{
    KeyValue,
    trace::{SpanContext, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use shop_exemplars::Place;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    reload,
    util::SubscriberInitExt as _,
};

use crate::args::LogFormat;

/// What is logged if `RUST_LOG` does not say.
const DEFAULT_LEVEL: &str = "info,kube_client=warn";

/// Where traces are sent; without it none are made.
const ENDPOINT: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// What was started.
pub struct Telemetry {
    /// What is logged.
    pub level: LogLevel,
    traces: Option<SdkTracerProvider>,
}

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Traces are asked for and cannot be sent.
    #[error("traces cannot be sent to the endpoint of OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// This process has its logs already.
    #[error("the logs were started already")]
    Logs(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging to standard output, `RUST_LOG` says how much; and tracing, if `OTEL_EXPORTER_OTLP_ENDPOINT` says where to.
/// Needs a running tokio.
pub fn init(format: LogFormat, identity: &str) -> Result<Telemetry, TelemetryError> {
    let (filter, level) =
        LogLevel::new(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LEVEL)));
    let lines = fmt::layer().with_writer(std::io::stdout);
    let lines = match format {
        // All spans, as the outer ones say which Store and which trace.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let provider = is_wanted().then(|| provider(identity)).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false).with_filter(ours)
    });
    Registry::default().with(lines.with_filter(filter)).with(spans).try_init()?;
    Ok(Telemetry { level, traces: provider })
}

fn is_wanted() -> bool {
    ENDPOINT.into_iter().any(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()))
}

fn provider(identity: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder().with_tonic().build()?;
    let resource = Resource::builder()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", identity.to_owned()),
        ])
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

impl Telemetry {
    /// Sends what was not sent yet. It waits for the collector, so it must not be called on a thread that serves tasks.
    pub fn flush(&self) {
        if let Some(traces) = &self.traces
            && let Err(error) = traces.shutdown()
        {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Notes the trace on a span that has an empty field `trace_id`, so that its log lines say it, also where the trace is sent to nobody.
pub fn note_trace(span: &Span) {
    if let Some(place) = place_of(span) {
        span.record("trace_id", tracing::field::display(place.trace_id()));
    }
}

/// Where a span is in a trace, if it is in one.
fn place_of(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let place = context.span().span_context().clone();
    place.is_valid().then_some(place)
}

/// A trace by which a figure is explained.
#[derive(Clone, Copy, Debug)]
pub struct Example(u128);

impl Example {
    /// That of a span, if it is in one that is sent to anybody.
    pub fn of(span: &Span) -> Option<Self> {
        let place = place_of(span).filter(SpanContext::is_sampled)?;
        Some(Self(u128::from_be_bytes(place.trace_id().to_bytes())))
    }

    /// That of whatever is done here and now.
    pub fn here() -> Option<Self> {
        Self::of(&Span::current())
    }
}

impl Place for Example {
    fn collected(&self) -> Option<u128> {
        Some(self.0)
    }
}

/// What is logged. Clones are of the same logs.
#[derive(Clone, Debug)]
pub struct LogLevel {
    handle: reload::Handle<EnvFilter, Registry>,
}

/// Why a log level cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum LevelError {
    /// It is not one.
    #[error(
        "{0:?} says no level: write off, error, warn, info, debug or trace, or for parts of the program target=level, with commas between"
    )]
    NoLevel(String),
    /// It cannot be read.
    #[error("{0}: write for example info,shopkeeper_operator=debug")]
    Unreadable(#[from] tracing_subscriber::filter::ParseError),
    /// There are no logs any more.
    #[error("there are no logs any more: {0}")]
    Gone(#[from] reload::Error),
}

impl LogLevel {
    /// A filter, and the way to change it.
    pub fn new(filter: EnvFilter) -> (reload::Layer<EnvFilter, Registry>, Self) {
        let (filter, handle) = reload::Layer::new(filter);
        (filter, Self { handle })
    }

    /// What is logged now.
    pub fn get(&self) -> String {
        self.handle.with_current(ToString::to_string).unwrap_or_default()
    }

    /// Logs this from now on.
    pub fn set(&self, directives: &str) -> Result<(), LevelError> {
        // A word that is no level would be taken for a part of the program, and everything else would be silent.
        for directive in directives.split(',') {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
            if level.trim().parse::<LevelFilter>().is_err() || level.trim().is_empty() {
                return Err(LevelError::NoLevel(directive.trim().to_owned()));
            }
        }
        let filter = EnvFilter::builder().parse(directives)?;
        Ok(self.handle.reload(filter)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_name_a_trace_that_is_sent_to_nobody_and_it_is_no_example() {
        let provider = SdkTracerProvider::builder().with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff).build();
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let _guard = Registry::default().with(layer).with(spans).set_default();
        let span = tracing::info_span!("reconcile", trace_id = tracing::field::Empty);
        note_trace(&span);
        span.in_scope(|| tracing::info!("done"));
        assert!(Example::of(&span).is_none());
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("trace_id="), "{text}");
    }

    #[test]
    fn the_level_changes_while_it_runs_and_nonsense_leaves_it_as_it_is() {
        let (filter, level) = LogLevel::new(EnvFilter::new("info"));
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_filter(filter);
        let _guard = Registry::default().with(layer).set_default();
        tracing::debug!("before");
        level.set("warn,shopkeeper_operator=debug").unwrap();
        tracing::debug!("after");
        for nonsense in ["", "loud", "shopkeeper_operator", "shopkeeper_operator=loud", "info,,debug", "a[=info"] {
            assert!(level.set(nonsense).is_err(), "{nonsense:?}");
        }
        assert_eq!(level.get(), "shopkeeper_operator=debug,warn");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("after") && !text.contains("before"), "{text}");
    }
}
