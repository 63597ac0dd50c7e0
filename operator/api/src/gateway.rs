//! The one address of the shop.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The gateway: the one address under which the whole shop is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Name by which customers know the shop. The gateway answers to every name; this one is shown in the status.
    #[serde(default = "host")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = (
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
        "write a host name in lower case without scheme or port, such as shop.example.com"
    ))]
    pub host: String,
    /// Origins of other web pages that may call the shop from a browser, such as `https://app.example.com`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[schemars(inner(length(max = 253)))]
    #[x_kube(validation = (
        "self.all(origin, origin.matches('^https?://[a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?$'))",
        "write each origin as scheme and host without a path, such as https://app.example.com"
    ))]
    pub cors_origins: Vec<String>,
    /// How the gateway is reached from outside the cluster.
    #[serde(default)]
    pub service: GatewayService,
    /// Number of gateway pods. From the profile if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<i32>,
}

fn host() -> String {
    "shop.localhost".to_owned()
}

impl Default for Gateway {
    fn default() -> Self {
        Self { host: host(), cors_origins: Vec::new(), service: GatewayService::default(), replicas: None }
    }
}

/// The gateway's Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!has(self.nodePort) || self.type != 'ClusterIP'",
    "nodePort needs type NodePort or LoadBalancer: write type: NodePort or leave nodePort out"
))]
pub struct GatewayService {
    /// Kind of Service.
    #[serde(default, rename = "type")]
    pub type_: ServiceType,
    /// Port on every node, with type `NodePort` or `LoadBalancer`. Kubernetes chooses one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<i32>,
}

/// Kind of the gateway's Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServiceType {
    /// Reached from inside the cluster only.
    #[default]
    ClusterIP,
    /// Reached at a port of every node.
    NodePort,
    /// Reached through the cloud's load balancer.
    LoadBalancer,
}

impl ServiceType {
    /// The word that Kubernetes uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}
