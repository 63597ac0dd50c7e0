//! What tells a Prometheus that the Prometheus Operator runs of the shop: its `ServiceMonitor` and `PrometheusRule`, as far as they are needed here.

use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    rules,
    scrape::{OPERATOR_JOB, SCRAPES_JOB},
};
use crate::{Component, Found, INSTANCE_LABEL, MANAGED_BY, MANAGED_BY_LABEL, Shop, meta};

/// Where figures are.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "monitoring.coreos.com",
    version = "v1",
    kind = "ServiceMonitor",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    doc = "Where figures are, for the Prometheus Operator."
)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMonitorSpec {
    /// Label of a Service whose value is the job.
    pub job_label: String,
    /// Where these Services are, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<Value>,
    /// Which Services.
    pub selector: Value,
    /// Which of their ports.
    pub endpoints: Vec<Value>,
}

/// Recording rules and alerts.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "monitoring.coreos.com",
    version = "v1",
    kind = "PrometheusRule",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    doc = "Recording rules and alerts, for the Prometheus Operator."
)]
pub struct PrometheusRuleSpec {
    /// The groups.
    pub groups: Vec<Value>,
}

/// The ports of figures, and their paths.
const PORTS: [(&str, &str); 5] = [
    ("ops", "/metrics"),
    ("metrics", "/metrics"),
    ("span-metrics", "/metrics"),
    ("alertmanager", "/alertmanager/metrics"),
    ("locust", "/locust/metrics"),
];

pub(super) fn service_monitor(shop: &Shop) -> ServiceMonitor {
    let (interval, labels) = (interval(shop), labels(shop));
    let endpoint =
        |(port, path): (&str, &str)| json!({"port": port, "path": path, "interval": interval, "relabelings": labels});
    ServiceMonitor {
        metadata: meta::owned(shop, shop.name.clone(), Component::Prometheus),
        spec: ServiceMonitorSpec {
            job_label: SCRAPES_JOB.into(),
            namespace_selector: None,
            selector: json!({
                // An operator that is installed under the Store's name beside it has a monitor of its own.
                "matchLabels": {INSTANCE_LABEL: shop.name, MANAGED_BY_LABEL: MANAGED_BY},
                "matchExpressions": [{"key": SCRAPES_JOB, "operator": "Exists"}],
            }),
            endpoints: PORTS.into_iter().map(endpoint).collect(),
        },
    }
}

fn interval(shop: &Shop) -> String {
    shop.monitoring().prometheus.scrape_interval.to_string()
}

/// Whose figures they are.
fn labels(shop: &Shop) -> Value {
    json!([
        {"targetLabel": "namespace", "replacement": shop.namespace},
        {"targetLabel": "store", "replacement": shop.name},
    ])
}

/// Where the operator's own figures are, and of those about Stores the ones about this Store; `None` where it is not known.
pub(super) fn operator_monitor(shop: &Shop, found: &Found) -> Option<ServiceMonitor> {
    let address = found.operator_metrics.as_ref()?;
    let mut names = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).split('.');
    let service = names.next()?;
    let namespace = names.next().unwrap_or(&found.operator_namespace);
    let mut relabelings = vec![json!({
        "sourceLabels": ["__meta_kubernetes_service_name"], "regex": service, "action": "keep",
    })];
    relabelings.extend(labels(shop).as_array().into_iter().flatten().cloned());
    Some(ServiceMonitor {
        metadata: meta::owned(shop, format!("{}-operator", shop.name), Component::Prometheus),
        spec: ServiceMonitorSpec {
            job_label: SCRAPES_JOB.into(),
            namespace_selector: Some(json!({"matchNames": [namespace]})),
            selector: json!({"matchLabels": {SCRAPES_JOB: OPERATOR_JOB}}),
            endpoints: vec![json!({
                "port": "metrics",
                "path": "/metrics",
                "interval": interval(shop),
                "honorLabels": true,
                "params": {"namespace": [shop.namespace], "store": [shop.name]},
                "relabelings": relabelings,
                "metricRelabelings": [{
                    "sourceLabels": ["namespace", "store"],
                    "regex": format!("{};{}", shop.namespace, shop.name),
                    "action": "keep",
                }],
            })],
        },
    })
}

pub(super) fn prometheus_rule(shop: &Shop, found: &Found) -> PrometheusRule {
    let mut rules = rules::rules(shop, found);
    let groups = rules["groups"].as_array_mut().map(std::mem::take).unwrap_or_default();
    PrometheusRule {
        metadata: meta::owned(shop, shop.name.clone(), Component::Prometheus),
        spec: PrometheusRuleSpec { groups },
    }
}
