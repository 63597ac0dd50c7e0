//! Which connections the shop's pods may make and take: those that it needs and no others.
//!
//! Policies add up, so whoever needs another way, such as one for a container of their own, makes another policy. Probes come from the
//! node, which no policy holds up.

mod monitoring;

use k8s_openapi::{
    api::networking::v1::{
        NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
        NetworkPolicySpec,
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use crate::{
    Component, Found, MANAGED_BY, MANAGED_BY_LABEL, SERVICES, Shop,
    cluster::{CLUSTER_LABEL, cluster_name},
    gateway::{HTTPS_PORT, TOOLS},
    meta::{self, INSTANCE_LABEL, Labels},
    monitoring::OTLP_PORT,
    pod::OPS_PORT,
    shop::{DatabaseKind, RedisKind},
    url,
};

/// What every namespace is labelled with: its name.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

const DNS_PORT: i32 = 53;

/// The services that a service calls.
const fn calls(service: Component) -> &'static [Component] {
    match service {
        Component::Catalog => &[Component::User],
        Component::Cart => &[Component::Catalog, Component::Order, Component::User],
        Component::Order => &[Component::Catalog, Component::User],
        Component::User => &[Component::Cart, Component::Order],
        _ => &[],
    }
}

pub(crate) use monitoring::policies as monitoring_policies;

/// Those of the shop itself; what watches it has [its own](monitoring_policies).
pub(crate) fn network_policies(shop: &Shop, found: &Found) -> Vec<NetworkPolicy> {
    if !shop.network_policies {
        return Vec::new();
    }
    let mut policies = vec![nothing_else(shop)];
    policies.extend(SERVICES.map(|service| service_policy(shop, found, service)));
    policies.push(gateway_policy(shop, found));
    policies.extend(jobs(shop).map(|job| {
        let to = std::iter::once(dns()).chain(to_database(shop, found));
        policy(shop, job, Vec::new(), to.collect())
    }));
    if matches!(shop.database, DatabaseKind::Managed(_)) {
        let lookers = [Component::PostgresExporter, Component::PgAdmin].into_iter().filter(|it| shop.is_made(*it));
        let clients = SERVICES.into_iter().chain(jobs(shop)).chain(lookers);
        policies.push(store_policy(shop, Component::Postgres, clients));
    }
    if matches!(shop.redis, RedisKind::Managed(_)) {
        let lookers = [Component::RedisExporter, Component::RedisCommander].into_iter().filter(|it| shop.is_made(*it));
        policies.push(store_policy(shop, Component::Redis, SERVICES.into_iter().chain(lookers)));
    }
    policies
}

/// What runs once in a while and needs nothing but the database.
fn jobs(shop: &Shop) -> impl Iterator<Item = Component> {
    let backup = shop.backup().map(|_| Component::Backup);
    [Component::Migrate, Component::Seed].into_iter().chain(backup)
}

/// What no other policy lets through does not get through.
fn nothing_else(shop: &Shop) -> NetworkPolicy {
    let all = Labels::from([(INSTANCE_LABEL.into(), shop.name.clone()), (MANAGED_BY_LABEL.into(), MANAGED_BY.into())]);
    NetworkPolicy {
        metadata: meta::owned(shop, shop.child(Component::Shop), Component::Shop),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(meta::selecting(&all)),
            policy_types: Some(vec!["Ingress".into(), "Egress".into()]),
            ..NetworkPolicySpec::default()
        }),
    }
}

fn service_policy(shop: &Shop, found: &Found, service: Component) -> NetworkPolicy {
    let callers = SERVICES.into_iter().filter(|it| calls(*it).contains(&service)).chain([Component::Gateway]);
    let from = vec![
        from_pods(shop, callers, service.port()),
        // Profiles.
        from_pods(shop, [Component::Gateway], OPS_PORT.into()),
        from_watchers(shop, found, OPS_PORT.into()),
    ];
    let mut to = vec![dns()];
    to.extend(to_collector(shop));
    to.extend(calls(service).iter().map(|callee| to_pods(shop, *callee)));
    to.extend(to_database(shop, found));
    to.extend(to_redis(shop, found));
    policy(shop, service, from, to)
}

