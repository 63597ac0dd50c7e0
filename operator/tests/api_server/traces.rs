//! Traces of reconciles, as a collector gets them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use nix::sys::signal::Signal;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use serde_json::json;
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use crate::support::{Process, World, eventually, kubeconfig_path};

/// A collector that keeps what it gets.
#[derive(Clone, Default)]
struct Collector {
    got: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.got.lock().expect("no panic").push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Starts one, and says where it listens.
    fn start(&self) -> String {
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).expect("a port");
        let address = incoming.local_addr().expect("an address");
        let service = TraceServiceServer::new(self.clone());
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let got = self.got.lock().expect("no panic");
        let scopes = got.iter().flat_map(|request| &request.resource_spans).flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    fn services(&self) -> Vec<String> {
        let got = self.got.lock().expect("no panic");
        let resources = got.iter().flat_map(|request| &request.resource_spans).filter_map(|it| it.resource.as_ref());
        resources.filter_map(|resource| text(&resource.attributes, "service.name")).collect()
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()?;
    if let Value::StringValue(text) = value { Some(text.clone()) } else { None }
}

fn hex(id: &[u8]) -> String {
    hex::encode(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reconcile_is_a_trace_with_its_steps_and_its_log_lines_name_it() {
    let collector = Collector::default();
    let endpoint = collector.start();
    let world = World::new("traces").await;
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let mut operator =
        Process::start_with(&world, &kubeconfig_path().await.display().to_string(), "traced", 300, &environment);
    operator.until("working").await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let (_, page) = operator.get_as("/metrics", "application/openmetrics-text;version=1.0.0").await;
    let (_, plain) = operator.get("/metrics").await;
    operator.signal(Signal::SIGTERM);
    assert_eq!(operator.end().await.code(), Some(0), "{}", operator.log());

    let spans = collector.spans();
    assert!(collector.services().iter().all(|name| name == "shopkeeper-operator"));
    let by_id: HashMap<_, _> = spans.iter().map(|span| (span.span_id.clone(), span)).collect();
    let roots: Vec<_> = spans.iter().filter(|span| span.name == "reconcile").collect();
    assert!(!roots.is_empty(), "no reconcile among {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    for root in &roots {
        assert!(root.parent_span_id.is_empty());
        assert_eq!(text(&root.attributes, "store").as_deref(), Some("traces/demo"));
        assert_eq!(text(&root.attributes, "outcome").as_deref(), Some("ok"));
    }
    for (name, parent) in [
        ("dereference", "reconcile"),
        ("plan", "reconcile"),
        ("apply", "reconcile"),
        ("status", "reconcile"),
        ("child", "apply"),
    ] {
        let found = spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"));
        assert_eq!(by_id[&found.parent_span_id].name, parent, "{name}");
    }
    let child = spans.iter().find_map(|span| text(&span.attributes, "child")).expect("a child");
    assert!(child.contains("traces/demo"), "{child}");

    let log = operator.log();
    let applied = log.lines().find(|line| line.contains("\"message\":\"applied\"")).expect("a line");
    let traces: Vec<String> = roots.iter().map(|root| hex(&root.trace_id)).collect();
    assert!(traces.iter().any(|trace| applied.contains(&format!("\"trace_id\":\"{trace}\""))), "{applied}");

    // A time leads to the trace of what took it.
    for name in ["reconcile_duration", "queue_wait", "api_request_duration"] {
        let bucket = format!("operator_{name}_seconds_bucket");
        let lines: Vec<_> = page.lines().filter(|line| line.starts_with(&bucket)).collect();
        let examples: Vec<_> = lines.iter().filter_map(|line| line.split_once("# {trace_id=\"")?.1.get(..32)).collect();
        assert!(!examples.is_empty(), "no example at {lines:#?}");
        assert!(examples.iter().all(|trace| traces.iter().any(|it| it == trace)), "{examples:?} of {traces:?}");
    }
    assert!(!plain.contains("# {"), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_holds_nothing_up() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", nobody.local_addr().expect("an address"));
    let world = World::new("untraced").await;
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let mut operator =
        Process::start_with(&world, &kubeconfig_path().await.display().to_string(), "untraced", 300, &environment);
    operator.until("working").await;
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    operator.signal(Signal::SIGTERM);
    eventually("the Lease to be given back", || async {
        let log = operator.log();
        if log.contains("the Lease was given back") { Ok(()) } else { Err(log) }
    })
    .await;
    operator.end().await;
}
