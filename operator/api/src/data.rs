//! Where the shop keeps its data.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Quantity;

/// The database: one that the operator runs, or one that is there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "has(self.managed) != has(self.external)",
    "write exactly one of managed and external: managed: {} for a PostgreSQL that the operator runs, \
     external: {secretRef: {name: ...}} for your own"
))]
pub struct Database {
    /// A PostgreSQL that the operator runs for this Store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedDatabase>,
    /// A PostgreSQL of your own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,
}

impl Default for Database {
    fn default() -> Self {
        Self { managed: Some(ManagedDatabase::default()), external: None }
    }
}

/// A PostgreSQL that the operator runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedDatabase {
    /// The volume that holds the data.
    #[serde(default)]
    pub storage: Storage,
}

/// A volume. Rules of the whole spec keep its size and class as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// Size of the volume. It cannot change once the Store was made.
    #[serde(default = "size")]
    pub size: Quantity,
    /// Storage class. The cluster's default if left out.
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
    /// A Redis that the operator runs for this Store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRedis>,
    /// A Redis of your own.
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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedRedis {
    /// Memory for data; the least recently used keys go first when it is full. The container's limit is half as much again and 32Mi more.
    #[serde(default = "max_memory")]
    pub max_memory: Quantity,
}

#[expect(clippy::expect_used, reason = "a literal that the tests read")]
fn max_memory() -> Quantity {
    "64Mi".parse().expect("a quantity")
}

impl Default for ManagedRedis {
    fn default() -> Self {
        Self { max_memory: max_memory() }
    }
}

/// A server that is there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct External {
    /// The Secret with the server's address. A change of it restarts the services.
    pub secret_ref: SecretRef,
}

/// One key of a Secret in the Store's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key whose value is the URL: `postgres://user:password@host:port/database` of a role that may create roles and schemas,
    /// or `redis://:password@host:port`.
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
