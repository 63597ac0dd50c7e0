//! The one address of the shop.

use std::collections::BTreeMap;

use kube::{KubeSchema, core::Rule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Pods;

/// The gateway: the one address under which the whole shop is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gateway {
    /// Name by which customers know the shop. The gateway answers to every name; this one is shown in the status, and is that of the
    /// Ingress or `HTTPRoute`. Default: `shop.localhost`. Example: `shop.example.com`.
    #[serde(default = "host")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = (
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
        "write a host name in lower case without scheme or port, such as shop.example.com"
    ))]
    pub host: String,
    /// Origins of other web pages that may call the shop from a browser. Default: none. Example: `[https://app.example.com]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[schemars(inner(length(max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = (
        "self.all(origin, origin.matches('^https?://[a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?$'))",
        "write each origin as scheme and host without a path, such as https://app.example.com"
    ))]
    pub cors_origins: Vec<String>,
    /// How the gateway is reached from outside the cluster. Default: not at all, `{type: ClusterIP}`. Example:
    /// `{type: NodePort, nodePort: 30080}`.
    #[serde(default)]
    pub service: GatewayService,
    /// Number of gateway pods. Default: from the profile, 1, 2 or 3. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: Option<i32>,
    /// Serve the shop under TLS: with `ingress`, the Ingress does; otherwise the gateway itself, on port 8443 of its Service. Default: no
    /// TLS. Example: `{secretName: shop-tls}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Make an Ingress that leads to the gateway. Default: none. Example: `{className: nginx}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
    /// Make an `HTTPRoute` that leads to the gateway, where the Gateway API is installed. Default: none. Example:
    /// `{parentRefs: [{name: public, namespace: gateways}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpRoute>,
    /// Addresses of proxies before the gateway, such as an ingress controller's, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    /// Without them all customers behind a proxy look like one. Default: none. Example: `[10.42.0.0/16]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[schemars(inner(length(max = 43)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[x_kube(validation = (
        "self.all(range, range.matches('^[0-9a-fA-F:.]+(/[0-9]{1,3})?$'))",
        "write each proxy as an address or a range of addresses, such as 10.42.0.0/16"
    ))]
    pub trusted_proxies: Vec<String>,
    /// What every part with pods has.
    #[serde(flatten)]
    pub pods: Pods,
}

fn host() -> String {
    "shop.localhost".to_owned()
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            host: host(),
            cors_origins: Vec::new(),
            service: GatewayService::default(),
            replicas: None,
            tls: None,
            ingress: None,
            http_route: None,
            trusted_proxies: Vec::new(),
            pods: Pods::default(),
        }
    }
}

/// The gateway's Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = (
    "!has(self.nodePort) || self.type != 'ClusterIP'",
    "nodePort needs type NodePort or LoadBalancer: write type: NodePort or leave nodePort out"
))]
pub struct GatewayService {
    /// Kind of Service. Default: `ClusterIP`. Example: `NodePort`.
    #[serde(default, rename = "type")]
    pub type_: ServiceType,
    /// Port on every node, with type `NodePort` or `LoadBalancer`. Default: one that Kubernetes chooses. Example: `30080`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub node_port: Option<i32>,
    /// Annotations of the Service, by which clouds are told about load balancers. Default: none. Example:
    /// `{service.beta.kubernetes.io/aws-load-balancer-type: nlb}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tool_annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// The certificate of the shop's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// Name of a Secret of type `kubernetes.io/tls` in the Store's namespace. A new certificate in it is taken up by itself. Default: none,
    /// it must be written. Example: `shop-tls`.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// An Ingress that leads to the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ingress {
    /// Class of the Ingress. Default: the cluster's default class. Example: `nginx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Annotations of the Ingress, by which its controller, or who makes certificates, is told more. Default: none. Example:
    /// `{cert-manager.io/cluster-issuer: letsencrypt}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tool_annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// An `HTTPRoute` that leads to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpRoute {
    /// The Gateways to which the route is attached. Default: none, at least one must be written. Example:
    /// `[{name: public, namespace: gateways}]`.
    #[schemars(length(min = 1, max = 8))]
    // As in the Gateway API: one Gateway may be named several times, and what tells the entries apart may be left out of each.
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub parent_refs: Vec<ParentRef>,
    /// Host names of the route. Default: `gateway.host`. Example: `[shop.example.com, www.example.com]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[schemars(inner(length(min = 1, max = 253)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub hostnames: Vec<String>,
}

/// A Gateway to which a route is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ParentRef {
    /// Name of the Gateway. Default: none, it must be written. Example: `public`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the Gateway. Default: the Store's. Example: `gateways`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Name of the Gateway's listener. Default: all of them. Example: `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
    /// Port of the Gateway's listener. Default: any. Example: `443`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// Annotations for others than the operator, whose keys often are in Kubernetes' own domains.
fn tool_annotations(_: &mut SchemaGenerator) -> Schema {
    let rule = Rule::new("self.all(key, !key.matches('^(shopkeeper[.]dev|app[.]kubernetes[.]io)/'))")
        .message("annotations of shopkeeper.dev and app.kubernetes.io are the operator's: leave them out");
    json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 4096},
        "x-kubernetes-validations": [rule],
    })
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
