//! Where images come from.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Images of the shop. What is left out comes from the operator's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!has(self.digests) || !((has(self.catalog) && has(self.digests.catalog)) || (has(self.cart) && has(self.digests.cart)) \
     || (has(self.order) && has(self.digests.order)) || (has(self.user) && has(self.digests.user)) \
     || (has(self.gatewayExporter) && has(self.digests.gatewayExporter)))",
    "a whole reference has its digest in itself: write the digest behind it, or leave one of the two out"
))]
pub struct Images {
    /// Registry (and path) of shopkeeper's own images, without a tag. Default: the operator's setting.
    /// Example: `registry.example.com/shopkeeper`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub registry: Option<String>,
    /// Registry (and path) that has copies of all images, for a cluster that reaches no other. Every image that the Store does not name itself
    /// comes from there: its registry is replaced, and the rest of its name, its tag and its digest stay, so `docker.io/library/postgres:17` is
    /// `mirror.example.com/library/postgres:17`. What is written here as `registry`, or as the whole reference of an image, is taken as it is.
    /// One image is not had from there: that of CloudNativePG's servers is as CloudNativePG chooses, or as `database.cloudNativePg.imageName` says.
    /// Default: none, each image comes from its own registry. Example: `mirror.example.com:5000/upstream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(validation = (
        "self.matches('^((localhost|[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+)(:[0-9]{1,5})?\
         |[a-z0-9]([-a-z0-9]*[a-z0-9])?:[0-9]{1,5})(/[a-z0-9]+(([.]|__?|-+)[a-z0-9]+)*)*$')",
        "write the host of a registry, with its port and a path where it has them, but no scheme, tag or slash at the end, such as \
         mirror.example.com:5000/upstream"
    ))]
    pub mirror: Option<String>,
    /// Tag of shopkeeper's own images. Default: the operator's setting, its own version. Example: `0.1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub tag: Option<String>,
    /// Digests of shopkeeper's own images, which then are exactly those, whatever the tag leads to. Default: none. Example:
    /// `{catalog: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<Digests>,
    /// When the kubelet pulls images. Default: `IfNotPresent`. Example: `Always`.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Secrets with registry credentials, in the Store's namespace, used by every pod of the shop. Default: none. Example:
    /// `[{name: registry}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub pull_secrets: Vec<PullSecret>,
    /// Whole reference of the PostgreSQL image, tag and digest included. Default: the operator's setting. Example: `docker.io/library/postgres:17`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub postgres: Option<String>,
    /// Whole reference of the Redis image, tag and digest included. Default: the operator's setting. Example: `docker.io/library/redis:8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub redis: Option<String>,
    /// Whole reference of the nginx image, tag and digest included. Default: the operator's setting. Example: `docker.io/library/nginx:1.29`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub nginx: Option<String>,
    /// Whole reference of the catalog service's image. Default: `<registry>/catalog:<tag>`, and `@<digest>` where there is one. Example:
    /// `registry.example.com/my-catalog:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub catalog: Option<String>,
    /// Whole reference of the cart service's image. Default: `<registry>/cart:<tag>`, and `@<digest>` where there is one. Example:
    /// `registry.example.com/my-cart:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub cart: Option<String>,
    /// Whole reference of the order service's image. Default: `<registry>/order:<tag>`, and `@<digest>` where there is one. Example:
    /// `registry.example.com/my-order:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub order: Option<String>,
    /// Whole reference of the user service's image. Default: `<registry>/user:<tag>`, and `@<digest>` where there is one. Example:
    /// `registry.example.com/my-user:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub user: Option<String>,
    /// Whole reference of the image of what tells the gateway's figures. Default: `<registry>/gateway-exporter:<tag>`, and `@<digest>` where there
    /// is one. Example: `registry.example.com/my-gateway-exporter:1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub gateway_exporter: Option<String>,
    /// Whole reference of the Prometheus image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `docker.io/prom/prometheus:v3.13.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub prometheus: Option<String>,
    /// Whole reference of the Alertmanager image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `docker.io/prom/alertmanager:v0.34.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub alertmanager: Option<String>,
    /// Whole reference of the Grafana image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `docker.io/grafana/grafana:13.1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub grafana: Option<String>,
    /// Whole reference of the Jaeger image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `quay.io/jaegertracing/jaeger:2.19.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub jaeger: Option<String>,
    /// Whole reference of the Redis exporter's image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `docker.io/oliver006/redis_exporter:v1.89.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub redis_exporter: Option<String>,
    /// Whole reference of the PostgreSQL exporter's image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `quay.io/prometheuscommunity/postgres-exporter:v0.20.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub postgres_exporter: Option<String>,
    /// Whole reference of the Locust image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `docker.io/locustio/locust:2.47.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub locust: Option<String>,
    /// Whole reference of the pgAdmin image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `docker.io/dpage/pgadmin4:9`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub pg_admin: Option<String>,
    /// Whole reference of the Redis Commander image, tag and digest included. Default: the operator's setting; where that is empty, the cluster has no such
    /// image, and the part is left out. Example: `ghcr.io/joeferner/redis-commander:0.9.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub redis_commander: Option<String>,
}

/// Digests of shopkeeper's own images.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Digests {
    /// Digest of the catalog service's image. Default: none. Example:
    /// `sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub catalog: Option<String>,
    /// Digest of the cart service's image. Default: none. Example:
    /// `sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub cart: Option<String>,
    /// Digest of the order service's image. Default: none. Example:
    /// `sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub order: Option<String>,
    /// Digest of the user service's image. Default: none. Example:
    /// `sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub user: Option<String>,
    /// Digest of the image of what tells the gateway's figures. Default: none. Example:
    /// `sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub gateway_exporter: Option<String>,
}

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// Pull when the node does not have the image.
    #[default]
    IfNotPresent,
    /// Pull at every start of a pod.
    Always,
    /// Never pull: the image must be on the node.
    Never,
}

impl PullPolicy {
    /// The word that Kubernetes uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IfNotPresent => "IfNotPresent",
            Self::Always => "Always",
            Self::Never => "Never",
        }
    }
}

/// A Secret with registry credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PullSecret {
    /// Name of a Secret of type `kubernetes.io/dockerconfigjson` in the Store's namespace. Default: none, it must be written. Example:
    /// `registry`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
