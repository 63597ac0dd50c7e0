//! A PostgreSQL that CloudNativePG runs: the resource that asks for it, as far as it is needed here.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{ResourceRequirements, Secret},
};
use kube::CustomResource;
use serde::{Deserialize, Serialize};
use shopkeeper_api::{CloudNativePg, DataRetention};

use crate::{Component, Found, InvalidStore, Shop, compute::Compute, database::DATABASE, meta};

/// Label of CloudNativePG on the pods of a cluster.
pub(crate) const CLUSTER_LABEL: &str = "cnpg.io/cluster";

/// Annotation of CloudNativePG that lets a cluster's pods rest, its volumes kept.
const HIBERNATION: &str = "cnpg.io/hibernation";

/// What is asked of CloudNativePG.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "postgresql.cnpg.io",
    version = "v1",
    kind = "Cluster",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    doc = "A PostgreSQL that CloudNativePG runs."
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// Number of servers.
    pub instances: i32,
    /// Image of the servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// Secrets by which the images are had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<NameRef>,
    /// The volume of each server.
    pub storage: ClusterStorage,
    /// The superuser gets in with a password, which the migrate Job needs to make roles.
    pub enable_superuser_access: bool,
    /// The Secret with that password.
    pub superuser_secret: NameRef,
    /// What is made at the very first.
    pub bootstrap: Bootstrap,
    /// Settings of the servers.
    pub postgresql: Settings,
    /// CPU and memory of each server.
    pub resources: ResourceRequirements,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStorage {
    /// Its size.
    pub size: String,
    /// Its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

/// Something by its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NameRef {
    /// The name.
    pub name: String,
}

/// What is made at the very first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// An empty database.
    pub initdb: InitDb,
}

/// An empty database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InitDb {
    /// Its name.
    pub database: String,
    /// The role that owns it, which nobody uses.
    pub owner: String,
}

/// Settings of the servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// By name.
    pub parameters: BTreeMap<String, String>,
}

/// A PostgreSQL that CloudNativePG runs.
#[derive(Clone, Debug)]
pub struct ClusterParts {
    /// Name and password of the superuser.
    pub secret: Secret,
    /// The cluster. It has an owner only when its volumes are to go with the Store.
    pub cluster: Cluster,
}

pub(crate) fn cluster_name(shop: &Shop) -> String {
    shop.child(Component::Postgres)
}

pub(crate) fn cluster(shop: &Shop, found: &Found, asked: &CloudNativePg) -> Result<ClusterParts, InvalidStore> {
    let component = Component::Postgres;
    let name = cluster_name(shop);
    let secret_name = format!("{name}-superuser");
    let compute = Compute::of(shop.profile, component).overridden(asked.resources.as_ref());
    let compute =
        compute.map_err(|source| InvalidStore::Resources { path: "spec.database.cloudNativePg".into(), source })?;
    let pull_secrets = shop.pull_secrets().into_iter().flatten();
    let spec = ClusterSpec {
        instances: asked.instances.unwrap_or_else(|| shop.profile.replicas()),
        image_name: asked.image_name.clone(),
        image_pull_secrets: pull_secrets.map(|it| NameRef { name: it.name }).collect(),
        storage: ClusterStorage {
            size: asked.storage.size.to_string(),
            storage_class: asked.storage.storage_class_name.clone(),
        },
        enable_superuser_access: true,
        superuser_secret: NameRef { name: secret_name.clone() },
        bootstrap: Bootstrap { initdb: InitDb { database: DATABASE.into(), owner: DATABASE.into() } },
        postgresql: Settings { parameters: BTreeMap::from([("max_connections".into(), "200".into())]) },
        resources: compute.requirements(),
    };
    let mut metadata = match shop.retention {
        DataRetention::Retain => meta::unowned(shop, name, component),
        DataRetention::Delete => meta::owned(shop, name, component),
    };
    if shop.suspended {
        metadata.annotations.get_or_insert_default().insert(HIBERNATION.into(), "on".into());
    }
    Ok(ClusterParts { secret: superuser(shop, found, secret_name), cluster: Cluster { metadata, spec } })
}

fn superuser(shop: &Shop, found: &Found, name: String) -> Secret {
    let entries = [("username", "postgres"), ("password", found.credentials.database.admin.reveal())];
    let mut metadata = meta::owned(shop, name, Component::Postgres);
    // CloudNativePG follows changes of Secrets that have this label.
    metadata.labels.get_or_insert_default().insert("cnpg.io/reload".into(), "true".into());
    Secret {
        metadata,
        type_: Some("kubernetes.io/basic-auth".into()),
        data: Some(entries.into_iter().map(|(key, value)| (key.to_owned(), ByteString(value.into()))).collect()),
        ..Secret::default()
    }
}
