//! The gateway's spans, with the ids that nginx has given them.

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _};

use crate::line::{Method, Request, Service};

/// How long the last spans may take to be sent.
const LAST: Duration = Duration::from_secs(3);

/// Where spans go: they are sent in batches from a thread of its own, and dropped when there are too many to be sent in time.
#[derive(Debug)]
pub struct Spans {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Spans {
    /// To this collector, by OTLP over gRPC. Needs a running tokio.
    pub fn to(endpoint: &str, pod: &str) -> Result<Self, ExporterBuildError> {
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        // What `OTEL_RESOURCE_ATTRIBUTES` says is in it too.
        let mut resource = Resource::builder()
            .with_service_name(crate::NAME)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        if !pod.is_empty() {
            resource = resource.with_attribute(KeyValue::new("service.instance.id", pod.to_owned()));
        }
        processor.set_resource(&resource.build());
        let scope =
            InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { processor, scope })
    }

    /// Sends the span of a request, if its trace is kept.
    pub fn served(&self, request: &Request) {
        if request.trace.sampled {
            self.processor.on_end(span(request, self.scope.clone()));
        }
    }

    /// Sends what was not sent yet. It waits for the collector, so it must not be called on a thread that serves tasks.
    pub fn flush(&self) {
        if let Err(error) = self.processor.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

fn span(request: &Request, instrumentation_scope: InstrumentationScope) -> SpanData {
    let trace = &request.trace;
    SpanData {
        span_context: SpanContext::new(trace.trace, trace.span, TraceFlags::SAMPLED, false, TraceState::default()),
        parent_span_id: trace.parent.unwrap_or(SpanId::INVALID),
        parent_span_is_remote: trace.parent.is_some(),
        span_kind: SpanKind::Server,
        name: name(request),
        start_time: request.ended.checked_sub(request.took).unwrap_or(request.ended),
        end_time: request.ended,
        attributes: attributes(request),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        // Only what is the server's fault is an error of its span.
        status: if request.status >= 500 { Status::error("") } else { Status::Unset },
        instrumentation_scope,
    }
}

/// The method and who the request was for: paths would be as many names as there are products.
fn name(request: &Request) -> Cow<'static, str> {
    let method: &'static str = if request.method == Method::Other { "HTTP" } else { request.method.into() };
    match request.service {
        Service::None => method.into(),
        service => format!("{method} {}", <&str>::from(service)).into(),
    }
}

fn attributes(request: &Request) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", <&str>::from(request.method)),
        KeyValue::new("url.path", request.path.clone()),
        KeyValue::new("url.scheme", request.scheme),
        KeyValue::new("http.response.size", i64::try_from(request.bytes).unwrap_or(i64::MAX)),
        KeyValue::new("shop.request.id", request.id.clone()),
    ];
    if request.status >= 100 {
        attributes.push(KeyValue::new("http.response.status_code", i64::from(request.status)));
    }
    if request.status >= 500 {
        attributes.push(KeyValue::new("error.type", request.status.to_string()));
    }
    if request.service != Service::None {
        attributes.push(KeyValue::new("shop.service", <&str>::from(request.service)));
    }
    if let Some(took) = request.upstream.took {
        attributes.push(KeyValue::new("shop.upstream.seconds", took.as_secs_f64()));
        attributes.push(KeyValue::new(
            "shop.upstream.failures",
            i64::try_from(request.upstream.failures).unwrap_or(i64::MAX),
        ));
    }
    attributes
}
