//! Spans on their way to whoever collects them (OTLP over gRPC).
//!
//! Nothing waits for the collector: a span that has ended is put into a queue, and one that does not fit is dropped. The queue is emptied by a
//! thread of its own. What became of spans is counted.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter as Otlp, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter, SpanProcessor as _};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::sampling::Ratio;

/// How long the collector may take for a batch.
const EXPORT_WITHIN: Duration = Duration::from_secs(3);

/// How long the end of the process waits for the last spans.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// Spans that wait at most: those of a second or two under load, about a kilobyte each.
const QUEUE: usize = 8192;

/// Spans of a batch.
const BATCH: usize = 512;

/// How long a span waits for its batch to get full.
const EVERY: Duration = Duration::from_secs(1);

/// Begun once and never replaced: a process has one collector.
static EXPORT: OnceLock<Export> = OnceLock::new();

/// Spans that are in the queue. The processor knows as well, and tells nobody.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What became of spans. It is the process' own and not a registry's, as what exports them is.
#[expect(clippy::expect_used, reason = "its name and its labels are good ones")]
static SPANS: LazyLock<Spans> = LazyLock::new(|| {
    let opts = Opts::new("trace_spans_total", "Spans for the collector, by what became of them (sent, lost)");
    let all = IntCounterVec::new(opts, &["outcome"]).expect("a counter");
    let [sent, lost] = ["sent", "lost"].map(|outcome| all.with_label_values(&[outcome]));
    Spans { all, sent, lost }
});

#[derive(Debug)]
struct Spans {
    all: IntCounterVec,
    sent: IntCounter,
    lost: IntCounter,
}

#[derive(Debug)]
struct Export {
    processor: BatchSpanProcessor,
    sampling: Ratio,
    scope: InstrumentationScope,
}

/// Begins to export to this endpoint. Whoever comes second is not heard.
pub(super) fn begin(service: &'static str, endpoint: &str) -> Result<(), ExporterBuildError> {
    let exporter = Otlp::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_WITHIN).build()?;
    let queue = BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH);
    let config = queue.with_scheduled_delay(EVERY).build();
    let exporter = Watched { exporter, fails: AtomicBool::new(false) };
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    processor.set_resource(&resource(service));
    let (sampling, scope) = (Ratio::from_env(), InstrumentationScope::builder(env!("CARGO_PKG_NAME")).build());
    let _ = EXPORT.set(Export { processor, sampling, scope });
    tracing::info!(endpoint, "traces are exported");
    Ok(())
}

/// Who it is that the spans come from. What `OTEL_RESOURCE_ATTRIBUTES` says is added.
fn resource(service: &'static str) -> Resource {
    Resource::builder()
        .with_service_name(service)
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", super::pod()),
        ])
        .build()
}

/// Sends what was not sent yet, but waits no longer than it may.
pub(super) async fn end() {
    let Some(export) = EXPORT.get() else { return };
    let (done, ended) = tokio::sync::oneshot::channel();
    // Not one of Tokio's threads, which the end of the process would wait for.
    std::thread::spawn(move || done.send(export.processor.shutdown_with_timeout(FLUSH_WITHIN)));
    match tokio::time::timeout(FLUSH_WITHIN, ended).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans could not be sent"),
        Ok(Err(_)) | Err(_) => tracing::warn!("the last spans could not be sent in time"),
    }
}

/// Whether anybody collects.
pub(crate) fn is_on() -> bool {
    EXPORT.get().is_some()
}

/// Whether a trace that begins here is collected. Where nobody collects, that is for those further on to say.
pub(crate) fn keeps(trace: u128) -> bool {
    EXPORT.get().is_none_or(|export| export.sampling.keeps(trace))
}

/// The scope of all spans.
pub(crate) fn scope() -> InstrumentationScope {
    EXPORT.get().map(|export| export.scope.clone()).unwrap_or_default()
}

/// Registers `trace_spans_total{outcome}`.
pub(crate) fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    registry.register(Box::new(SPANS.all.clone()))
}

/// Sends a span that has ended, if the queue is not full.
pub(crate) fn send(span: SpanData) {
    let Some(export) = EXPORT.get() else { return };
    if WAITING.fetch_add(1, Ordering::Relaxed) < QUEUE {
        export.processor.on_end(span);
    } else {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        SPANS.lost.inc();
    }
}

/// An exporter that says when it begins and when it ceases to fail; the processor itself fails silently.
struct Watched<E> {
    exporter: E,
    fails: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        WAITING.fetch_sub(spans, Ordering::Relaxed);
        let outcome = self.exporter.export(batch).await;
        let counter = if outcome.is_ok() { &SPANS.sent } else { &SPANS.lost };
        counter.inc_by(spans as u64);
        let failed = self.fails.swap(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Err(error) if !failed => tracing::warn!(%error, "spans can't be exported, and are dropped"),
            Ok(()) if failed => tracing::info!("spans are exported again"),
            _ => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: fmt::Debug> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.exporter.fmt(f)
    }
}
