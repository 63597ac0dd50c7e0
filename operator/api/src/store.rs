//! The resource itself.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    Cache, DataRetention, Database, Demo, ExtraMetadata, Gateway, Images, LoadTest, Monitoring, Pods, Profile, Redis,
    Services, StoreStatus,
};

/// Annotation whose value `"true"` makes the operator leave a Store alone. Deletion is never held up by it.
pub const PAUSED_ANNOTATION: &str = "shopkeeper.dev/paused";

/// Annotation of which each new value replaces the key that signs access tokens once; a value that begins with `now` does not wait until all
/// pods have had the time to see the new key.
pub const ROTATE_SIGNING_KEY_ANNOTATION: &str = "shopkeeper.dev/rotate-signing-key";

/// A whole online shop.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
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
    printcolumn(name = "Hit-Ratio", type_ = "string", json_path = ".status.hitRatio"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    selectable = ".spec.profile",
    selectable = ".spec.suspend",
    selectable = ".spec.dataRetention",
    selectable = ".spec.gateway.host",
    selectable = ".status.versions.shop",
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
        "!(has(self.database) && has(self.database.external) && has(self.monitoring) && has(self.monitoring.tools) \
         && has(self.monitoring.tools.pgAdmin) && has(self.monitoring.tools.pgAdmin.enabled) && self.monitoring.tools.pgAdmin.enabled)",
        "pgAdmin is for a database that the operator or CloudNativePG runs: leave monitoring.tools.pgAdmin out"
    ),
    validation = (
        "!(has(self.redis) && has(self.redis.external) && has(self.monitoring) && has(self.monitoring.tools) \
         && has(self.monitoring.tools.redisCommander) && has(self.monitoring.tools.redisCommander.enabled) \
         && self.monitoring.tools.redisCommander.enabled)",
        "Redis Commander is for a Redis that the operator runs: leave monitoring.tools.redisCommander out"
    ),
    validation = (
        "self.networkPolicies || !(has(self.monitoring) && has(self.monitoring.tools) && has(self.monitoring.tools.redisCommander) \
         && has(self.monitoring.tools.redisCommander.enabled) && self.monitoring.tools.redisCommander.enabled)",
        "Redis Commander has no login of its own, only the network keeps others from it: write networkPolicies: true, or leave \
         monitoring.tools.redisCommander out"
    ),
    validation = (
        "(has(self.database) && has(self.database.external)) == (has(oldSelf.database) && has(oldSelf.database.external)) \
         && (has(self.database) && has(self.database.cloudNativePg)) == (has(oldSelf.database) && has(oldSelf.database.cloudNativePg))",
        "a database cannot change between managed, external and cloudNativePg, its data would stay behind: make a new Store and move the data"
    ),
    validation = (
        "!isQuantity(has(self.database) && has(self.database.managed) ? self.database.managed.storage.size : '2Gi') \
         || !quantity(has(self.database) && has(self.database.managed) ? self.database.managed.storage.size : '2Gi').isLessThan(\
         quantity(has(oldSelf.database) && has(oldSelf.database.managed) ? oldSelf.database.managed.storage.size : '2Gi'))",
        "a volume cannot shrink: write the former database.managed.storage.size or more, or make a new Store and move the data"
    ),
    validation = (
        "!isQuantity(has(self.database) && has(self.database.cloudNativePg) ? self.database.cloudNativePg.storage.size : '2Gi') \
         || !quantity(has(self.database) && has(self.database.cloudNativePg) ? self.database.cloudNativePg.storage.size : '2Gi').isLessThan(\
         quantity(has(oldSelf.database) && has(oldSelf.database.cloudNativePg) ? oldSelf.database.cloudNativePg.storage.size : '2Gi'))",
        "a volume cannot shrink: write the former database.cloudNativePg.storage.size or more, or make a new Store and move the data"
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
    /// How large and how redundant the shop is; any field of a part overrides it. Default: `Laptop`. Example: `HighAvailability`.
    #[serde(default)]
    pub profile: Profile,
    /// Labels and annotations for all that belongs to the shop, its pods included, so that a change of them rolls the pods. Default: none.
    /// Example: `{labels: {example.com/cost-centre: "4711"}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ExtraMetadata>,
    /// Where images come from. Default: the operator's settings. Example: `{registry: registry.example.com/shopkeeper, tag: 0.1.0}`.
    #[serde(default)]
    pub images: Images,
    /// The four services. Default: as the profile says. Example: `{catalog: {replicas: 2}}`.
    #[serde(default)]
    pub services: Services,
    /// The one address of the shop. Default: inside the cluster only. Example: `{host: shop.example.com, ingress: {className: nginx}}`.
    #[serde(default)]
    pub gateway: Gateway,
    /// The Jobs that bring the database to the wanted version and make demo data. Default: as the profile says. Example:
    /// `{resources: {limits: {memory: 512Mi}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobs: Option<Pods>,
    // These two have no default in the schema: one that the API server had filled in would stand beside an `external` added later.
    /// Where the shop keeps its data: exactly one of managed, external and cloudNativePg. Default: managed, with 2Gi. Example:
    /// `{managed: {storage: {size: 20Gi}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,
    /// Where the shop keeps its cache: exactly one of managed and external. Default: managed, with 64Mi. Example:
    /// `{managed: {maxMemory: 256Mi}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
    /// How each cache behaves. A change reaches the running pods within about a second, without a restart; `status.cache` tells how
    /// many have it. Default: each cache's own, see there. Example: `{policies: {products: {ttl: 1m}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    // No defaults in the schema, as every Store would be stored with all of them.
    /// Figures, alerts, dashboards, traces, and tools to look into the data. Default: all of it, but the tools. Example:
    /// `{alertmanager: {telegram: {secretRef: {name: telegram}}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,
    /// Customers who are none, to see what the shop can do. Default: none. Example: `{enabled: true, users: 100}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_test: Option<LoadTest>,
    /// Data to play with. Default: none. Example: `{products: 20000, users: true}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<Demo>,
    /// Let only those connections through that the shop needs, by `NetworkPolicies`. Default: true. Example: `false`.
    #[serde(default = "network_policies")]
    pub network_policies: bool,
    /// Let nothing of the shop run: everything is scaled to zero, database and Redis last, and comes back when this is false again. Data and
    /// settings are kept. Default: false. Example: `true`.
    #[serde(default)]
    pub suspend: bool,
    /// What becomes of the volumes when the Store is deleted. Default: `Retain`, they stay. Example: `Delete`.
    #[serde(default)]
    pub data_retention: DataRetention,
}

const fn network_policies() -> bool {
    true
}

impl Default for StoreSpec {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            metadata: None,
            images: Images::default(),
            services: Services::default(),
            gateway: Gateway::default(),
            jobs: None,
            database: None,
            redis: None,
            cache: None,
            monitoring: None,
            load_test: None,
            demo: None,
            network_policies: network_policies(),
            suspend: false,
            data_retention: DataRetention::default(),
        }
    }
}

impl StoreSpec {
    /// Where the shop keeps its data.
    pub fn database(&self) -> Database {
        self.database.clone().unwrap_or_default()
    }

    /// What watches the shop.
    pub fn monitoring(&self) -> Monitoring {
        self.monitoring.clone().unwrap_or_default()
    }

    /// Customers who are none.
    pub fn load_test(&self) -> LoadTest {
        self.load_test.clone().unwrap_or_default()
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
