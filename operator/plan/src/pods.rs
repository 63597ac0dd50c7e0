//! What a Store says of the pods of each part, with the profile filled in.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Toleration, TopologySpreadConstraint};
use shopkeeper_api::{PodSecurity, Pods, Scheduling, Spread, Store};

use crate::{
    Component, InvalidStore,
    compute::Compute,
    kubernetes_type::typed,
    meta::Labels,
    overlay::Overlay,
    security,
    shop::{DatabaseKind, RedisKind},
};

/// The parts of a shop that have pods, or containers in those of another part, of the operator's own making.
const WITH_PODS: [Component; 20] = [
    Component::Catalog,
    Component::Cart,
    Component::Order,
    Component::User,
    Component::Gateway,
    Component::Postgres,
    Component::Redis,
    Component::Migrate,
    Component::Seed,
    Component::Backup,
    Component::Prometheus,
    Component::Alertmanager,
    Component::Grafana,
    Component::Jaeger,
    Component::RedisExporter,
    Component::PostgresExporter,
    Component::GatewayExporter,
    Component::Locust,
    Component::PgAdmin,
    Component::RedisCommander,
];

/// What a Store says of the pods of one part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PodSettings {
    pub(crate) compute: Compute,
    pub(crate) placement: Placement,
    pub(crate) security: PodSecurity,
    pub(crate) overlay: Overlay,
}

/// Where pods may run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Placement {
    pub(crate) node_selector: BTreeMap<String, String>,
    pub(crate) tolerations: Vec<Toleration>,
    pub(crate) affinity: Option<Affinity>,
    pub(crate) spread: Option<Vec<Spread>>,
    pub(crate) priority_class_name: Option<String>,
}

/// What a Store says of the pods of all its parts.
pub(crate) fn pods(
    store: &Store,
    database: &DatabaseKind,
    redis: &RedisKind,
) -> Result<BTreeMap<Component, PodSettings>, InvalidStore> {
    let spec = &store.spec;
    let services = &spec.services;
    let nothing = Pods::default();
    let jobs = spec.jobs.as_ref().unwrap_or(&nothing);
    let (monitoring, load_test) = (spec.monitoring(), spec.load_test());
    let resolve = |component: Component| {
        let profile = Compute::of(spec.profile, component);
        let (asked, compute) = match component {
            Component::Catalog => (&services.catalog.pods, profile),
            Component::Cart => (&services.cart.pods, profile),
            Component::Order => (&services.order.block.pods, profile),
            Component::User => (&services.user.block.pods, profile),
            Component::Gateway => (&spec.gateway.pods, profile),
            Component::Postgres => match database {
                DatabaseKind::Managed(managed) => (&managed.pods, profile),
                DatabaseKind::External | DatabaseKind::CloudNativePg(_) => (&nothing, profile),
            },
            Component::Redis => match redis {
                RedisKind::Managed(managed) => (&managed.pods, profile.holding(&managed.max_memory)),
                RedisKind::External => (&nothing, profile),
            },
            Component::Prometheus => (&monitoring.prometheus.pods, profile),
            Component::Alertmanager => (&monitoring.alertmanager.pods, profile),
            Component::Grafana => (&monitoring.grafana.pods, profile),
            Component::Jaeger => (&monitoring.tracing.pods, profile.keeping_traces(monitoring.tracing.max_traces)),
            Component::RedisExporter | Component::PostgresExporter => (&monitoring.exporters.pods, profile),
            Component::Locust => (&load_test.pods, profile),
            Component::PgAdmin => (&monitoring.tools.pg_admin.pods, profile),
            Component::RedisCommander => (&monitoring.tools.redis_commander.pods, profile),
            // It is in the gateway's pods, which are spoken of there.
            Component::GatewayExporter => (&nothing, profile),
            Component::Migrate | Component::Seed | Component::Backup | Component::Shop => (jobs, profile),
        };
        settings(component, asked, compute).map(|settings| (component, settings))
    };
    WITH_PODS.into_iter().map(resolve).collect()
}

fn settings(component: Component, asked: &Pods, profile: Compute) -> Result<PodSettings, InvalidStore> {
    let path = component.spec_path();
    let compute = profile
        .overridden(asked.resources.as_deref())
        .map_err(|source| InvalidStore::Resources { path: path.into(), source })?;
    let placement = asked.scheduling.as_deref().map(|scheduling| placement(path, scheduling)).transpose()?;
    let security = security::checked(path, asked.security_context.as_deref())?;
    let overlay = asked.pod_template.as_deref().map(|template| Overlay::read(path, template)).transpose()?;
    let overlay = overlay.unwrap_or_default();
    let overlay = match component {
        // The other Jobs have containers that are named by services, which can be spoken of there.
        Component::Backup => overlay.with_whole_containers_only(),
        // Their pods share one block.
        Component::RedisExporter => overlay.without_container_of(Component::PostgresExporter),
        Component::PostgresExporter => overlay.without_container_of(Component::RedisExporter),
        _ => overlay,
    };
    Ok(PodSettings { compute, placement: placement.unwrap_or_default(), security, overlay })
}

fn placement(path: &str, asked: &Scheduling) -> Result<Placement, InvalidStore> {
    let Scheduling { node_selector, tolerations, affinity, topology_spread_constraints, priority_class_name } = asked;
    let affinity = affinity.as_ref().map(typed).transpose();
    Ok(Placement {
        node_selector: node_selector.clone(),
        tolerations: tolerations.iter().map(toleration).collect(),
        affinity: affinity.map_err(|problem| InvalidStore::NotOfKubernetes {
            path: format!("{path}.scheduling.affinity"),
            problem,
        })?,
        spread: topology_spread_constraints.clone(),
        priority_class_name: priority_class_name.clone(),
    })
}

fn toleration(asked: &shopkeeper_api::Toleration) -> Toleration {
    let shopkeeper_api::Toleration { key, operator, value, effect, toleration_seconds } = asked;
    Toleration {
        key: key.clone(),
        operator: Some(operator.as_str().into()),
        value: value.clone(),
        effect: effect.map(|effect| effect.as_str().into()),
        toleration_seconds: *toleration_seconds,
    }
}

impl Placement {
    /// How pods with these labels are spread: over nodes, as far as there are several, where nothing else is asked for.
    pub(crate) fn spread(&self, selected: &Labels) -> Vec<TopologySpreadConstraint> {
        let over = |key: &str, skew: i32, otherwise: &str| TopologySpreadConstraint {
            max_skew: skew,
            topology_key: key.into(),
            when_unsatisfiable: otherwise.into(),
            label_selector: Some(crate::meta::selecting(selected)),
            ..TopologySpreadConstraint::default()
        };
        match &self.spread {
            None => vec![over("kubernetes.io/hostname", 1, "ScheduleAnyway")],
            Some(asked) => {
                asked.iter().map(|it| over(&it.topology_key, it.max_skew, it.when_unsatisfiable.as_str())).collect()
            }
        }
    }
}
