//! The `HTTPRoute` that leads to the gateway, as far as it is needed here.

use kube::CustomResource;
use serde::{Deserialize, Serialize};
use shopkeeper_api::ParentRef;

use crate::{Component, Shop, meta};

/// What is asked of the Gateway API.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "gateway.networking.k8s.io",
    version = "v1",
    kind = "HTTPRoute",
    namespaced,
    schema = "disabled",
    derive = "PartialEq",
    doc = "A route from Gateways to the shop's own gateway."
)]
#[serde(rename_all = "camelCase")]
pub struct HTTPRouteSpec {
    /// The Gateways to which it is attached.
    pub parent_refs: Vec<ParentRef>,
    /// The host names for which it is.
    pub hostnames: Vec<String>,
    /// Where requests go.
    pub rules: Vec<Rule>,
}

/// Where requests go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// To these Services.
    pub backend_refs: Vec<BackendRef>,
}

/// A Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BackendRef {
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: i32,
}

pub(super) fn http_route(shop: &Shop, asked: &shopkeeper_api::HttpRoute) -> HTTPRoute {
    let component = Component::Gateway;
    let hostnames = if asked.hostnames.is_empty() { vec![shop.gateway.host.clone()] } else { asked.hostnames.clone() };
    HTTPRoute {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: HTTPRouteSpec {
            parent_refs: asked.parent_refs.clone(),
            hostnames,
            rules: vec![Rule {
                backend_refs: vec![BackendRef { name: shop.child(component), port: component.port() }],
            }],
        },
    }
}
