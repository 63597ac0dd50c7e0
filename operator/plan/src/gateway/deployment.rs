//! The pods of the gateway.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentSpec},
    core::v1::{ConfigMap, Container, Volume},
};

use crate::{
    Component, Found, InvalidStore, Shop,
    hash::hash,
    meta,
    pod::{self, CONFIG_HASH, OPS_PORT, PodParts},
    service::rolling,
};

use super::{
    HTTPS_PORT, exporter,
    routes::{CERTIFICATE, CLOSING},
};

const CONFIG: &str = "/etc/shopkeeper";

/// What the pod does: it learns of the cluster's names, starts nginx and hands on the signal to stop.
const START: &str = include_str!("start.sh");

pub(super) fn deployment(shop: &Shop, found: &Found, config: &ConfigMap) -> Result<Deployment, InvalidStore> {
    let component = Component::Gateway;
    // nginx looks names up when it starts, so a Service that has another address now must restart it.
    let contents = (
        &config.data,
        &found.addresses.iter().map(|(service, address)| (service.as_str(), address)).collect::<BTreeMap<_, _>>(),
    );
    let mut containers = vec![container(shop)];
    if shop.is_made(Component::GatewayExporter) {
        containers.push(exporter::container(shop));
    }
    Ok(Deployment {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(DeploymentSpec {
            replicas: Some(shop.running(shop.gateway_replicas())),
            selector: meta::selector(shop, component),
            strategy: Some(rolling()),
            progress_deadline_seconds: Some(120),
            revision_history_limit: Some(3),
            template: pod::template(
                shop,
                PodParts {
                    component,
                    containers,
                    volumes: volumes(shop),
                    annotations: match &found.certificate {
                        // Without one, the hash is what it was before there could be one.
                        None => BTreeMap::from([(CONFIG_HASH.into(), hash(&contents))]),
                        Some(certificate) => BTreeMap::from([(CONFIG_HASH.into(), hash(&(contents, certificate)))]),
                    },
                    grace_seconds: 40,
                    restart_policy: None,
                },
            )?,
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    })
}

fn volumes(shop: &Shop) -> Vec<Volume> {
    let config = pod::config_folder("config", &shop.child(Component::Gateway));
    let mut volumes = vec![config, pod::scratch("tmp", "256Mi")];
    if let Some(secret) = shop.own_certificate() {
        volumes.push(pod::secret_folder("tls", secret));
    }
    volumes
}

fn container(shop: &Shop) -> Container {
    let component = Component::Gateway;
    let mut ports = vec![pod::port("http", component.port()), pod::port("ops", OPS_PORT.into())];
    let mut mounts = vec![pod::read_only_mount("config", CONFIG), pod::mount("tmp", "/tmp")];
    if shop.own_certificate().is_some() {
        ports.push(pod::port("https", HTTPS_PORT));
        mounts.push(pod::read_only_mount("tls", CERTIFICATE));
    }
    Container {
        command: Some(vec!["/bin/sh".into(), "-c".into(), START.into()]),
        ports: Some(ports),
        volume_mounts: Some(mounts),
        startup_probe: Some(pod::http_probe("/readyz", 1, 60)),
        readiness_probe: Some(pod::http_probe("/readyz", 2, 2)),
        liveness_probe: Some(pod::http_probe("/livez", 10, 3)),
        lifecycle: Some(pod::linger_after(&format!("touch {CLOSING}"))),
        ..pod::container(shop, component, component)
    }
}
