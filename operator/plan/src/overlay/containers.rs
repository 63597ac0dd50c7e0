//! Containers: what may be changed in the operator's own, and what others beside them must be.

use k8s_openapi::api::core::v1::{Capabilities, Container, Probe, SecurityContext};
use serde_json::Value;

use super::Refusal;

/// What the operator's own containers may be given.
const OWN: [&str; 7] = ["name", "env", "envFrom", "volumeMounts", "startupProbe", "readinessProbe", "livenessProbe"];

/// What of a probe may be another.
const TIMING: [&str; 5] =
    ["initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"];

/// Lays a part of a container over one of the operator's own.
pub(super) fn lay_over(
    own: &mut Container,
    with: &Container,
    may_mount: &impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    for field in fields(with) {
        if !OWN.contains(&field.as_str()) {
            return Err(Refusal::new(field.clone(), elsewhere(&field)));
        }
    }
    for env in with.env.iter().flatten() {
        if own.env.iter().flatten().any(|it| it.name == env.name) {
            let at = format!("env[{}]", env.name);
            return Err(Refusal::new(at, "the operator sets this variable itself: leave it out"));
        }
        own.env.get_or_insert_default().push(env.clone());
    }
    if let Some(sources) = &with.env_from {
        own.env_from.get_or_insert_default().extend(sources.iter().cloned());
    }
    for mount in with.volume_mounts.iter().flatten() {
        let at = format!("volumeMounts[{}]", mount.mount_path);
        if !may_mount(&mount.name) {
            return Err(Refusal::new(at, "mount a volume of this podTemplate's volumes"));
        }
        let in_the_way = |it: &str| is_in(it, &mount.mount_path) || is_in(&mount.mount_path, it);
        if own.volume_mounts.iter().flatten().any(|it| in_the_way(&it.mount_path)) {
            return Err(Refusal::new(at, "a folder of the operator's is there: use another path"));
        }
        own.volume_mounts.get_or_insert_default().push(mount.clone());
    }
    let probes = [
        ("startupProbe", &mut own.startup_probe, &with.startup_probe),
        ("readinessProbe", &mut own.readiness_probe, &with.readiness_probe),
        ("livenessProbe", &mut own.liveness_probe, &with.liveness_probe),
    ];
    for (name, own, with) in probes {
        if let Some(with) = with {
            retime(own, with).map_err(|refusal| refusal.within(name))?;
        }
    }
    Ok(())
}

fn is_in(path: &str, folder: &str) -> bool {
    let (path, folder) = (path.trim_end_matches('/'), folder.trim_end_matches('/'));
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn retime(own: &mut Option<Probe>, with: &Probe) -> Result<(), Refusal> {
    for field in fields(with) {
        if !TIMING.contains(&field.as_str()) {
            return Err(Refusal::new(field, format!("only the times can be changed: {}", TIMING.join(", "))));
        }
    }
    let Some(own) = own else { return Err(Refusal::new("", "this container has no such probe: leave it out")) };
    own.initial_delay_seconds = with.initial_delay_seconds.or(own.initial_delay_seconds);
    own.period_seconds = with.period_seconds.or(own.period_seconds);
    own.timeout_seconds = with.timeout_seconds.or(own.timeout_seconds);
    own.failure_threshold = with.failure_threshold.or(own.failure_threshold);
    own.success_threshold = with.success_threshold.or(own.success_threshold);
    Ok(())
}

/// A container beside the operator's own, filled up to `restricted`.
pub(super) fn beside(container: &Container, may_mount: &impl Fn(&str) -> bool) -> Result<Container, Refusal> {
    if container.image.is_none() {
        return Err(Refusal::new(
            "image",
            "none of the operator's containers has this name; one of your own needs an image",
        ));
    }
    if let Some(mount) = container.volume_mounts.iter().flatten().find(|mount| !may_mount(&mount.name)) {
        let at = format!("volumeMounts[{}]", mount.mount_path);
        return Err(Refusal::new(at, "mount a volume of this podTemplate's volumes"));
    }
    if container.ports.iter().flatten().any(|port| port.host_port.is_some() || port.host_ip.is_some()) {
        return Err(Refusal::new("ports", "ports of the node are not for the shop: leave hostPort and hostIP out"));
    }
    if names_a_host(&serde_json::to_value(container).unwrap_or_default()) {
        return Err(Refusal::new("", "probes and hooks ask the pod itself: leave host out"));
    }
    let given = container.security_context.clone().unwrap_or_default();
    check_security(&given).map_err(|refusal| refusal.within("securityContext"))?;
    Ok(Container {
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: given.read_only_root_filesystem.or(Some(true)),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..given
        }),
        ..container.clone()
    })
}

