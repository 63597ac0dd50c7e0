//! Where the shop's figures are, and how Prometheus is told.
//!
//! Pods have no token with which they could ask the API server, so Prometheus finds them by the addresses that a headless Service's name has.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use serde_json::{Value, json};

use super::jaeger::{METRICS_PORT, SPAN_METRICS_PORT};
use crate::{Component, Found, SERVICES, Shop, meta, pod::OPS_PORT, service::service_port};

/// Label of Services whose pods have figures: under which job these are collected.
pub(super) const SCRAPES_JOB: &str = "shopkeeper.dev/job";

/// The job of the operator's own figures, also at its Service in the chart.
pub(super) const OPERATOR_JOB: &str = "operator";

/// Where figures are.
struct Target {
    job: &'static str,
    host: String,
    port: i32,
    path: &'static str,
    /// Whether the name has the address of each pod.
    each_pod: bool,
}

/// The headless Service of a component.
fn headless_name(shop: &Shop, component: Component) -> String {
    format!("{}-pods", shop.child(component))
}

/// The port of a component's figures, and what it is called in the pod.
const fn figures(component: Component) -> (&'static str, i32) {
    match component {
        Component::Gateway => ("metrics", Component::GatewayExporter.port()),
        _ => ("ops", OPS_PORT as i32),
    }
}

/// The job of a part whose figures are had at its own Service.
pub(super) const fn job(component: Component) -> Option<&'static str> {
    match component {
        Component::RedisExporter => Some("redis"),
        Component::PostgresExporter => Some("postgres"),
        Component::Jaeger => Some("jaeger"),
        Component::Alertmanager => Some("alertmanager"),
        Component::Locust => Some("locust"),
        _ => None,
    }
}

/// Notes on a Service under which job its figures are collected.
pub(super) fn note_job(service: &mut Service, job: &str) {
    service.metadata.labels.get_or_insert_default().insert(SCRAPES_JOB.into(), job.into());
}

/// The names that have the address of each pod of the services and the gateway, ready or not.
pub(super) fn services(shop: &Shop) -> Vec<Service> {
    let headless = |component: Component| {
        let (name, port) = figures(component);
        let mut service = Service {
            metadata: meta::owned(shop, headless_name(shop, component), component),
            spec: Some(ServiceSpec {
                type_: Some("ClusterIP".into()),
                cluster_ip: Some("None".into()),
                publish_not_ready_addresses: Some(true),
                selector: Some(meta::selector_labels(shop, component)),
                ports: Some(vec![service_port(name, port)]),
                ..ServiceSpec::default()
            }),
            ..Service::default()
        };
        note_job(&mut service, component.as_str());
        service
    };
    SERVICES.into_iter().chain([Component::Gateway]).map(headless).collect()
}

fn targets(shop: &Shop, found: &Found) -> Vec<Target> {
    let pods = SERVICES.into_iter().chain([Component::Gateway]).map(|component| Target {
        job: component.into(),
        host: headless_name(shop, component),
        port: figures(component).1,
        path: "/metrics",
        each_pod: true,
    });
    let one = |component: Component, port: i32, path: &'static str| {
        let made = shop.has(component, found);
        job(component).filter(|_| made).map(|job| Target {
            job,
            host: shop.child(component),
            port,
            path,
            each_pod: false,
        })
    };
    let others = [
        one(Component::RedisExporter, Component::RedisExporter.port(), "/metrics"),
        one(Component::PostgresExporter, Component::PostgresExporter.port(), "/metrics"),
        one(Component::Jaeger, METRICS_PORT, "/metrics"),
        one(Component::Jaeger, SPAN_METRICS_PORT, "/metrics"),
        one(Component::Alertmanager, Component::Alertmanager.port(), "/alertmanager/metrics"),
        one(Component::Locust, Component::Locust.port(), "/locust/metrics"),
    ];
    let own = Target {
        job: "prometheus",
        host: "localhost".into(),
        port: Component::Prometheus.port(),
        path: "/prometheus/metrics",
        each_pod: false,
    };
    pods.chain(others.into_iter().flatten()).chain([own]).collect()
}

/// All of `prometheus.yml`.
pub(super) fn configuration(shop: &Shop, found: &Found) -> Value {
    let interval = shop.monitoring().prometheus.scrape_interval.to_string();
    let mut jobs: Vec<Value> = Vec::new();
    for target in targets(shop, found) {
        // Jaeger has two ports, which are one job.
        match jobs.iter_mut().find(|job| job["job_name"] == target.job) {
            Some(job) => {
                let more = json!(format!("{}:{}", target.host, target.port));
                job["static_configs"][0]["targets"].as_array_mut().into_iter().for_each(|all| all.push(more.clone()));
            }
            None => jobs.push(scrape_config(shop, &target, &interval)),
        }
    }
    jobs.extend(found.operator_metrics.as_ref().map(|address| operator(shop, address, &interval)));
    let mut document = json!({
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["/etc/prometheus/rules.yml"],
        "scrape_configs": jobs,
    });
    if shop.is_made(Component::Alertmanager) {
        let address = format!("{}:{}", shop.child(Component::Alertmanager), Component::Alertmanager.port());
        document["alerting"] = json!({
            "alertmanagers": [{"path_prefix": "/alertmanager", "static_configs": [{"targets": [address]}]}],
        });
    }
    document
}

fn scrape_config(shop: &Shop, target: &Target, interval: &str) -> Value {
    let Target { job, host, port, path, each_pod } = target;
    let mut config = json!({"job_name": job, "metrics_path": path, "relabel_configs": labels(shop)});
    if *each_pod {
        config["dns_sd_configs"] = json!([by_name(host, *port, interval)]);
    } else {
        config["static_configs"] = json!([{"targets": [format!("{host}:{port}")]}]);
    }
    config
}

fn by_name(host: &str, port: i32, interval: &str) -> Value {
    json!({"names": [host], "type": "A", "port": port, "refresh_interval": interval})
}

/// Whose figures they are.
fn labels(shop: &Shop) -> Value {
    json!([
        {"target_label": "namespace", "replacement": shop.namespace},
        {"target_label": "store", "replacement": shop.name},
    ])
}

/// The operator's own figures, and of those about Stores the ones about this Store.
fn operator(shop: &Shop, address: &str, interval: &str) -> Value {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "9090"));
    let port: i32 = port.parse().unwrap_or(i32::from(OPS_PORT));
    json!({
        "job_name": OPERATOR_JOB,
        "honor_labels": true,
        "params": {"namespace": [shop.namespace], "store": [shop.name]},
        "dns_sd_configs": [by_name(host, port, interval)],
        "relabel_configs": labels(shop),
        "metric_relabel_configs": [{
            "source_labels": ["namespace", "store"],
            "regex": format!("{};{}", shop.namespace, shop.name),
            "action": "keep",
        }],
    })
}
