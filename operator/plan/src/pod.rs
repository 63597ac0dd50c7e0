//! What all pods have in common: they run under Pod Security `restricted`, without a token, with bounds and probes.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource,
        ExecAction, HTTPGetAction, KeyToPath, Lifecycle, LifecycleHandler, ObjectFieldSelector, PodSpec,
        PodTemplateSpec, Probe, SecretKeySelector, SecretVolumeSource, SecurityContext, SleepAction, TCPSocketAction,
        Volume, VolumeMount,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};

use crate::{Component, InvalidStore, Shop, meta, pods::PodSettings, security};

/// The port of `/metrics`, `/livez` and `/readyz`, never behind the gateway.
pub const OPS_PORT: u16 = 9090;

/// Annotation on pod templates: a change of what it hashes rolls the pods.
pub(crate) const CONFIG_HASH: &str = "shopkeeper.dev/config-hash";

/// Seconds between a pod leaving the endpoints and its processes being told to stop.
const LEAVE_ENDPOINTS_SECONDS: i64 = 5;

/// A pod's own part; everything else is the same for all.
pub(crate) struct PodParts {
    pub(crate) component: Component,
    pub(crate) containers: Vec<Container>,
    pub(crate) volumes: Vec<Volume>,
    /// What a change of must roll the pods.
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) grace_seconds: i64,
    pub(crate) restart_policy: Option<&'static str>,
}

pub(crate) fn template(shop: &Shop, parts: PodParts) -> Result<PodTemplateSpec, InvalidStore> {
    let PodParts { component, containers, volumes, annotations, grace_seconds, restart_policy } = parts;
    let PodSettings { placement, security, overlay, .. } = shop.pods(component);
    let spread = placement.spread(&meta::selector_labels(shop, component));
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(meta::labels(shop, component)),
            annotations: Some(annotations).filter(|all| !all.is_empty()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            service_account_name: Some(shop.name.clone()),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            image_pull_secrets: shop.pull_secrets(),
            security_context: Some(security::context(component, security)),
            containers: containers.into_iter().map(restricted).collect(),
            volumes: Some(volumes).filter(|all| !all.is_empty()),
            topology_spread_constraints: Some(spread).filter(|it| restart_policy.is_none() && !it.is_empty()),
            termination_grace_period_seconds: Some(grace_seconds),
            node_selector: Some(placement.node_selector.clone()).filter(|labels| !labels.is_empty()),
            tolerations: Some(placement.tolerations.clone()).filter(|all| !all.is_empty()),
            affinity: placement.affinity.clone(),
            priority_class_name: placement.priority_class_name.clone(),
            restart_policy: restart_policy.map(Into::into),
            ..PodSpec::default()
        }),
    };
    meta::add_extra(template.metadata.get_or_insert_default(), &shop.extra);
    overlay.lay_over(&mut template)?;
    Ok(template)
}

pub(crate) fn restricted(container: Container) -> Container {
    let capabilities = container.security_context.as_ref().and_then(|security| security.capabilities.as_ref());
    let add = capabilities.and_then(|capabilities| capabilities.add.clone());
    Container {
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add }),
            ..SecurityContext::default()
        }),
        ..container
    }
}

/// A container with its image, and the bounds of the part that it belongs to.
pub(crate) fn container(shop: &Shop, component: Component, of: Component) -> Container {
    Container {
        name: component.to_string(),
        image: Some(shop.image(component)),
        image_pull_policy: Some(shop.images.pull_policy.as_str().into()),
        resources: Some(shop.pods(of).compute.requirements()),
        ..Container::default()
    }
}

pub(crate) fn env(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.into(), value: Some(value.into()), value_from: None }
}

pub(crate) fn secret_env(name: &str, secret: &str, key: &str) -> EnvVar {
    let selector = SecretKeySelector { name: secret.into(), key: key.into(), optional: None };
    EnvVar {
        name: name.into(),
        value: None,
        value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() }),
    }
}

