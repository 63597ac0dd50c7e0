//! The pods of a service.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{ConfigMapVolumeSource, Container, EnvVar, Secret, Volume, VolumeMount},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{DATABASE_URL, REDIS_URL, service_secret};
use crate::{
    Component, Found, InvalidStore, SERVICES, Shop, auth_keys, cache_policy,
    database::credentials_secret,
    hash::hash,
    meta,
    pod::{self, CONFIG_HASH, OPS_PORT, PodParts},
    shop::Scale,
    telemetry,
};

const KEYS: &str = "/run/shopkeeper/keys";
const TOKEN: &str = "/run/shopkeeper/token";
const SIGNING: &str = "/run/shopkeeper/signing";

pub(super) fn deployment(
    shop: &Shop,
    found: &Found,
    component: Component,
    scale: Scale,
    secret: &Secret,
) -> Result<Deployment, InvalidStore> {
    // Not the keys of access tokens: pods follow them while they run, so that replacing a key restarts nothing.
    let contents = (&secret.data, &found.credentials.service_token);
    Ok(Deployment {
        metadata: meta::owned(shop, shop.child(component), component),
        spec: Some(DeploymentSpec {
            replicas: match scale {
                Scale::Fixed(replicas) => Some(shop.running(replicas)),
                Scale::Automatic(_) => shop.suspended.then_some(0),
            },
            selector: meta::selector(shop, component),
            strategy: Some(rolling()),
            progress_deadline_seconds: Some(120),
            revision_history_limit: Some(3),
            template: pod::template(
                shop,
                PodParts {
                    component,
                    containers: vec![container(shop, component)],
                    volumes: volumes(shop, component),
                    annotations: BTreeMap::from([(CONFIG_HASH.into(), hash(&contents))]),
                    grace_seconds: 35,
                    restart_policy: None,
                },
            )?,
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    })
}

/// A new pod is ready before an old one goes.
pub(crate) fn rolling() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".into()),
        rolling_update: Some(RollingUpdateDeployment {
            max_unavailable: Some(IntOrString::Int(0)),
            max_surge: Some(IntOrString::Int(1)),
        }),
    }
}

fn container(shop: &Shop, component: Component) -> Container {
    Container {
        args: Some(vec!["serve".into()]),
        env: Some(environment(shop, component)),
        ports: Some(vec![pod::port("http", component.port()), pod::port("ops", OPS_PORT.into())]),
        volume_mounts: Some(mounts(component)),
        startup_probe: Some(pod::http_probe("/livez", 1, 60)),
        readiness_probe: Some(pod::http_probe("/readyz", 2, 2)),
        liveness_probe: Some(pod::http_probe("/livez", 10, 3)),
        lifecycle: Some(pod::linger()),
        ..pod::container(shop, component, component)
    }
}

fn environment(shop: &Shop, component: Component) -> Vec<EnvVar> {
    let secret = service_secret(shop, component);
    let mut env = vec![
        pod::env("LISTEN_ADDR", format!("0.0.0.0:{}", component.port())),
        pod::env("OPS_ADDR", format!("0.0.0.0:{OPS_PORT}")),
        pod::env("LOG_FORMAT", "json"),
        pod::env("SHUTDOWN_GRACE", "20s"),
        pod::secret_env(DATABASE_URL, &secret, DATABASE_URL),
        pod::secret_env(REDIS_URL, &secret, REDIS_URL),
        pod::env("AUTH_PUBLIC_KEYS_DIR", KEYS),
        pod::env("SERVICE_TOKEN_FILE", format!("{TOKEN}/token")),
    ];
    for sibling in SERVICES {
        let name = format!("{}_URL", sibling.as_str().to_uppercase());
        env.push(pod::env(&name, format!("http://{}:{}", shop.child(sibling), sibling.port())));
    }
    env.extend(cache_policy::environment(shop));
    env.extend(telemetry::environment(shop));
    match component {
        Component::Order => env.extend([
            pod::env("ORDER_PROCESSING_AFTER", shop.lifecycle.processing_after.to_string()),
            pod::env("ORDER_SHIPPING_AFTER", shop.lifecycle.shipping_after.to_string()),
            pod::env("ORDER_DELIVERED_AFTER", shop.lifecycle.delivered_after.to_string()),
            pod::env("ORDER_DELETE_AFTER", shop.lifecycle.delete_after.to_string()),
        ]),
        Component::User => env.extend([
            pod::env("ACCESS_TOKEN_LIFETIME", shop.access_token_lifetime.to_string()),
            pod::env("AUTH_SIGNING_KEY_FILE", format!("{SIGNING}/key.pem")),
        ]),
        _ => {}
    }
    env
}

fn mounts(component: Component) -> Vec<VolumeMount> {
    let mut mounts =
        vec![pod::read_only_mount("keys", KEYS), pod::read_only_mount("token", TOKEN), cache_policy::mount()];
    if component == Component::User {
        mounts.push(pod::read_only_mount("signing", SIGNING));
    }
    mounts
}

fn volumes(shop: &Shop, component: Component) -> Vec<Volume> {
    let credentials = credentials_secret(&shop.name);
    let mut volumes = vec![
        Volume {
            name: "keys".into(),
            config_map: Some(ConfigMapVolumeSource { name: auth_keys::name(shop), ..ConfigMapVolumeSource::default() }),
            ..Volume::default()
        },
        pod::secret_file("token", &credentials, "service-token", "token"),
        cache_policy::volume(shop),
    ];
    if component == Component::User {
        volumes.push(pod::secret_file("signing", &credentials, "signing-key", "key.pem"));
    }
    volumes
}
