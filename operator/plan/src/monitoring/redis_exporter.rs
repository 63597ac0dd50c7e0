//! What tells the figures of a Redis that the operator runs.

use k8s_openapi::api::core::v1::Container;

use super::{Contents, MonitoringPart, deployment, go_environment, part, web_service};
use crate::{Component, Found, InvalidStore, Shop, database::credentials_secret, hash::hash, pod};

pub(super) fn redis_exporter(shop: &Shop, found: &Found) -> Result<MonitoringPart, InvalidStore> {
    let component = Component::RedisExporter;
    let contents =
        Contents { container: container(shop), volumes: Vec::new(), hash: Some(hash(&found.credentials.redis)) };
    let service = web_service(shop, component, &[("metrics", component.port())]);
    Ok(part(component, service, deployment(shop, component, contents)?))
}

fn container(shop: &Shop) -> Container {
    let component = Component::RedisExporter;
    let redis = Component::Redis;
    let mut env = go_environment(shop, component);
    env.extend([
        pod::env("REDIS_ADDR", format!("redis://{}:{}", shop.child(redis), redis.port())),
        pod::secret_env("REDIS_PASSWORD", &credentials_secret(&shop.name), "redis-password"),
    ]);
    Container {
        env: Some(env),
        ports: Some(vec![pod::port("metrics", component.port())]),
        // Its figures are made when somebody asks for them, so that probes do not.
        startup_probe: Some(pod::path_probe("metrics", "/", 1, 60)),
        readiness_probe: Some(pod::path_probe("metrics", "/", 5, 3)),
        liveness_probe: Some(pod::path_probe("metrics", "/", 10, 6)),
        ..pod::container(shop, component, component)
    }
}
