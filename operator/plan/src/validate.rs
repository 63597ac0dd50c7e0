//! Checks a Store, in case one slipped past the API server, and fills in what it leaves out.

use std::collections::BTreeMap;

use shop_policy::{CacheName, InvalidPolicy};
use shopkeeper_api::{Autoscaling, Duration, Lifecycle, ServiceBlock, Store};

use crate::{
    Component, ImageDefaults, KeyRotation, Shop, cache_policy,
    compute::{Compute, RequestAboveLimit},
    shop::{DatabaseKind, RedisKind, Scale, ServiceSettings},
};

/// Why a Store cannot be run. Each sentence says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStore {
    /// Metadata that the API server always sets is missing.
    #[error("the Store has no {0}: it was not read from a cluster")]
    NotFromCluster(&'static str),
    /// The name cannot begin the names of the children.
    #[error(
        "{0:?} cannot begin the names of all that belongs to the shop: write at most 40 lower-case letters, digits and dashes"
    )]
    Name(String),
    /// Both or neither.
    #[error("spec.{0}: write exactly one of managed and external")]
    ManagedOrExternal(&'static str),
    /// Minimum above maximum.
    #[error("spec.services.{service}.autoscaling: minReplicas must not be greater than maxReplicas")]
    Autoscaling {
        /// The service.
        service: Component,
    },
    /// Both replicas and autoscaling.
    #[error("spec.services.{service}: write either replicas or autoscaling")]
    ReplicasAndAutoscaling {
        /// The service.
        service: Component,
    },
    /// Resources that contradict themselves.
    #[error("spec.services.{service}.resources: {source}")]
    Resources {
        /// The service.
        service: Component,
        /// What contradicts what.
        source: RequestAboveLimit,
    },
    /// An order that would move backwards.
    #[error(
        "spec.services.order.lifecycle: the times must rise: processingAfter < shippingAfter < deliveredAfter < deleteAfter"
    )]
    Lifecycle,
    /// A token that is never or always valid.
    #[error("spec.services.user.accessTokenLifetime: write a time from 1m to 24h")]
    AccessTokenLifetime,
    /// A signing key that would be replaced all the time.
    #[error("spec.services.user.signingKeyRotation: write a time from 1h to 8760h, or 0s for never")]
    SigningKeyRotation,
    /// A host or origin that would not be one.
    #[error("spec.gateway: {0:?} is not a host name or an origin")]
    Gateway(String),
    /// A cache policy that contradicts itself.
    #[error("spec.cache.policies.{cache}: {source}")]
    CachePolicy {
        /// The cache.
        cache: CacheName,
        /// What is wrong.
        source: InvalidPolicy,
    },
}

/// Checks a Store and resolves its profile.
pub fn validate(store: &Store, image_defaults: &ImageDefaults) -> Result<Shop, InvalidStore> {
    let spec = &store.spec;
    let name = store.metadata.name.clone().ok_or(InvalidStore::NotFromCluster("name"))?;
    if !is_name(&name) {
        return Err(InvalidStore::Name(name));
    }
    let database = match (spec.database().managed, spec.database().external) {
        (Some(managed), None) => DatabaseKind::Managed(managed),
        (None, Some(_)) => DatabaseKind::External,
        _ => return Err(InvalidStore::ManagedOrExternal("database")),
    };
    let redis = match (spec.redis().managed, spec.redis().external) {
        (Some(managed), None) => RedisKind::Managed(managed),
        (None, Some(_)) => RedisKind::External,
        _ => return Err(InvalidStore::ManagedOrExternal("redis")),
    };
    check_lifecycle(&spec.services.order.lifecycle)?;
    check_lifetime(spec.services.user.access_token_lifetime)?;
    check_gateway(store)?;
    let policies =
        cache_policy::policies(store).map_err(|(cache, source)| InvalidStore::CachePolicy { cache, source })?;
    Ok(Shop {
        name,
        namespace: store.metadata.namespace.clone().ok_or(InvalidStore::NotFromCluster("namespace"))?,
        uid: store.metadata.uid.clone().ok_or(InvalidStore::NotFromCluster("uid"))?,
        generation: store.metadata.generation.ok_or(InvalidStore::NotFromCluster("generation"))?,
        profile: spec.profile,
        images: spec.images.clone(),
        image_defaults: image_defaults.clone(),
        services: services(store)?,
        lifecycle: spec.services.order.lifecycle,
        access_token_lifetime: spec.services.user.access_token_lifetime,
        key_rotation: key_rotation(store)?,
        gateway: spec.gateway.clone(),
        database,
        redis,
        policies,
        demo: spec.demo.filter(|demo| demo.products > 0 || demo.users),
        retention: spec.data_retention,
    })
}

