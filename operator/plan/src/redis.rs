//! A Redis of the shop's own. It keeps nothing on disk: what it holds can be lost.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
        core::v1::{Container, Secret, Service},
    },
};
use shopkeeper_api::ManagedRedis;

use crate::{
    Component, Found, InvalidStore, Shop,
    database::credentials_secret,
    hash::hash,
    meta,
    pod::{self, CONFIG_HASH, PodParts},
    service::cluster_service,
};

/// A managed Redis.
#[derive(Clone, Debug)]
pub struct RedisParts {
    /// Settings. A Secret, since the password is among them and must not be on a command line.
    pub config: Secret,
    /// The name under which the services reach it.
    pub service: Service,
    /// The server.
    pub stateful_set: StatefulSet,
}

pub(crate) fn redis(shop: &Shop, found: &Found, managed: &ManagedRedis) -> Result<RedisParts, InvalidStore> {
    let config = config(shop, found, managed);
    Ok(RedisParts {
        service: cluster_service(shop, Component::Redis),
        stateful_set: stateful_set(shop, &config)?,
        config,
    })
}

fn config(shop: &Shop, found: &Found, managed: &ManagedRedis) -> Secret {
    let settings = format!(
        "bind * -::*\n\
         port 6379\n\
         dir /data\n\
         save \"\"\n\
         appendonly no\n\
         maxmemory {}\n\
         maxmemory-policy allkeys-lru\n\
         requirepass {}\n",
        managed.max_memory.units(),
        found.credentials.redis.reveal(),
    );
    Secret {
        metadata: meta::owned(shop, shop.child(Component::Redis), Component::Redis),
        data: Some(BTreeMap::from([("redis.conf".into(), ByteString(settings.into_bytes()))])),
        ..Secret::default()
    }
}

fn stateful_set(shop: &Shop, config: &Secret) -> Result<StatefulSet, InvalidStore> {
    let component = Component::Redis;
    let name = shop.child(component);
    let volumes = vec![pod::secret_file("config", &name, "redis.conf", "redis.conf"), pod::scratch("data", "16Mi")];
    Ok(StatefulSet {
        metadata: meta::owned(shop, name.clone(), component),
        spec: Some(StatefulSetSpec {
            replicas: Some(shop.running(1)),
            service_name: Some(name),
            selector: meta::selector(shop, component),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".into()),
                ..StatefulSetUpdateStrategy::default()
            }),
            template: pod::template(
                shop,
                PodParts {
                    component,
                    containers: vec![container(shop)],
                    volumes,
                    annotations: BTreeMap::from([(CONFIG_HASH.into(), hash(&config.data))]),
                    grace_seconds: 10,
                    restart_policy: None,
                },
            )?,
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    })
}

fn container(shop: &Shop) -> Container {
    let component = Component::Redis;
    let answers = ["redis-cli", "-e", "ping"];
    Container {
        command: Some(vec!["redis-server".into(), "/etc/shopkeeper/redis.conf".into()]),
        env: Some(vec![pod::secret_env("REDISCLI_AUTH", &credentials_secret(&shop.name), "redis-password")]),
        ports: Some(vec![pod::port("redis", component.port())]),
        volume_mounts: Some(vec![pod::read_only_mount("config", "/etc/shopkeeper"), pod::mount("data", "/data")]),
        startup_probe: Some(pod::exec_probe(&answers, 1, 60)),
        readiness_probe: Some(pod::exec_probe(&answers, 5, 2)),
        liveness_probe: Some(pod::exec_probe(&answers, 10, 6)),
        ..pod::container(shop, component, component)
    }
}
