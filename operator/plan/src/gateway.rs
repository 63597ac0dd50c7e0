//! The one address of the shop: nginx, with a configuration built here.

mod cors;
mod deployment;
mod nginx;
mod page;
mod problems;
mod routes;

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
    policy::v1::PodDisruptionBudget,
};

use crate::{Component, Found, Shop, budget::budget, meta, service::cluster_service};

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
}

pub(crate) fn gateway(shop: &Shop, found: &Found) -> GatewayParts {
    let config = ConfigMap {
        metadata: meta::owned(shop, shop.child(Component::Gateway), Component::Gateway),
        data: Some(BTreeMap::from([
            ("nginx.conf".into(), routes::configuration(shop)),
            ("index.html".into(), page::html(shop)),
            ("index.json".into(), page::json(shop)),
        ])),
        ..ConfigMap::default()
    };
    GatewayParts {
        deployment: deployment::deployment(shop, found, &config),
        service: service(shop),
        budget: budget(shop, Component::Gateway, shop.gateway_replicas()),
        config,
    }
}

fn service(shop: &Shop) -> Service {
    let wanted = shop.gateway.service;
    let mut service = cluster_service(shop, Component::Gateway);
    if let Some(spec) = service.spec.as_mut() {
        spec.type_ = Some(wanted.type_.as_str().into());
        for port in spec.ports.iter_mut().flatten() {
            port.node_port = wanted.node_port;
        }
    }
    service
}
