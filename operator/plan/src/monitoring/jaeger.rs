//! A Jaeger that keeps traces in memory, and makes figures of them for its own page of services.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Container};
use serde_json::{Value, json};

use super::{Contents, MonitoringPart, deployment, go_environment, part, part::yaml, web_service};
use crate::{Component, Found, InvalidStore, Shop, hash::hash, meta, pod};

/// Where traces come in, by OTLP over gRPC.
pub(crate) const OTLP_PORT: i32 = 4317;
/// The same over HTTP, which nothing of the shop speaks.
const OTLP_HTTP_PORT: i32 = 4318;
/// Figures of Jaeger itself.
pub(crate) const METRICS_PORT: i32 = 8888;
/// Figures that are made of traces.
pub(crate) const SPAN_METRICS_PORT: i32 = 8889;
const HEALTH_PORT: i32 = 13133;

const CONFIG: &str = "/etc/jaeger";

pub(super) fn jaeger(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::Jaeger;
    let config = ConfigMap {
        metadata: meta::owned(shop, shop.child(component), component),
        data: Some(BTreeMap::from([("config.yaml".into(), yaml(&configuration(shop, found)))])),
        ..ConfigMap::default()
    };
    let contents = Contents {
        container: container(shop),
        volumes: vec![pod::config_folder("config", &shop.child(component)), pod::scratch("tmp", "64Mi")],
        hash: Some(hash(&config.data)),
    };
    let ports = [
        ("query", component.port()),
        ("otlp-grpc", OTLP_PORT),
        ("otlp-http", OTLP_HTTP_PORT),
        ("metrics", METRICS_PORT),
        ("span-metrics", SPAN_METRICS_PORT),
    ];
    let service = web_service(shop, component, &ports);
    Ok(MonitoringPart { config: Some(config), ..part(component, service, deployment(shop, component, contents)?) })
}

fn configuration(shop: &Shop, found: &Found) -> Value {
    let anywhere = |port: i32| format!("0.0.0.0:{port}");
    let mut document = json!({
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["jaeger_storage_exporter"]},
            },
            "telemetry": {
                "resource": {"service.name": "jaeger"},
                "metrics": {
                    "level": "detailed",
                    "readers": [{"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": METRICS_PORT}}}}],
                },
                "logs": {"level": "info", "encoding": "json"},
            },
        },
        "extensions": {
            "healthcheckv2": {"use_v2": true, "http": {"endpoint": anywhere(HEALTH_PORT)}},
            "jaeger_query": {
                "base_path": "/jaeger",
                "storage": {"traces": "memory"},
                "http": {"endpoint": anywhere(Component::Jaeger.port())},
            },
            "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": shop.monitoring().tracing.max_traces}}}},
        },
        "receivers": {"otlp": {"protocols": {
            "grpc": {"endpoint": anywhere(OTLP_PORT)},
            "http": {"endpoint": anywhere(OTLP_HTTP_PORT)},
        }}},
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
    });
    if let Some(prometheus) = shop.prometheus_address(found) {
        add_figures(&mut document, &prometheus, &anywhere(SPAN_METRICS_PORT));
    }
    document
}

/// Figures made of traces, by service and operation: collected as all others are, and asked for where these are.
fn add_figures(document: &mut Value, prometheus: &str, endpoint: &str) {
    let pipelines = &mut document["service"]["pipelines"];
    pipelines["traces"]["exporters"] = json!(["jaeger_storage_exporter", "spanmetrics"]);
    pipelines["metrics/spanmetrics"] = json!({"receivers": ["spanmetrics"], "exporters": ["prometheus"]});
    // Few buckets: each operation has all of them.
    document["connectors"] = json!({"spanmetrics": {
        "metrics_flush_interval": "15s",
        "metrics_expiration": "10m",
        "histogram": {"explicit": {"buckets": ["5ms", "25ms", "100ms", "500ms", "2s"]}},
    }});
    document["exporters"]["prometheus"] = json!({"endpoint": endpoint});
    document["extensions"]["jaeger_query"]["storage"]["metrics"] = json!("figures");
    document["extensions"]["jaeger_storage"]["metric_backends"] = json!({"figures": {"prometheus": {
        "endpoint": prometheus, "normalize_calls": true, "normalize_duration": true,
    }}});
}

fn container(shop: &Shop) -> Container {
    let component = Component::Jaeger;
    let mut env = go_environment(shop, component);
    // Most of what it holds are traces; twice of that is more than there is room for.
    env.push(pod::env("GOGC", "50"));
    Container {
        args: Some(vec!["--config".into(), format!("{CONFIG}/config.yaml")]),
        env: Some(env),
        ports: Some(vec![
            pod::port("query", component.port()),
            pod::port("otlp-grpc", OTLP_PORT),
            pod::port("otlp-http", OTLP_HTTP_PORT),
            pod::port("metrics", METRICS_PORT),
            pod::port("span-metrics", SPAN_METRICS_PORT),
            pod::port("health", HEALTH_PORT),
        ]),
        volume_mounts: Some(vec![pod::read_only_mount("config", CONFIG), pod::mount("tmp", "/tmp")]),
        startup_probe: Some(pod::path_probe("health", "/status", 1, 90)),
        readiness_probe: Some(pod::path_probe("health", "/status", 5, 3)),
        liveness_probe: Some(pod::path_probe("health", "/status", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
