//! The four services.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Pods};

/// The services of the shop. Each takes the same block; order and user have a few fields of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Services {
    /// Products, categories and stock. Default: as the profile says. Example: `{replicas: 2}`.
    #[serde(default)]
    pub catalog: ServiceBlock,
    /// Carts and checkout. Default: as the profile says. Example: `{autoscaling: {minReplicas: 2, maxReplicas: 6}}`.
    #[serde(default)]
    pub cart: ServiceBlock,
    /// Orders and their way to the customer. Default: as the profile says. Example: `{lifecycle: {deliveredAfter: 48h}}`.
    #[serde(default)]
    pub order: OrderService,
    /// Accounts, login, profile and notifications. Default: as the profile says. Example: `{accessTokenLifetime: 30m}`.
    #[serde(default)]
    pub user: UserService,
}

/// How one service runs. What is left out comes from the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = (
    "!(has(self.replicas) && has(self.autoscaling))",
    "write either replicas or autoscaling: with autoscaling the autoscaler sets the number of replicas"
))]
pub struct ServiceBlock {
    /// Number of pods. Default: from the profile, 1, 2 or 3. Example: `4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<i32>,
    /// Let the number of pods follow the CPU load, instead of `replicas`. Default: it does not. Example: `{minReplicas: 2, maxReplicas: 6}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

// A misspelt field of these is refused by the API server where strict checks are asked for; serde can't look for one beside a part that it
// takes in whole.

/// The order service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderService {
    /// What every service has.
    #[serde(flatten)]
    pub block: ServiceBlock,
    /// When an order moves on by itself. Default: after 5s, 15s and 30s; deleted after 720h. Example: `{deliveredAfter: 48h}`.
    #[serde(default)]
    pub lifecycle: Lifecycle,
}

/// The user service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserService {
    /// What every service has.
    #[serde(flatten)]
    pub block: ServiceBlock,
    /// How long a customer's access token is valid. Default: 15m. Example: `30m`.
    #[serde(default = "access_token_lifetime")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || (duration(self) >= duration('1m') && duration(self) <= duration('24h'))",
        "an access token lives from 1m to 24h: write for example 15m"
    ))]
    pub access_token_lifetime: Duration,
    /// The age at which the key that signs access tokens is replaced; `0s` for never. Nobody is logged out by it: the new key is published before
    /// it signs, and the old one until its last token is over. A new value of the annotation `shopkeeper.dev/rotate-signing-key` replaces it at
    /// any time. Default: 720h. Example: `168h`.
    #[serde(default = "signing_key_rotation")]
    #[x_kube(validation = (
        "!self.matches('^([0-9]{1,6}(ms|s|m|h))+$') || duration(self) == duration('0s') || (duration(self) >= duration('1h') && duration(self) <= duration('8760h'))",
        "a signing key is replaced every 1h to 8760h: write for example 720h, or 0s for never"
    ))]
    pub signing_key_rotation: Duration,
}

fn access_token_lifetime() -> Duration {
    Duration::from_secs(15 * 60)
}

fn signing_key_rotation() -> Duration {
    Duration::from_secs(30 * 24 * 3600)
}

impl Default for UserService {
    fn default() -> Self {
        Self {
            block: ServiceBlock::default(),
            access_token_lifetime: access_token_lifetime(),
            signing_key_rotation: signing_key_rotation(),
        }
    }
}

/// A number of pods that follows the CPU load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "self.minReplicas <= self.maxReplicas",
    "minReplicas must not be greater than maxReplicas: raise maxReplicas or lower minReplicas"
))]
pub struct Autoscaling {
    /// Never fewer pods than this. Default: none, it must be written. Example: `2`.
    #[schemars(range(min = 1, max = 100))]
    pub min_replicas: i32,
    /// Never more pods than this. Default: none, it must be written. Example: `6`.
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,
    /// Average CPU use, as a percentage of the request, that the autoscaler aims at. Default: 70. Example: `60`.
    #[serde(default = "target_cpu_utilization")]
    #[schemars(range(min = 1, max = 100))]
    pub target_cpu_utilization: i32,
}

const fn target_cpu_utilization() -> i32 {
    70
}

/// When an order moves on by itself; each time is measured from the order's creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!self.processingAfter.matches('^([0-9]{1,6}(ms|s|m|h))+$') || !self.shippingAfter.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
     || !self.deliveredAfter.matches('^([0-9]{1,6}(ms|s|m|h))+$') || !self.deleteAfter.matches('^([0-9]{1,6}(ms|s|m|h))+$') \
     || (duration(self.processingAfter) < duration(self.shippingAfter) \
     && duration(self.shippingAfter) < duration(self.deliveredAfter) && duration(self.deliveredAfter) < duration(self.deleteAfter))",
    "the times of an order's life must rise: write processingAfter < shippingAfter < deliveredAfter < deleteAfter, such as 5s, 15s, 30s, 720h"
))]
pub struct Lifecycle {
    /// CREATED becomes PROCESSING. Default: 5s. Example: `1m`.
    #[serde(default = "processing_after")]
    pub processing_after: Duration,
    /// PROCESSING becomes SHIPPING. Default: 15s. Example: `2h`.
    #[serde(default = "shipping_after")]
    pub shipping_after: Duration,
    /// SHIPPING becomes DELIVERED. Default: 30s. Example: `48h`.
    #[serde(default = "delivered_after")]
    pub delivered_after: Duration,
    /// A finished order is deleted. Default: 720h. Example: `8760h`.
    #[serde(default = "delete_after")]
    pub delete_after: Duration,
}

const fn processing_after() -> Duration {
    Duration::from_secs(5)
}

const fn shipping_after() -> Duration {
    Duration::from_secs(15)
}

const fn delivered_after() -> Duration {
    Duration::from_secs(30)
}

const fn delete_after() -> Duration {
    Duration::from_secs(720 * 3600)
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            processing_after: processing_after(),
            shipping_after: shipping_after(),
            delivered_after: delivered_after(),
            delete_after: delete_after(),
        }
    }
}
