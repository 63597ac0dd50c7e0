//! Checks a Store, in case one slipped past the API server, and fills in what it leaves out.

use std::{collections::BTreeMap, net::IpAddr};

use shop_policy::{CacheName, InvalidPolicy};
use shopkeeper_api::{Autoscaling, Database, Duration, ExtraMetadata, Lifecycle, ManagedDatabase, ServiceBlock, Store};

use crate::{
    Component, ImageDefaults, KeyRotation, Shop, cache_policy,
    compute::RequestAboveLimit,
    images, meta, monitoring,
    pods::pods,
    shop::{DatabaseKind, RedisKind, Scale},
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
    /// Several or none.
    #[error("spec.database: write exactly one of managed, external and cloudNativePg")]
    Database,
    /// A number of backups that would leave none.
    #[error("spec.database.managed.backup.keep: write 1 or more")]
    KeepNone,
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
    #[error("{path}.resources: {source}")]
    Resources {
        /// The part of the Store.
        path: String,
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
    /// A proxy that would not be one.
    #[error(
        "spec.gateway.trustedProxies: {0:?} is not an address or a range of addresses: write for example 10.42.0.0/16"
    )]
    TrustedProxy(String),
    /// A mirror that would lead to other images.
    #[error(
        "spec.images.mirror: {0:?} is not the address of a registry: write host, and port and path where it has them, such as \
         mirror.example.com:5000/upstream"
    )]
    Mirror(String),
    /// A user or group that would be root, or a level of `SELinux` that is none.
    #[error("{path}.securityContext: {problem}")]
    SecurityContext {
        /// The part of the Store.
        path: String,
        /// What is wrong, and what to write instead.
        problem: &'static str,
    },
    /// Something of the monitoring that contradicts itself.
    #[error("{path}: {problem}")]
    Monitoring {
        /// Where.
        path: &'static str,
        /// What is wrong, and what to write instead.
        problem: &'static str,
    },
    /// A label or annotation that is not the user's.
    #[error(
        "{path}: {key:?} belongs to the operator or to Kubernetes: write keys of your own, such as example.com/team"
    )]
    ReservedKey {
        /// Where.
        path: String,
        /// The key.
        key: String,
    },
    /// A part of a type of Kubernetes that is not of that type.
    #[error("{path}: {problem}")]
    NotOfKubernetes {
        /// Where.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// A pod template that touches what it must not.
    #[error("{path}: {problem}")]
    PodTemplate {
        /// Where.
        path: String,
        /// What is wrong, and what to do instead.
        problem: String,
    },
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
    let Database { managed, external, cloud_native_pg } = spec.database();
    let database = match (managed, external, cloud_native_pg) {
        (Some(managed), None, None) => DatabaseKind::Managed(checked(managed)?),
        (None, Some(_), None) => DatabaseKind::External,
        (None, None, Some(cluster)) => DatabaseKind::CloudNativePg(cluster),
        _ => return Err(InvalidStore::Database),
    };
    let redis = match (spec.redis().managed, spec.redis().external) {
        (Some(managed), None) => RedisKind::Managed(managed),
        (None, Some(_)) => RedisKind::External,
        _ => return Err(InvalidStore::ManagedOrExternal("redis")),
    };
    check_lifecycle(&spec.services.order.lifecycle)?;
    check_lifetime(spec.services.user.access_token_lifetime)?;
    check_gateway(store)?;
    check_mirror(store)?;
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
        extra: extra(store)?,
        scales: scales(store)?,
        pods: pods(store, &database, &redis)?,
        lifecycle: spec.services.order.lifecycle,
        access_token_lifetime: spec.services.user.access_token_lifetime,
        key_rotation: key_rotation(store)?,
        gateway: spec.gateway.clone(),
        database,
        redis,
        policies,
        monitoring: monitoring::checked(store)?,
        load_test: monitoring::checked_load_test(store)?,
        demo: spec.demo.filter(|demo| demo.products > 0 || demo.users),
        retention: spec.data_retention,
        network_policies: spec.network_policies,
        suspended: spec.suspend,
    })
}

fn checked(managed: ManagedDatabase) -> Result<Box<ManagedDatabase>, InvalidStore> {
    match &managed.backup {
        Some(backup) if backup.keep == 0 => Err(InvalidStore::KeepNone),
        _ => Ok(Box::new(managed)),
    }
}

fn scales(store: &Store) -> Result<BTreeMap<Component, Scale>, InvalidStore> {
    let services = &store.spec.services;
    let blocks = [
        (Component::Catalog, &services.catalog),
        (Component::Cart, &services.cart),
        (Component::Order, &services.order.block),
        (Component::User, &services.user.block),
    ];
    let resolve = |(service, block): (Component, &ServiceBlock)| {
        let scale = match (block.replicas, block.autoscaling) {
            (Some(_), Some(_)) => return Err(InvalidStore::ReplicasAndAutoscaling { service }),
            (Some(replicas), None) => Scale::Fixed(replicas),
            (None, Some(autoscaling)) => Scale::Automatic(check_autoscaling(service, autoscaling)?),
            (None, None) => Scale::Fixed(store.spec.profile.replicas()),
        };
        Ok((service, scale))
    };
    blocks.into_iter().map(resolve).collect()
}

fn extra(store: &Store) -> Result<ExtraMetadata, InvalidStore> {
    let extra = store.spec.metadata.clone().unwrap_or_default();
    meta::check_extra("spec.metadata", &extra)?;
    Ok(extra)
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
    if let Some(text) = std::iter::once(&gateway.host).chain(&gateway.cors_origins).find(|text| !plain(text)) {
        return Err(InvalidStore::Gateway(text.clone()));
    }
    match gateway.trusted_proxies.iter().find(|range| !is_range(range)) {
        Some(range) => Err(InvalidStore::TrustedProxy(range.clone())),
        None => Ok(()),
    }
}

fn check_mirror(store: &Store) -> Result<(), InvalidStore> {
    match store.spec.images.mirror.as_ref().filter(|mirror| !images::is_registry(mirror)) {
        Some(mirror) => Err(InvalidStore::Mirror(mirror.clone())),
        None => Ok(()),
    }
}

/// Whether it is an address, or one with the length of its network.
fn is_range(text: &str) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= longest))
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && !name.ends_with('-')
}
