//! A Store that was checked, with its profile resolved.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::LocalObjectReference;
use shop_policy::Policies;
use shopkeeper_api::{
    Autoscaling, Backup, CloudNativePg, DataRetention, Demo, Duration, ExtraMetadata, Gateway, Images, Lifecycle,
    LoadTest, ManagedDatabase, ManagedRedis, Monitoring, Profile,
};

use crate::{Component, ImageDefaults, KeyRotation, cache_policy, images, pods::PodSettings};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Managed(Box<ManagedDatabase>),
    External,
    CloudNativePg(CloudNativePg),
}

/// Where Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedisKind {
    Managed(ManagedRedis),
    External,
}

/// How many pods a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Fixed(i32),
    Automatic(Autoscaling),
}

impl Scale {
    /// The fewest pods that there are when all is well.
    pub(crate) const fn least(self) -> i32 {
        match self {
            Self::Fixed(replicas) => replicas,
            Self::Automatic(autoscaling) => autoscaling.min_replicas,
        }
    }
}

/// A Store that was checked: nothing in it contradicts itself, and what it left out is filled in.
#[derive(Clone, Debug)]
pub struct Shop {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) profile: Profile,
    pub(crate) images: Images,
    pub(crate) image_defaults: ImageDefaults,
    pub(crate) extra: ExtraMetadata,
    pub(crate) scales: BTreeMap<Component, Scale>,
    pub(crate) pods: BTreeMap<Component, PodSettings>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) access_token_lifetime: Duration,
    pub(crate) key_rotation: KeyRotation,
    pub(crate) gateway: Gateway,
    pub(crate) database: DatabaseKind,
    pub(crate) redis: RedisKind,
    pub(crate) policies: Policies,
    pub(crate) monitoring: Monitoring,
    pub(crate) load_test: LoadTest,
    pub(crate) demo: Option<Demo>,
    pub(crate) retention: DataRetention,
    pub(crate) network_policies: bool,
    pub(crate) suspended: bool,
}

impl Shop {
    /// The name of an object of a component.
    pub(crate) fn child(&self, component: Component) -> String {
        format!("{}-{component}", self.name)
    }

    pub(crate) fn image(&self, component: Component) -> String {
        images::image(&self.images, &self.image_defaults, component)
    }

    pub(crate) fn pull_secrets(&self) -> Option<Vec<LocalObjectReference>> {
        let names = self.images.pull_secrets.iter().map(|secret| LocalObjectReference { name: secret.name.clone() });
        Some(names.collect::<Vec<_>>()).filter(|names| !names.is_empty())
    }

    /// What the Store says of the pods of a part.
    pub(crate) fn pods(&self, component: Component) -> &PodSettings {
        // `pods` has every component that has pods; the shop as a whole has none.
        self.pods.get(&component).unwrap_or_else(|| &self.pods[&Component::Seed])
    }

    /// So many pods, or none while the shop is suspended.
    pub(crate) const fn running(&self, replicas: i32) -> i32 {
        if self.suspended { 0 } else { replicas }
    }

    /// The Secret with the certificate that the gateway itself serves with.
    pub(crate) fn own_certificate(&self) -> Option<&str> {
        self.gateway.tls.as_ref().filter(|_| self.gateway.ingress.is_none()).map(|tls| tls.secret_name.as_str())
    }

    pub(crate) fn gateway_replicas(&self) -> i32 {
        self.gateway.replicas.unwrap_or_else(|| self.profile.replicas())
    }

    /// The version of the shop's services that is wanted: the tag of the catalog's image.
    pub fn version(&self) -> String {
        images::version_of(&self.image(Component::Catalog))
    }

    /// Address for customers. A port that is not the scheme's own is not known here, so only the name is given.
    pub fn public_url(&self) -> String {
        let scheme = if self.gateway.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.gateway.host)
    }

    /// Address inside the cluster.
    pub fn internal_url(&self) -> String {
        format!("http://{}.{}.svc:{}", self.child(Component::Gateway), self.namespace, Component::Gateway.port())
    }

    /// Name of the ConfigMap with the cache policies.
    pub fn cache_policy_name(&self) -> String {
        cache_policy::name(self)
    }

    /// The policy of each cache.
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// When the key that signs access tokens is replaced.
    pub const fn key_rotation(&self) -> &KeyRotation {
        &self.key_rotation
    }

    /// Whether the operator runs the database.
    pub fn manages_database(&self) -> bool {
        matches!(self.database, DatabaseKind::Managed(_))
    }

    /// The backups that are asked for.
    pub(crate) fn backup(&self) -> Option<&Backup> {
        match &self.database {
            DatabaseKind::Managed(managed) => managed.backup.as_ref(),
            DatabaseKind::External | DatabaseKind::CloudNativePg(_) => None,
        }
    }

    /// Name of what makes backups, and of the volume that they are in.
    pub fn backup_name(&self) -> String {
        self.child(Component::Backup)
    }

    /// The name of the volume of the figures.
    pub fn figures_name(&self) -> String {
        self.child(Component::Prometheus)
    }

    /// Whether CloudNativePG runs the database.
    pub fn has_cluster(&self) -> bool {
        matches!(self.database, DatabaseKind::CloudNativePg(_))
    }

    /// Whether an `HTTPRoute` is asked for.
    pub fn has_http_route(&self) -> bool {
        self.gateway.http_route.is_some()
    }

    /// Whether nothing is to run.
    pub const fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Names of the Secrets of the user's own that are needed for more than an address: the gateway's certificate.
    pub fn certificate_secret(&self) -> Option<&str> {
        self.own_certificate()
    }

    /// The Secret with the bot and the chat that is told of alerts.
    pub fn telegram_secret(&self) -> Option<&str> {
        let telegram =
            self.monitoring.alertmanager.telegram.as_ref().filter(|_| self.asks_for(Component::Alertmanager));
        telegram.map(|telegram| telegram.secret_ref.name.as_str())
    }

    /// Whether the operator runs Redis.
    pub fn manages_redis(&self) -> bool {
        matches!(self.redis, RedisKind::Managed(_))
    }
}
