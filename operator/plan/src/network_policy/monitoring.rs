//! The connections of what watches the shop.

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule};

use super::{
    NAMESPACE_LABEL, anywhere, dns, from_pods, namespace, pods, policy, port, to, to_database, to_pods, to_port,
    to_redis,
};
use crate::{
    Component, Found, MONITORING, SERVICES, Shop, TelegramFound, meta,
    monitoring::{JAEGER_METRICS_PORT, OTLP_PORT, SPAN_METRICS_PORT},
    pod::OPS_PORT,
    url,
};

/// Label by which a namespace says that what runs in it may read the shop's figures.
const SCRAPES_LABEL: &str = "shopkeeper.dev/scrapes";

/// The policies of what watches the shop: made with it, after the shop.
pub(crate) fn policies(shop: &Shop, found: &Found) -> Vec<NetworkPolicy> {
    if !shop.network_policies {
        return Vec::new();
    }
    let made = MONITORING.into_iter().filter(|component| shop.has(*component, found));
    made.map(|component| {
        let to = std::iter::once(dns()).chain(outwards(shop, found, component));
        policy(shop, component, inwards(shop, found, component), to.collect())
    })
    .collect()
}

/// The shop's own Prometheus, and what runs in namespaces that are labelled for it, read figures.
pub(super) fn from_scrapers(shop: &Shop, number: i32) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: Some(vec![namespace(SCRAPES_LABEL, "true"), pods(meta::selector(shop, Component::Prometheus))]),
        ports: Some(vec![port(number)]),
    }
}

fn inwards(shop: &Shop, found: &Found, component: Component) -> Vec<NetworkPolicyIngressRule> {
    use Component::{Alertmanager, Gateway, Grafana, Jaeger, Locust, PgAdmin, Prometheus, RedisCommander};
    let from = |parts: &[Component]| {
        let made = parts.iter().copied().filter(|part| *part == Gateway || shop.has(*part, found));
        from_pods(shop, made, component.port())
    };
    match component {
        Prometheus => vec![from(&[Gateway, Grafana, Jaeger])],
        Alertmanager => vec![from(&[Gateway, Grafana]), from_scrapers(shop, component.port())],
        Grafana | PgAdmin | RedisCommander => vec![from(&[Gateway])],
        Locust => vec![from(&[Gateway]), from_scrapers(shop, component.port())],
        Jaeger => vec![
            from(&[Gateway, Grafana]),
            from_pods(shop, SERVICES.into_iter().chain([Gateway]), OTLP_PORT),
            from_scrapers(shop, JAEGER_METRICS_PORT),
            from_scrapers(shop, SPAN_METRICS_PORT),
        ],
        _ => vec![from_scrapers(shop, component.port())],
    }
}

fn outwards(shop: &Shop, found: &Found, component: Component) -> Vec<NetworkPolicyEgressRule> {
    use Component::{Alertmanager, Gateway, Grafana, Jaeger, Locust, PgAdmin, PostgresExporter, Prometheus};
    let made = |part: Component| shop.has(part, found).then(|| to_pods(shop, part));
    match component {
        Prometheus => to_figures(shop, found),
        Alertmanager => to_people(shop, found),
        Grafana => to_prometheus(shop, found).into_iter().chain(made(Jaeger)).chain(made(Alertmanager)).collect(),
        Jaeger => to_prometheus(shop, found).into_iter().collect(),
        Locust => vec![to_pods(shop, Gateway)],
        PgAdmin | PostgresExporter => to_database(shop, found).into_iter().collect(),
        _ => to_redis(shop, found).into_iter().collect(),
    }
}

/// To all that has figures, and to who is told of alerts.
fn to_figures(shop: &Shop, found: &Found) -> Vec<NetworkPolicyEgressRule> {
    let figures = [
        (Component::Gateway, Component::GatewayExporter.port()),
        (Component::RedisExporter, Component::RedisExporter.port()),
        (Component::PostgresExporter, Component::PostgresExporter.port()),
        (Component::Jaeger, JAEGER_METRICS_PORT),
        (Component::Jaeger, SPAN_METRICS_PORT),
        (Component::Alertmanager, Component::Alertmanager.port()),
        (Component::Locust, Component::Locust.port()),
    ];
    let services = SERVICES.into_iter().map(|service| to_port(shop, service, OPS_PORT.into()));
    let others = figures.into_iter().filter(|(part, _)| shop.has(*part, found));
    let operator = found.operator_metrics.as_ref().map(|address| {
        let number = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        to(vec![namespace(NAMESPACE_LABEL, &found.operator_namespace)], number.unwrap_or(i32::from(OPS_PORT)))
    });
    services.chain(others.map(|(part, number)| to_port(shop, part, number))).chain(operator).collect()
}

/// To those who are told of alerts, whose addresses are not known, only their ports.
fn to_people(shop: &Shop, found: &Found) -> Vec<NetworkPolicyEgressRule> {
    let asked = &shop.monitoring().alertmanager;
    let is_told = matches!(found.telegram, TelegramFound::Chat { .. });
    let telegram = asked.telegram.as_ref().filter(|_| is_told).map(|telegram| &telegram.api_url);
    telegram.into_iter().chain(&asked.watchdog_url).map(|url| anywhere(url::web_port(url))).collect()
}

fn to_prometheus(shop: &Shop, found: &Found) -> Option<NetworkPolicyEgressRule> {
    if shop.has_prometheus(found) {
        return Some(to_pods(shop, Component::Prometheus));
    }
    shop.prometheus_address(found).map(|url| anywhere(url::web_port(&url)))
}