fn gateway_policy(shop: &Shop, found: &Found) -> NetworkPolicy {
    let mut open = vec![port(Component::Gateway.port())];
    if shop.own_certificate().is_some() {
        open.push(port(HTTPS_PORT));
    }
    let from_anywhere = NetworkPolicyIngressRule { from: None, ports: Some(open) };
    let mut from = vec![from_anywhere, from_watchers(shop, found, OPS_PORT.into())];
    if shop.is_made(Component::GatewayExporter) {
        from.push(monitoring::from_scrapers(shop, Component::GatewayExporter.port()));
    }
    let mut to = vec![dns()];
    to.extend(SERVICES.map(|service| to_pods(shop, service)));
    to.extend(SERVICES.map(|service| to_port(shop, service, OPS_PORT.into())));
    to.extend(to_collector(shop));
    to.extend(TOOLS.into_iter().filter(|(tool, _)| shop.has(*tool, found)).map(|(tool, _)| to_pods(shop, tool)));
    policy(shop, Component::Gateway, from, to)
}

/// Traces are sent to the collector, where there is one.
fn to_collector(shop: &Shop) -> Option<NetworkPolicyEgressRule> {
    shop.collector().map(|_| to_port(shop, Component::Jaeger, OTLP_PORT))
}

/// Database and Redis answer, and ask nobody.
fn store_policy(shop: &Shop, store: Component, clients: impl IntoIterator<Item = Component>) -> NetworkPolicy {
    policy(shop, store, vec![from_pods(shop, clients, store.port())], Vec::new())
}

fn policy(
    shop: &Shop,
    component: Component,
    from: Vec<NetworkPolicyIngressRule>,
    to: Vec<NetworkPolicyEgressRule>,
) -> NetworkPolicy {
    NetworkPolicy {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(meta::selector(shop, component)),
            policy_types: Some(vec!["Ingress".into(), "Egress".into()]),
            ingress: Some(from).filter(|rules| !rules.is_empty()),
            egress: Some(to).filter(|rules| !rules.is_empty()),
        }),
    }
}

fn from_pods(shop: &Shop, from: impl IntoIterator<Item = Component>, to: i32) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: Some(from.into_iter().map(|component| pods(meta::selector(shop, component))).collect()),
        ports: Some(vec![port(to)]),
    }
}

/// The operator asks pods which cache policies they run; the shop's own monitoring, and that of namespaces which are labelled for it, reads
/// figures.
fn from_watchers(shop: &Shop, found: &Found, number: i32) -> NetworkPolicyIngressRule {
    let mut rule = monitoring::from_scrapers(shop, number);
    rule.from.get_or_insert_default().insert(0, namespace(NAMESPACE_LABEL, &found.operator_namespace));
    rule
}

fn namespace(label: &str, value: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(meta::selecting(&Labels::from([(label.into(), value.into())]))),
        ..NetworkPolicyPeer::default()
    }
}

fn to_pods(shop: &Shop, component: Component) -> NetworkPolicyEgressRule {
    to_port(shop, component, component.port())
}

fn to_port(shop: &Shop, component: Component, number: i32) -> NetworkPolicyEgressRule {
    to(vec![pods(meta::selector(shop, component))], number)
}

fn to_database(shop: &Shop, found: &Found) -> Option<NetworkPolicyEgressRule> {
    let port = Component::Postgres.port();
    match &shop.database {
        DatabaseKind::Managed(_) => Some(to_pods(shop, Component::Postgres)),
        DatabaseKind::CloudNativePg(_) => {
            let labels = Labels::from([(CLUSTER_LABEL.into(), cluster_name(shop))]);
            Some(to(vec![pods(meta::selecting(&labels))], port))
        }
        DatabaseKind::External => found.external_database.as_ref().map(|url| anywhere(url::port(url, port))),
    }
}

fn to_redis(shop: &Shop, found: &Found) -> Option<NetworkPolicyEgressRule> {
    match &shop.redis {
        RedisKind::Managed(_) => Some(to_pods(shop, Component::Redis)),
        RedisKind::External => {
            found.external_redis.as_ref().map(|url| anywhere(url::port(url, Component::Redis.port())))
        }
    }
}

fn to(peers: Vec<NetworkPolicyPeer>, number: i32) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: Some(peers), ports: Some(vec![port(number)]) }
}

/// A server whose address is not known, only its port.
fn anywhere(number: i32) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule { to: None, ports: Some(vec![port(number)]) }
}

/// Where the cluster's DNS is differs from cluster to cluster.
fn dns() -> NetworkPolicyEgressRule {
    let ports = ["UDP", "TCP"].map(|protocol| NetworkPolicyPort { protocol: Some(protocol.into()), ..port(DNS_PORT) });
    NetworkPolicyEgressRule { to: None, ports: Some(ports.into()) }
}

fn pods(selector: LabelSelector) -> NetworkPolicyPeer {
    NetworkPolicyPeer { pod_selector: Some(selector), ..NetworkPolicyPeer::default() }
}

fn port(number: i32) -> NetworkPolicyPort {
    NetworkPolicyPort { port: Some(IntOrString::Int(number)), protocol: Some("TCP".into()), end_port: None }
}
