//! The pods of the gateway.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentSpec},
    core::v1::{ConfigMap, ConfigMapVolumeSource, Container, Volume},
};
use shopkeeper_api::Scheduling;

use crate::{
    Component, Found, Shop,
    compute::Compute,
    hash::hash,
    meta,
    pod::{self, CONFIG_HASH, OPS_PORT, PodParts},
    service::rolling,
};

use super::routes::CLOSING;

const CONFIG: &str = "/etc/shopkeeper";

/// nginx ends at once when it is told to stop by the usual signal; this asks it to finish what it has begun. That it was about to stop
/// does not hold for what is started anew in the same pod.
const START: &str = "rm -f /tmp/closing\n\
                     nginx -e stderr -c /etc/shopkeeper/nginx.conf &\n\
                     server=$!\n\
                     trap 'kill -QUIT $server' TERM INT\n\
                     wait $server || wait $server\n";

pub(super) fn deployment(shop: &Shop, found: &Found, config: &ConfigMap) -> Deployment {
    let component = Component::Gateway;
    // nginx looks names up when it starts, so a Service that has another address now must restart it.
    let contents = (
        &config.data,
        &found.addresses.iter().map(|(service, address)| (service.as_str(), address)).collect::<BTreeMap<_, _>>(),
    );
    Deployment {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(DeploymentSpec {
            replicas: Some(shop.gateway_replicas()),
            selector: meta::selector(shop, component),
            strategy: Some(rolling()),
            progress_deadline_seconds: Some(120),
            revision_history_limit: Some(3),
            template: pod::template(
                shop,
                PodParts {
                    component,
                    containers: vec![container(shop)],
                    volumes: vec![
                        Volume {
                            name: "config".into(),
                            config_map: Some(ConfigMapVolumeSource {
                                name: shop.child(component),
                                ..ConfigMapVolumeSource::default()
                            }),
                            ..Volume::default()
                        },
                        pod::scratch("tmp", "256Mi"),
                    ],
                    annotations: BTreeMap::from([(CONFIG_HASH.into(), hash(&contents))]),
                    scheduling: Scheduling::default(),
                    grace_seconds: 40,
                    restart_policy: None,
                },
            ),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn container(shop: &Shop) -> Container {
    let component = Component::Gateway;
    Container {
        command: Some(vec!["/bin/sh".into(), "-c".into(), START.into()]),
        ports: Some(vec![pod::port("http", component.port()), pod::port("ops", OPS_PORT.into())]),
        volume_mounts: Some(vec![pod::read_only_mount("config", CONFIG), pod::mount("tmp", "/tmp")]),
        startup_probe: Some(pod::http_probe("/readyz", 1, 60)),
        readiness_probe: Some(pod::http_probe("/readyz", 2, 2)),
        liveness_probe: Some(pod::http_probe("/livez", 10, 3)),
        lifecycle: Some(pod::linger_after(&format!("touch {CLOSING}"))),
        ..pod::container(shop, component, Compute::of(shop.profile, component).requirements())
    }
}