fn check_security(given: &SecurityContext) -> Result<(), Refusal> {
    let SecurityContext {
        allow_privilege_escalation,
        app_armor_profile,
        capabilities,
        privileged,
        proc_mount,
        read_only_root_filesystem: _,
        run_as_group: _,
        run_as_non_root,
        run_as_user,
        se_linux_options,
        seccomp_profile,
        windows_options,
    } = given;
    let added = capabilities.as_ref().and_then(|it| it.add.as_ref()).is_some_and(|added| !added.is_empty());
    let unconfined = |type_: &str| type_ == "Unconfined";
    let weaker = [
        ("privileged", *privileged == Some(true)),
        ("allowPrivilegeEscalation", *allow_privilege_escalation == Some(true)),
        ("capabilities.add", added),
        ("runAsNonRoot", *run_as_non_root == Some(false)),
        ("runAsUser", *run_as_user == Some(0)),
        ("procMount", proc_mount.as_deref().is_some_and(|mount| mount != "Default")),
        ("seccompProfile", seccomp_profile.as_ref().is_some_and(|it| unconfined(&it.type_))),
        ("appArmorProfile", app_armor_profile.as_ref().is_some_and(|it| unconfined(&it.type_))),
        ("seLinuxOptions", se_linux_options.is_some()),
        ("windowsOptions", windows_options.is_some()),
    ];
    match weaker.into_iter().find(|(_, weakens)| *weakens) {
        Some((field, _)) => {
            Err(Refusal::new(field, "every container of the shop runs under Pod Security restricted: leave it out"))
        }
        None => Ok(()),
    }
}

/// Whether a probe or hook is led to another host.
fn names_a_host(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            (matches!(name.as_str(), "httpGet" | "tcpSocket") && value.get("host").is_some()) || names_a_host(value)
        }),
        Value::Array(items) => items.iter().any(names_a_host),
        _ => false,
    }
}

/// Names of the Secrets in a container's environment.
pub(super) fn secrets(container: &Container) -> Vec<String> {
    let one = container.env.iter().flatten().filter_map(|env| {
        let source = env.value_from.as_ref()?.secret_key_ref.as_ref()?;
        Some(source.name.clone())
    });
    let whole = container.env_from.iter().flatten().filter_map(|it| Some(it.secret_ref.as_ref()?.name.clone()));
    one.chain(whole).collect()
}

/// Names of the `ConfigMaps` in a container's environment.
pub(super) fn config_maps(container: &Container) -> Vec<String> {
    let one = container.env.iter().flatten().filter_map(|env| {
        let source = env.value_from.as_ref()?.config_map_key_ref.as_ref()?;
        Some(source.name.clone())
    });
    let whole = container.env_from.iter().flatten().filter_map(|it| Some(it.config_map_ref.as_ref()?.name.clone()));
    one.chain(whole).collect()
}

fn fields<T: serde::Serialize>(value: &T) -> Vec<String> {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect()
}

fn elsewhere(field: &str) -> String {
    match field {
        "image" | "imagePullPolicy" => "write it in spec.images".into(),
        "resources" => "write it as resources of the same part".into(),
        _ => format!("the operator sets this itself: leave it out; what may be written is {}", OWN.join(", ")),
    }
}
