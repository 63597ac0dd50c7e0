//! Redis Commander, connected to the shop's Redis.

use k8s_openapi::api::core::v1::{Container, VolumeMount};
use serde_json::json;

use super::settings;
use crate::{
    Component, Found, InvalidStore, Shop,
    hash::hash,
    monitoring::{Contents, MonitoringPart, deployment, part, web_service},
    pod,
};

/// The file that its program reads at the end, and its start script would write where there is none.
const CONNECTIONS: &str = "local-production.json";
const CONFIG: &str = "/redis-commander/config";

pub(crate) fn redis_commander(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::RedisCommander;
    let connections = json!({"connections": [{
        "label": shop.name, "host": shop.child(Component::Redis), "port": Component::Redis.port().to_string(),
        "password": found.credentials.redis.reveal(), "dbIndex": 0,
    }]});
    let secret = settings(shop, component, [(CONNECTIONS, connections.to_string())]);
    let contents = Contents {
        container: container(shop),
        volumes: vec![pod::secret_folder("settings", &shop.child(component)), pod::scratch("tmp", "64Mi")],
        hash: Some(hash(&secret.data)),
    };
    let service = web_service(shop, component, &[("web", component.port())]);
    Ok(MonitoringPart { secret: Some(secret), ..part(component, service, deployment(shop, component, contents)?) })
}

fn container(shop: &Shop) -> Container {
    let component = Component::RedisCommander;
    let connections = VolumeMount {
        sub_path: Some(CONNECTIONS.into()),
        ..pod::read_only_mount("settings", &format!("{CONFIG}/{CONNECTIONS}"))
    };
    Container {
        env: Some(vec![
            pod::env("NODE_ENV", "production"),
            pod::env("ADDRESS", "0.0.0.0"),
            pod::env("PORT", component.port().to_string()),
            pod::env("URL_PREFIX", "/redis-commander"),
            pod::env("NOSAVE", "true"),
            pod::env("NODE_OPTIONS", "--max-old-space-size=128"),
        ]),
        ports: Some(vec![pod::port("web", component.port())]),
        volume_mounts: Some(vec![connections, pod::mount("tmp", "/tmp")]),
        startup_probe: Some(pod::port_probe("web", 2, 60)),
        readiness_probe: Some(pod::port_probe("web", 5, 3)),
        liveness_probe: Some(pod::port_probe("web", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
