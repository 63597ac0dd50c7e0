//! A Redis of the shop's own. It keeps nothing on disk: what it holds can be lost.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
        core::v1::{Container, ResourceRequirements, Secret, Service},
    },
    apimachinery::pkg::api::resource::Quantity,
};
use shopkeeper_api::{ManagedRedis, Scheduling};

use crate::{
    Component, Found, Shop,
    compute::Compute,
    database::credentials_secret,
    hash::hash,
    meta,
    pod::{self, CONFIG_HASH, PodParts},
    service::cluster_service,
};

const MIB: u128 = 1 << 20;

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

pub(crate) fn redis(shop: &Shop, found: &Found, managed: &ManagedRedis) -> RedisParts {
    let config = config(shop, found, managed);
    RedisParts {
        service: cluster_service(shop, Component::Redis),
        stateful_set: stateful_set(shop, managed, &config),
        config,
    }
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

fn stateful_set(shop: &Shop, managed: &ManagedRedis, config: &Secret) -> StatefulSet {
    let component = Component::Redis;
    let name = shop.child(component);
    let volumes = vec![pod::secret_file("config", &name, "redis.conf", "redis.conf"), pod::scratch("data", "16Mi")];
    StatefulSet {
        metadata: meta::owned(shop, name.clone(), component),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
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
                    containers: vec![container(shop, managed)],
                    volumes,
                    annotations: BTreeMap::from([(CONFIG_HASH.into(), hash(&config.data))]),
                    scheduling: Scheduling::default(),
                    grace_seconds: 10,
                    restart_policy: None,
                },
            ),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

/// The profile's CPU, and as much memory as the data may take with half as much again for fragments and buffers.
fn resources(shop: &Shop, managed: &ManagedRedis) -> ResourceRequirements {
    let mebibytes = |bytes: u128| Quantity(format!("{}Mi", bytes.div_ceil(MIB)));
    let data = managed.max_memory.units();
    let mut requirements = Compute::of(shop.profile, Component::Redis).requirements();
    for (amounts, bytes) in
        [(&mut requirements.requests, data / 2), (&mut requirements.limits, data + data / 2 + 32 * MIB)]
    {
        amounts.get_or_insert_default().insert("memory".into(), mebibytes(bytes.max(16 * MIB)));
    }
    requirements
}

fn container(shop: &Shop, managed: &ManagedRedis) -> Container {
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
        ..pod::container(shop, component, resources(shop, managed))
    }
}
