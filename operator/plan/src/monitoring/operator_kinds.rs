//! What tells a Prometheus that the Prometheus Operator runs of the shop: its `ServiceMonitor` and `PrometheusRule`, as far as they are needed here.

use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{rules, scrape::SCRAPES_JOB};
use crate::{Component, INSTANCE_LABEL, Shop, meta};

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
    let interval = shop.monitoring().prometheus.scrape_interval.to_string();
    let labels = json!([
        {"targetLabel": "namespace", "replacement": shop.namespace},
        {"targetLabel": "store", "replacement": shop.name},
    ]);
    let endpoint =
        |(port, path): (&str, &str)| json!({"port": port, "path": path, "interval": interval, "relabelings": labels});
    ServiceMonitor {
        metadata: meta::owned(shop, shop.name.clone(), Component::Prometheus),
        spec: ServiceMonitorSpec {
            job_label: SCRAPES_JOB.into(),
            selector: json!({
                "matchLabels": {INSTANCE_LABEL: shop.name},
                "matchExpressions": [{"key": SCRAPES_JOB, "operator": "Exists"}],
            }),
            endpoints: PORTS.into_iter().map(endpoint).collect(),
        },
    }
}

pub(super) fn prometheus_rule(shop: &Shop) -> PrometheusRule {
    let mut rules = rules::rules(shop);
    let groups = rules["groups"].as_array_mut().map(std::mem::take).unwrap_or_default();
    PrometheusRule {
        metadata: meta::owned(shop, shop.name.clone(), Component::Prometheus),
        spec: PrometheusRuleSpec { groups },
    }
}
