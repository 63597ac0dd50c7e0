//! All children of a shop.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ConfigMap, ServiceAccount},
};

use crate::{
    CachePolicyParts, Found, GatewayParts, InvalidUrl, MigrateParts, PostgresParts, RedisParts, ServiceParts, Shop,
    auth_keys, cache_policy, gateway,
    migrate::migrate,
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
}

/// Plans all children of a shop.
pub fn plan(shop: &Shop, found: &Found) -> Result<Plan, InvalidUrl> {
    let services = shop.services.iter().map(|(component, settings)| service_parts(shop, found, *component, settings));
    Ok(Plan {
        account: service_account(shop),
        auth_keys: auth_keys::auth_keys(shop, found),
        cache_policy: cache_policy::cache_policy(shop, found),
        postgres: match &shop.database {
            DatabaseKind::Managed(managed) => Some(postgres(shop, found, managed)),
            DatabaseKind::External => None,
        },
        redis: match &shop.redis {
            RedisKind::Managed(managed) => Some(redis(shop, found, managed)),
            RedisKind::External => None,
        },
        migrate: migrate(shop, found)?,
        services: services.collect::<Result<_, _>>()?,
        gateway: gateway::gateway(shop, found),
        seed: shop.demo.map(|demo| seed(shop, demo)),
    })
}
