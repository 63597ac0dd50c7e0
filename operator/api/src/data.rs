//! Where the shop keeps its data.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Backup, ComputeResources, Pods, Quantity};

/// The database: one that the operator runs, one that is there already, or one that CloudNativePG runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "[has(self.managed), has(self.external), has(self.cloudNativePg)].filter(it, it).size() == 1",
    "write exactly one of managed, external and cloudNativePg: managed: {} for a PostgreSQL that the operator runs, \
     external: {secretRef: {name: ...}} for your own, cloudNativePg: {} for one that CloudNativePG runs"
))]
pub struct Database {
    /// A PostgreSQL that the operator runs for this Store. Default: this one, with 2Gi, where the database is left out. Example:
    /// `{storage: {size: 20Gi}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedDatabase>,
    /// A PostgreSQL of your own. Default: none. Example: `{secretRef: {name: my-database}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
    /// A PostgreSQL with replicas and failover, run by CloudNativePG, which must be installed in the cluster. Default: none. Example:
    /// `{instances: 3, storage: {size: 20Gi}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_native_pg: Option<CloudNativePg>,
}

impl Default for Database {
    fn default() -> Self {
        Self { managed: Some(ManagedDatabase::default()), external: None, cloud_native_pg: None }
    }
}

/// A PostgreSQL that the operator runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = (
        "!has(self.backup) || !has(oldSelf.backup) \
         || !isQuantity(has(self.backup.storage.size) ? self.backup.storage.size : self.storage.size) \
         || !quantity(has(self.backup.storage.size) ? self.backup.storage.size : self.storage.size).isLessThan(\
         quantity(has(oldSelf.backup.storage.size) ? oldSelf.backup.storage.size : oldSelf.storage.size))",
        "the volume of the backups cannot shrink: write the former database.managed.backup.storage.size or more; left out, it is as large as \
         the database's own"
    ),
    validation = (
        "!has(self.backup) || !has(oldSelf.backup) \
         || (has(self.backup.storage.storageClassName) ? self.backup.storage.storageClassName \
         : has(self.storage.storageClassName) ? self.storage.storageClassName : '') \
         == (has(oldSelf.backup.storage.storageClassName) ? oldSelf.backup.storage.storageClassName \
         : has(oldSelf.storage.storageClassName) ? oldSelf.storage.storageClassName : '')",
        "the storage class of the volume of the backups cannot change: write the former database.managed.backup.storage.storageClassName"
    )
)]
pub struct ManagedDatabase {
    /// The volume that holds the data. Default: 2Gi of the cluster's default class. Example: `{size: 20Gi, storageClassName: fast}`.
    #[serde(default)]
    pub storage: Storage,
    /// Backups by the clock, in a volume of their own. Left out again, no more are made; those that there are stay in their volume, which follows
    /// `dataRetention` as the database's own does. Default: none are made. Example: `{schedule: "0 3 * * *", keep: 7}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

/// A PostgreSQL that CloudNativePG runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudNativePg {
    /// Number of servers: one primary, the others its replicas. Default: from the profile, 1, 2 or 3. Example: `3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub instances: Option<i32>,
    /// The volume of each server. Default: 2Gi of the cluster's default class. Example: `{size: 20Gi}`.
    #[serde(default)]
    pub storage: Storage,
    /// CPU and memory of each server. Default: from the profile, amount by amount. Example: `{limits: {memory: 2Gi}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ComputeResources>,
    /// Image of the servers, one of CloudNativePG's. `images.mirror` does not touch it: where it must come from a mirror, write it here.
    /// Default: CloudNativePG's own default. Example: `ghcr.io/cloudnative-pg/postgresql:17`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub image_name: Option<String>,
}

/// A volume. Rules of the whole spec see to it that its size never shrinks and its class stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// Size of the volume. It may grow, where the storage class can expand volumes, but never shrink. Default: 2Gi. Example: `20Gi`.
    #[serde(default = "size")]
    pub size: Quantity,
    /// Storage class, which cannot change once the Store was made. Default: the cluster's default class. Example: `fast`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}

#[expect(clippy::expect_used, reason = "a literal that the tests read")]
fn size() -> Quantity {
    "2Gi".parse().expect("a quantity")
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: size(), storage_class_name: None }
    }
}

/// Redis: one that the operator runs, or one that is there already. It holds nothing that cannot be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "has(self.managed) != has(self.external)",
    "write exactly one of managed and external: managed: {} for a Redis that the operator runs, \
     external: {secretRef: {name: ...}} for your own"
))]
pub struct Redis {
    /// A Redis that the operator runs for this Store. Default: this one, with 64Mi, where `redis` is left out. Example: `{maxMemory: 256Mi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRedis>,
    /// A Redis of your own. Default: none. Example: `{secretRef: {name: my-redis}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
}

impl Default for Redis {
    fn default() -> Self {
        Self { managed: Some(ManagedRedis::default()), external: None }
    }
}

/// A Redis that the operator runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRedis {
    /// Memory for data; the least recently used keys go first when it is full. The container's limit is half as much again and 32Mi more,
    /// where `resources` say nothing else. Default: 64Mi. Example: `256Mi`.
    #[serde(default = "max_memory")]
    pub max_memory: Quantity,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

#[expect(clippy::expect_used, reason = "a literal that the tests read")]
fn max_memory() -> Quantity {
    "64Mi".parse().expect("a quantity")
}

impl Default for ManagedRedis {
    fn default() -> Self {
        Self { max_memory: max_memory(), pods: Pods::default() }
    }
}

/// A server that is there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct External {
    /// The Secret with the server's address. A change of it restarts the services. Default: none, it must be written. Example:
    /// `{name: my-database, key: url}`.
    pub secret_ref: SecretRef,
}

/// One key of a Secret in the Store's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Name of the Secret. Default: none, it must be written. Example: `my-database`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key whose value is the URL: `postgres://user:password@host:port/database` of a role that may create roles and schemas,
    /// or `redis://:password@host:port`. Default: `url`. Example: `uri`.
    #[serde(default = "key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn key() -> String {
    "url".to_owned()
}

/// What becomes of the volumes when the Store is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DataRetention {
    /// The volumes stay; a new Store of the same name takes them over.
    #[default]
    Retain,
    /// The volumes go with the Store.
    Delete,
}
