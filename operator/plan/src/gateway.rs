//! The one address of the shop: nginx, with a configuration built here.

mod admins;
mod cors;
mod deployment;
mod exporter;
mod http_route;
mod ingress;
mod log;
mod nginx;
mod page;
mod problems;
mod profiles;
mod proxy;
mod routes;
mod tools;
mod trace;

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service, ServicePort},
    networking::v1::Ingress,
    policy::v1::PodDisruptionBudget,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::{Component, Found, InvalidStore, Shop, budget::budget, meta, service::cluster_service};

pub use http_route::{BackendRef, HTTPRoute, HTTPRouteSpec, Rule};
pub(crate) use tools::TOOLS;

/// The port on which the gateway itself serves under TLS.
pub(crate) const HTTPS_PORT: i32 = 8443;

/// The gateway.
#[derive(Clone, Debug)]
pub struct GatewayParts {
    /// nginx's configuration and the pages that it serves itself.
    pub config: ConfigMap,
    /// The address.
    pub service: Service,
    /// The pods.
    pub deployment: Deployment,
    /// How many pods may go at a time.
    pub budget: Option<PodDisruptionBudget>,
    /// A way in from outside, where one is asked for.
    pub ingress: Option<Ingress>,
    /// Another one, by the Gateway API.
    pub http_route: Option<HTTPRoute>,
}

pub(crate) fn gateway(shop: &Shop, found: &Found) -> Result<GatewayParts, InvalidStore> {
    let config = ConfigMap {
        metadata: meta::owned(shop, shop.child(Component::Gateway), Component::Gateway),
        data: Some(BTreeMap::from([
            ("nginx.conf".into(), routes::configuration(shop, found)),
            ("index.html".into(), page::html(shop, found)),
            ("index.json".into(), page::json(shop, found)),
            ("profiles.html".into(), profiles::html(shop)),
        ])),
        ..ConfigMap::default()
    };
    Ok(GatewayParts {
        deployment: deployment::deployment(shop, found, &config)?,
        service: service(shop),
        budget: budget(shop, Component::Gateway, shop.gateway_replicas()),
        ingress: shop.gateway.ingress.as_ref().map(|asked| ingress::ingress(shop, asked)),
        http_route: shop.gateway.http_route.as_ref().map(|asked| http_route::http_route(shop, asked)),
        config,
    })
}

fn service(shop: &Shop) -> Service {
    let wanted = &shop.gateway.service;
    let mut service = cluster_service(shop, Component::Gateway);
    if !wanted.annotations.is_empty() {
        service.metadata.annotations.get_or_insert_default().extend(wanted.annotations.clone());
    }
    if let Some(spec) = service.spec.as_mut() {
        spec.type_ = Some(wanted.type_.as_str().into());
        for port in spec.ports.iter_mut().flatten() {
            port.node_port = wanted.node_port;
        }
        if shop.own_certificate().is_some() {
            spec.ports.get_or_insert_default().push(ServicePort {
                name: Some("https".into()),
                port: HTTPS_PORT,
                target_port: Some(IntOrString::String("https".into())),
                protocol: Some("TCP".into()),
                ..ServicePort::default()
            });
        }
    }
    service
}
