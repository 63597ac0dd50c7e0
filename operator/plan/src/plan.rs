//! All children of a shop.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, PodTemplateSpec, ServiceAccount},
    networking::v1::NetworkPolicy,
};

use crate::{
    BackupParts, CachePolicyParts, ClusterParts, Component, Found, GatewayParts, MigrateParts, MonitoringParts,
    PostgresParts, RedisParts, ServiceParts, Shop, Unplannable, auth_keys,
    backup::backup,
    cache_policy,
    cluster::cluster,
    gateway,
    migrate::migrate,
    monitoring::monitoring,
    named_secrets,
    network_policy::network_policies,
    postgres::postgres,
    redis::redis,
    seed::seed,
    service::service_parts,
    service_account::service_account,
    shop::{DatabaseKind, RedisKind},
};

/// All children of a shop.
///
/// Whoever applies it takes it apart without `..`, so that a child that is never applied does not compile.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The account of all pods.
    pub account: ServiceAccount,
    /// Public keys of access tokens.
    pub auth_keys: ConfigMap,
    /// What the pods are told of their caches.
    pub cache_policy: CachePolicyParts,
    /// The database, when it is managed.
    pub postgres: Option<PostgresParts>,
    /// Backups of a managed database, when there are any.
    pub backup: Option<BackupParts>,
    /// The database, when CloudNativePG runs it.
    pub cluster: Option<ClusterParts>,
    /// Redis, when it is managed.
    pub redis: Option<RedisParts>,
    /// The migration, which comes before any rollout.
    pub migrate: MigrateParts,
    /// The four services.
    pub services: Vec<ServiceParts>,
    /// The gateway.
    pub gateway: GatewayParts,
    /// Demo data, when there is to be any.
    pub seed: Option<Job>,
    /// Which connections are let through; none of them when all are.
    pub network_policies: Vec<NetworkPolicy>,
    /// What watches the shop.
    pub monitoring: MonitoringParts,
}

/// Plans all children of a shop.
pub fn plan(shop: &Shop, found: &Found) -> Result<Plan, Unplannable> {
    let services = shop.scales.iter().map(|(component, scale)| service_parts(shop, found, *component, *scale));
    let mut plan = Plan {
        account: service_account(shop),
        auth_keys: auth_keys::auth_keys(shop, found),
        cache_policy: cache_policy::cache_policy(shop, found),
        postgres: match &shop.database {
            DatabaseKind::Managed(managed) => Some(postgres(shop, found, managed)?),
            DatabaseKind::External | DatabaseKind::CloudNativePg(_) => None,
        },
        backup: match &shop.database {
            DatabaseKind::Managed(managed) => backup(shop, found, managed)?,
            DatabaseKind::External | DatabaseKind::CloudNativePg(_) => None,
        },
        cluster: match &shop.database {
            DatabaseKind::CloudNativePg(asked) => Some(cluster(shop, found, asked)?),
            DatabaseKind::Managed(_) | DatabaseKind::External => None,
        },
        redis: match &shop.redis {
            RedisKind::Managed(managed) => Some(redis(shop, found, managed)?),
            RedisKind::External => None,
        },
        migrate: migrate(shop, found)?,
        services: services.collect::<Result<_, _>>()?,
        gateway: gateway::gateway(shop, found)?,
        seed: shop.demo.map(|demo| seed(shop, demo)).transpose()?,
        network_policies: network_policies(shop, found),
        monitoring: monitoring(shop, found)?,
    };
    note_brought_in(shop, found, &mut plan);
    Ok(plan)
}

/// Notes on all templates of pods that go on running which Secrets and `ConfigMaps` of the user's own they are made with.
fn note_brought_in(shop: &Shop, found: &Found, plan: &mut Plan) {
    let note = |component, template: &mut PodTemplateSpec| named_secrets::note(shop, found, component, template);
    for service in &mut plan.services {
        note(service.component, &mut service.deployment.spec.get_or_insert_default().template);
    }
    note(Component::Gateway, &mut plan.gateway.deployment.spec.get_or_insert_default().template);
    for part in &mut plan.monitoring.parts {
        note(part.component, part.pods.template());
    }
    if let Some(postgres) = &mut plan.postgres {
        note(Component::Postgres, &mut postgres.stateful_set.spec.get_or_insert_default().template);
    }
    if let Some(redis) = &mut plan.redis {
        note(Component::Redis, &mut redis.stateful_set.spec.get_or_insert_default().template);
    }
}
