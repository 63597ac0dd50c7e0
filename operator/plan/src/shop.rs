//! A Store that was checked, with its profile resolved.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::LocalObjectReference;
use shop_policy::Policies;
use shopkeeper_api::{
    Autoscaling, DataRetention, Demo, Duration, Gateway, Images, Lifecycle, ManagedDatabase, ManagedRedis, Profile,
    Scheduling,
};

use crate::{Component, ImageDefaults, KeyRotation, cache_policy, compute::Compute, images};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseKind {
    Managed(ManagedDatabase),
    External,
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

/// How one service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceSettings {
    pub(crate) scale: Scale,
    pub(crate) compute: Compute,
    pub(crate) scheduling: Scheduling,
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
    pub(crate) services: BTreeMap<Component, ServiceSettings>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) access_token_lifetime: Duration,
    pub(crate) key_rotation: KeyRotation,
    pub(crate) gateway: Gateway,
    pub(crate) database: DatabaseKind,
    pub(crate) redis: RedisKind,
    pub(crate) policies: Policies,
    pub(crate) demo: Option<Demo>,
    pub(crate) retention: DataRetention,
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

    pub(crate) fn gateway_replicas(&self) -> i32 {
        self.gateway.replicas.unwrap_or_else(|| self.profile.replicas())
    }

    /// The version of the shop's services that is wanted: the tag of the catalog's image.
    pub fn version(&self) -> String {
        images::version_of(&self.image(Component::Catalog))
    }

    /// Address for customers. A port that is not the scheme's own is not known here, so only the name is given.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.gateway.host)
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

    /// Whether the operator runs Redis.
    pub fn manages_redis(&self) -> bool {
        matches!(self.redis, RedisKind::Managed(_))
    }
}