fn services(store: &Store) -> Result<BTreeMap<Component, ServiceSettings>, InvalidStore> {
    let services = &store.spec.services;
    let blocks = [
        (Component::Catalog, services.catalog.clone()),
        (Component::Cart, services.cart.clone()),
        (Component::Order, services.order.block()),
        (Component::User, services.user.block()),
    ];
    let resolve = |(service, block): (Component, ServiceBlock)| {
        let compute = Compute::of(store.spec.profile, service)
            .overridden(block.resources.as_ref())
            .map_err(|source| InvalidStore::Resources { service, source })?;
        let scale = match (block.replicas, block.autoscaling) {
            (Some(_), Some(_)) => return Err(InvalidStore::ReplicasAndAutoscaling { service }),
            (Some(replicas), None) => Scale::Fixed(replicas),
            (None, Some(autoscaling)) => Scale::Automatic(check_autoscaling(service, autoscaling)?),
            (None, None) => Scale::Fixed(store.spec.profile.replicas()),
        };
        Ok((service, ServiceSettings { scale, compute, scheduling: block.scheduling.unwrap_or_default() }))
    };
    blocks.into_iter().map(resolve).collect()
}

fn check_autoscaling(service: Component, autoscaling: Autoscaling) -> Result<Autoscaling, InvalidStore> {
    if autoscaling.min_replicas > autoscaling.max_replicas {
        return Err(InvalidStore::Autoscaling { service });
    }
    Ok(autoscaling)
}

fn check_lifecycle(life: &Lifecycle) -> Result<(), InvalidStore> {
    let times = [life.processing_after, life.shipping_after, life.delivered_after, life.delete_after];
    if times.is_sorted_by(|earlier, later| earlier < later) { Ok(()) } else { Err(InvalidStore::Lifecycle) }
}

fn check_lifetime(lifetime: Duration) -> Result<(), InvalidStore> {
    let allowed = Duration::from_secs(60)..=Duration::from_secs(24 * 3600);
    if allowed.contains(&lifetime) { Ok(()) } else { Err(InvalidStore::AccessTokenLifetime) }
}

fn key_rotation(store: &Store) -> Result<KeyRotation, InvalidStore> {
    let user = &store.spec.services.user;
    let every = user.signing_key_rotation;
    let allowed = Duration::from_secs(3600)..=Duration::from_secs(8760 * 3600);
    if !every.is_zero() && !allowed.contains(&every) {
        return Err(InvalidStore::SigningKeyRotation);
    }
    Ok(KeyRotation {
        every: Some(every.as_std()).filter(|every| !every.is_zero()),
        asked: store.asks_for_signing_key().map(ToOwned::to_owned),
        token_lifetime: user.access_token_lifetime.as_std(),
    })
}

/// What goes into nginx's configuration is checked again here, so that nothing else can be smuggled into it.
fn check_gateway(store: &Store) -> Result<(), InvalidStore> {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-.:/".contains(c)) && !text.is_empty();
    let gateway = &store.spec.gateway;
    match std::iter::once(&gateway.host).chain(&gateway.cors_origins).find(|text| !plain(text)) {
        Some(text) => Err(InvalidStore::Gateway(text.clone())),
        None => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && !name.ends_with('-')
}
