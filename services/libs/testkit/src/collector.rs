//! Somebody who collects traces.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use shop_runtime::telemetry;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::http::eventually;

/// A collector (OTLP over gRPC) that keeps what it gets.
#[derive(Clone, Debug, Default)]
pub struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

/// A span as it was collected.
#[derive(Clone, Debug, PartialEq)]
pub struct Collected {
    /// Its trace, as in a log line.
    pub trace: String,
    /// Itself.
    pub id: String,
    /// What it is below of; empty if it is the first of its trace.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// What part it has in the talk between two sides.
    pub kind: SpanKind,
    /// When it began and when it ended, in nanoseconds since 1970.
    pub time: (u64, u64),
    /// What it says, all of it as text.
    pub attributes: HashMap<String, String>,
    /// The spans that it is linked with.
    pub links: Vec<String>,
    /// What others have noted beside its place.
    pub trace_state: String,
    /// Whether it failed.
    pub failed: bool,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Starts one that works until the test's runtime ends; with its endpoint.
    pub fn start() -> (Self, String) {
        let collector = Self::default();
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
        let address = incoming.local_addr().expect("it has an address");
        let service = TraceServiceServer::new(collector.clone());
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        (collector, format!("http://{address}"))
    }

    /// The one that gets all spans of this process, on a runtime that outlives every test.
    pub fn of_this_process() -> &'static Self {
        static COLLECTOR: OnceLock<Collector> = OnceLock::new();
        COLLECTOR.get_or_init(|| {
            let (begun, collector) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime can be made").block_on(async {
                    let (collector, endpoint) = Self::start();
                    telemetry::export_to("test", &endpoint).expect("the endpoint is one");
                    begun.send(collector).expect("somebody waits for it");
                    std::future::pending::<()>().await;
                });
            });
            collector.recv().expect("it starts")
        })
    }

    /// The spans of one trace, once there are enough of them.
    pub async fn trace(&self, trace: &str, enough: impl Fn(&[Collected]) -> bool) -> Vec<Collected> {
        let mut found = Vec::new();
        eventually("the spans of the trace have come", async || {
            found = self.spans().into_iter().filter(|span| span.trace == trace).collect();
            enough(&found)
        })
        .await;
        // And not those that have come since, of which what they are below of may not have come yet.
        found
    }

    /// What it has got so far.
    pub fn spans(&self) -> Vec<Collected> {
        let got = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = got.iter().flat_map(|request| &request.resource_spans).flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).map(Collected::of).collect()
    }

    /// What the processes say of themselves, each time that they send something.
    pub fn resources(&self) -> Vec<HashMap<String, String>> {
        let got = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = got.iter().flat_map(|request| &request.resource_spans).filter_map(|it| it.resource.as_ref());
        resources.map(|resource| texts(&resource.attributes)).collect()
    }
}

impl Collected {
    fn of(span: &Span) -> Self {
        Self {
            trace: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            name: span.name.clone(),
            kind: span.kind(),
            time: (span.start_time_unix_nano, span.end_time_unix_nano),
            attributes: texts(&span.attributes),
            links: span.links.iter().map(|link| hex::encode(&link.span_id)).collect(),
            trace_state: span.trace_state.clone(),
            failed: span.status.as_ref().is_some_and(|status| status.code == 2),
        }
    }
}

fn texts(attributes: &[KeyValue]) -> HashMap<String, String> {
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    }
}
