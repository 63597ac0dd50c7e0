//! Where images come from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Images of the shop. What is left out comes from the operator's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Images {
    /// Registry (and path) of shopkeeper's own images, such as `registry.example.com/shopkeeper`. The operator's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub registry: Option<String>,
    /// Tag of shopkeeper's own images. The operator's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub tag: Option<String>,
    /// When the kubelet pulls images.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Secrets with registry credentials, in the Store's namespace, used by every pod of the shop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub pull_secrets: Vec<PullSecret>,
    /// Whole reference of the PostgreSQL image, instead of the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub postgres: Option<String>,
    /// Whole reference of the Redis image, instead of the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub redis: Option<String>,
    /// Whole reference of the nginx image, instead of the operator's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub nginx: Option<String>,
    /// Whole reference of the catalog service's image, instead of `<registry>/catalog:<tag>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub catalog: Option<String>,
    /// Whole reference of the cart service's image, instead of `<registry>/cart:<tag>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub cart: Option<String>,
    /// Whole reference of the order service's image, instead of `<registry>/order:<tag>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub order: Option<String>,
    /// Whole reference of the user service's image, instead of `<registry>/user:<tag>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 400))]
    pub user: Option<String>,
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
    /// Name of a Secret of type `kubernetes.io/dockerconfigjson` in the Store's namespace.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