/// The name of the pod itself.
pub(crate) fn pod_name_env() -> EnvVar {
    let field = ObjectFieldSelector { field_path: "metadata.name".into(), api_version: Some("v1".into()) };
    EnvVar {
        name: "POD_NAME".into(),
        value: None,
        value_from: Some(EnvVarSource { field_ref: Some(field), ..EnvVarSource::default() }),
    }
}

pub(crate) fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.into()),
        container_port: number,
        protocol: Some("TCP".into()),
        ..ContainerPort::default()
    }
}

pub(crate) fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.into(), mount_path: path.into(), ..VolumeMount::default() }
}

pub(crate) fn read_only_mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(name, path) }
}

/// Room for scratch files, with a bound so that it cannot fill the node.
pub(crate) fn scratch(name: &str, size: &str) -> Volume {
    let source = EmptyDirVolumeSource { size_limit: Some(Quantity(size.into())), ..EmptyDirVolumeSource::default() };
    Volume { name: name.into(), empty_dir: Some(source), ..Volume::default() }
}

/// A ConfigMap as a folder.
pub(crate) fn config_folder(name: &str, config_map: &str) -> Volume {
    let source = ConfigMapVolumeSource { name: config_map.into(), ..ConfigMapVolumeSource::default() };
    Volume { name: name.into(), config_map: Some(source), ..Volume::default() }
}

/// A Secret as a folder that only the pod's own user can read.
pub(crate) fn secret_folder(name: &str, secret: &str) -> Volume {
    let source = SecretVolumeSource {
        secret_name: Some(secret.into()),
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    Volume { name: name.into(), secret: Some(source), ..Volume::default() }
}

/// One key of a Secret as a file that only the pod's own user can read.
pub(crate) fn secret_file(name: &str, secret: &str, key: &str, file: &str) -> Volume {
    let item = KeyToPath { key: key.into(), path: file.into(), mode: None };
    let mut volume = secret_folder(name, secret);
    volume.secret.get_or_insert_default().items = Some(vec![item]);
    volume
}

pub(crate) fn http_probe(path: &str, period: i32, failures: i32) -> Probe {
    path_probe("ops", path, period, failures)
}

/// Whether a path answers at a port, by the port's name.
pub(crate) fn path_probe(port: &str, path: &str, period: i32, failures: i32) -> Probe {
    let action =
        HTTPGetAction { path: Some(path.into()), port: IntOrString::String(port.into()), ..HTTPGetAction::default() };
    Probe { http_get: Some(action), ..timing(period, failures) }
}

/// Whether anything listens at a port, by the port's name.
pub(crate) fn port_probe(port: &str, period: i32, failures: i32) -> Probe {
    let action = TCPSocketAction { port: IntOrString::String(port.into()), host: None };
    Probe { tcp_socket: Some(action), ..timing(period, failures) }
}

pub(crate) fn exec_probe(command: &[&str], period: i32, failures: i32) -> Probe {
    let command = command.iter().map(ToString::to_string).collect();
    Probe { exec: Some(ExecAction { command: Some(command) }), ..timing(period, failures) }
}

fn timing(period: i32, failures: i32) -> Probe {
    Probe {
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

/// Go on serving for a moment after leaving the endpoints, since not everybody hears of that at once.
pub(crate) fn linger() -> Lifecycle {
    let sleep = LifecycleHandler {
        sleep: Some(SleepAction { seconds: LEAVE_ENDPOINTS_SECONDS }),
        ..LifecycleHandler::default()
    };
    Lifecycle { pre_stop: Some(sleep), ..Lifecycle::default() }
}

/// The same, after a command by which the process learns of it; for images that have a shell.
pub(crate) fn linger_after(command: &str) -> Lifecycle {
    let script = format!("{command}; sleep {LEAVE_ENDPOINTS_SECONDS}");
    let action = ExecAction { command: Some(vec!["/bin/sh".into(), "-c".into(), script]) };
    let exec = LifecycleHandler { exec: Some(action), ..LifecycleHandler::default() };
    Lifecycle { pre_stop: Some(exec), ..Lifecycle::default() }
}
