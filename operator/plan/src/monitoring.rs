//! What watches the shop: one file for each child. All of it is applied after the shop itself, which is whole without it.

mod alertmanager;
mod asked;
mod check;
mod dashboards;
mod grafana;
mod jaeger;
mod operator_kinds;
mod part;
mod postgres_exporter;
mod prometheus;
mod redis_exporter;
mod rules;
mod scrape;
mod telegram;

use k8s_openapi::api::{
    core::v1::{ConfigMap, Service},
    networking::v1::NetworkPolicy,
};

use crate::{Component, Found, InvalidStore, Shop, load_test, network_policy::monitoring_policies, tools};

pub(crate) use check::{checked, checked_load_test};
pub use grafana::PASSWORD_KEY as GRAFANA_PASSWORD_KEY;
pub(crate) use jaeger::{METRICS_PORT as JAEGER_METRICS_PORT, OTLP_PORT, SPAN_METRICS_PORT};
pub use operator_kinds::{PrometheusRule, PrometheusRuleSpec, ServiceMonitor, ServiceMonitorSpec};
pub(crate) use part::{Contents, deployment, go_environment, part, web_service};
pub use part::{MonitoringPart, MonitoringPods};
pub use postgres_exporter::PASSWORD_KEY as MONITOR_PASSWORD_KEY;

/// What watches the shop.
#[derive(Clone, Debug)]
pub struct MonitoringParts {
    /// The parts with pods.
    pub parts: Vec<MonitoringPart>,
    /// Which connections of theirs are let through.
    pub network_policies: Vec<NetworkPolicy>,
    /// The names by which whoever collects figures finds all pods.
    pub scraped: Vec<Service>,
    /// The dashboards, for the shop's own Grafana or one that is there.
    pub dashboards: Option<ConfigMap>,
    /// What tells the cluster's own Prometheus where figures are.
    pub service_monitor: Option<ServiceMonitor>,
    /// The same of the operator's own figures.
    pub operator_monitor: Option<ServiceMonitor>,
    /// What tells it the rules.
    pub prometheus_rule: Option<PrometheusRule>,
    /// What is asked for and not made.
    pub left_out: Vec<LeftOut>,
}

/// Something that is asked for and not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// A stable word.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// Makes one part.
type Make = fn(&Shop, &Found) -> Result<MonitoringPart, InvalidStore>;

pub(crate) fn monitoring(shop: &Shop, found: &Found) -> Result<MonitoringParts, InvalidStore> {
    let scraped = shop.is_scraped(found);
    let by_operator = scraped && found.prometheus_operator;
    let mut parts = Vec::new();
    if shop.has_prometheus(found) {
        parts.push(prometheus::prometheus(shop, found)?);
    }
    let others: [(Component, Make); 8] = [
        (Component::Alertmanager, alertmanager::alertmanager),
        (Component::Grafana, grafana::grafana),
        (Component::Jaeger, jaeger::jaeger),
        (Component::RedisExporter, redis_exporter::redis_exporter),
        (Component::PostgresExporter, postgres_exporter::postgres_exporter),
        (Component::Locust, load_test::locust),
        (Component::PgAdmin, tools::pg_admin),
        (Component::RedisCommander, tools::redis_commander),
    ];
    for (component, make) in others {
        if shop.has(component, found) {
            parts.push(make(shop, found)?);
        }
    }
    Ok(MonitoringParts {
        parts,
        network_policies: monitoring_policies(shop, found),
        scraped: if scraped { scrape::services(shop) } else { Vec::new() },
        dashboards: (scraped || shop.has_grafana(found)).then(|| dashboards::dashboards(shop)),
        service_monitor: by_operator.then(|| operator_kinds::service_monitor(shop)),
        operator_monitor: by_operator.then(|| operator_kinds::operator_monitor(shop, found)).flatten(),
        prometheus_rule: by_operator.then(|| operator_kinds::prometheus_rule(shop, found)),
        left_out: asked::left_out(shop, found),
    })
}
