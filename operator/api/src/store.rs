//! The resource itself.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{Cache, DataRetention, Database, Demo, Gateway, Images, Profile, Redis, Services, StoreStatus};

/// Annotation whose value `"true"` makes the operator leave a Store alone. Deletion is never held up by it.
pub const PAUSED_ANNOTATION: &str = "shopkeeper.dev/paused";

/// Annotation of which each new value replaces the key that signs access tokens once; a value that begins with `now` does not wait until all
/// pods have had the time to see the new key.
pub const ROTATE_SIGNING_KEY_ANNOTATION: &str = "shopkeeper.dev/rotate-signing-key";

/// A whole online shop.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "shopkeeper.dev",
    version = "v1alpha1",
    kind = "Store",
    namespaced,
    shortname = "shop",
    category = "shopkeeper",
    status = "StoreStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A whole online shop: its services, gateway, database and cache.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.versions.shop"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = (
        "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "the name of a Store begins the names of all that belongs to it: write at most 40 lower-case letters, digits and dashes, \
         beginning with a letter, such as my-shop"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = (
        "!(has(self.database) && has(self.database.external) && self.dataRetention == 'Delete')",
        "an external database is never deleted with the Store: write dataRetention: Retain or leave it out"
    ),
    validation = (
        "(has(self.database) && has(self.database.external)) == (has(oldSelf.database) && has(oldSelf.database.external))",
        "a database cannot change between managed and external, its data would stay behind: make a new Store and move the data"
    ),
    validation = (
        "(has(self.database) && has(self.database.managed) ? self.database.managed.storage.size : '2Gi') == \
         (has(oldSelf.database) && has(oldSelf.database.managed) ? oldSelf.database.managed.storage.size : '2Gi')",
        "the size of a volume cannot change: write the former database.managed.storage.size, or make a new Store and move the data"
    ),
    validation = (
        "(has(self.database) && has(self.database.managed) && has(self.database.managed.storage.storageClassName) \
         ? self.database.managed.storage.storageClassName : '') == \
         (has(oldSelf.database) && has(oldSelf.database.managed) && has(oldSelf.database.managed.storage.storageClassName) \
         ? oldSelf.database.managed.storage.storageClassName : '')",
        "the storage class of a volume cannot change: write the former database.managed.storage.storageClassName, \
         or make a new Store and move the data"
    )
)]
pub struct StoreSpec {
    /// How large and how redundant the shop is; any field of a service overrides it.
    #[serde(default)]
    pub profile: Profile,
    /// Where images come from.
    #[serde(default)]
    pub images: Images,
    /// The four services.
    #[serde(default)]
    pub services: Services,
    /// The one address of the shop.
    #[serde(default)]
    pub gateway: Gateway,
    // These two have no default in the schema: one that the API server had filled in would stand beside an `external` added later.
    /// Where the shop keeps its data: exactly one of managed and external. Managed, with 2Gi, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// Where the shop keeps its cache: exactly one of managed and external. Managed, with 64Mi, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
    /// How each cache behaves. A change reaches the running pods within about a second, without a restart; `status.cache` tells how
    /// many have it. The documented defaults if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// Data to play with. None if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<Demo>,
    /// What becomes of the volumes when the Store is deleted.
    #[serde(default)]
    pub data_retention: DataRetention,
}

impl StoreSpec {
    /// Where the shop keeps its data.
    pub fn database(&self) -> Database {
        self.database.clone().unwrap_or_default()
    }

    /// Where the shop keeps its cache.
    pub fn redis(&self) -> Redis {
        self.redis.clone().unwrap_or_default()
    }
}

impl Store {
    /// The value with which the operator is asked for another signing key, if it is.
    pub fn asks_for_signing_key(&self) -> Option<&str> {
        let annotations = self.metadata.annotations.as_ref()?;
        annotations.get(ROTATE_SIGNING_KEY_ANNOTATION).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the operator is asked to leave this Store alone.
    pub fn is_paused(&self) -> bool {
        let annotations = self.metadata.annotations.as_ref();
        annotations.and_then(|all| all.get(PAUSED_ANNOTATION)).is_some_and(|value| value == "true")
    }
}
