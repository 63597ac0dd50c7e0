//! What Pod Security `restricted` wants of a pod, as the API server reads it.

use serde_json::{Value, json};

use crate::fixture::list;

const VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

const SELINUX_TYPES: [&str; 4] = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// What of a pod `restricted` forbids, in words.
pub(crate) fn violations(pod: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let security = &pod["securityContext"];
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod[field] == true {
            wrong.push(field.to_owned());
        }
    }
    for volume in list(&pod["volumes"]) {
        let types = volume.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        wrong.extend(
            types.filter(|it| *it != "name" && !VOLUMES.contains(it)).map(|it| format!("a volume of type {it}")),
        );
    }
    if !list(&security["sysctls"]).is_empty() {
        wrong.push("sysctls".to_owned());
    }
    wrong.extend(of_context("the pod", security));
    for kind in ["containers", "initContainers", "ephemeralContainers"] {
        for container in list(&pod[kind]) {
            wrong.extend(of_container(container, security));
        }
    }
    wrong
}

/// What is forbidden of pods and of containers alike.
fn of_context(whose: &str, security: &Value) -> Vec<String> {
    let confined = |profile: &Value, allowed: [&str; 2]| {
        profile.is_null() || profile["type"].as_str().is_some_and(|type_| allowed.contains(&type_))
    };
    let selinux = &security["seLinuxOptions"];
    let no = |value: &Value| value.is_null() || *value == "";
    let problems = [
        ("runAsNonRoot", security["runAsNonRoot"] != false),
        ("runAsUser", security["runAsUser"] != 0),
        ("seccompProfile", confined(&security["seccompProfile"], ["RuntimeDefault", "Localhost"])),
        ("appArmorProfile", confined(&security["appArmorProfile"], ["RuntimeDefault", "Localhost"])),
        ("seLinuxOptions.user", no(&selinux["user"])),
        ("seLinuxOptions.role", no(&selinux["role"])),
        (
            "seLinuxOptions.type",
            no(&selinux["type"]) || selinux["type"].as_str().is_some_and(|it| SELINUX_TYPES.contains(&it)),
        ),
        ("windowsOptions.hostProcess", security["windowsOptions"]["hostProcess"] != true),
    ];
    problems.into_iter().filter(|(_, right)| !right).map(|(field, _)| format!("{field} of {whose}")).collect()
}

fn of_container(container: &Value, pod: &Value) -> Vec<String> {
    let whose = container["name"].as_str().unwrap_or("a container without a name");
    let security = &container["securityContext"];
    let capabilities = &security["capabilities"];
    let proc_mount = &security["procMount"];
    let own_or_pods =
        |field: &str| if security[field].is_null() { pod[field].clone() } else { security[field].clone() };
    let problems = [
        ("privileged", security["privileged"] != true),
        ("allowPrivilegeEscalation", security["allowPrivilegeEscalation"] == false),
        ("capabilities.drop", list(&capabilities["drop"]).contains(&json!("ALL"))),
        ("capabilities.add", list(&capabilities["add"]).iter().all(|it| it == "NET_BIND_SERVICE")),
        ("procMount", proc_mount.is_null() || proc_mount == "Default"),
        ("runAsNonRoot", own_or_pods("runAsNonRoot") == true),
        ("seccompProfile", own_or_pods("seccompProfile")["type"].is_string()),
        ("hostPort", list(&container["ports"]).iter().all(|port| port["hostPort"].is_null())),
        ("host of a probe or hook", !names_a_host(container)),
    ];
    let own = problems.into_iter().filter(|(_, right)| !right).map(|(field, _)| format!("{field} of {whose}"));
    own.chain(of_context(whose, security)).collect()
}

fn names_a_host(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            (matches!(name.as_str(), "httpGet" | "tcpSocket") && !value["host"].is_null()) || names_a_host(value)
        }),
        Value::Array(items) => items.iter().any(names_a_host),
        _ => false,
    }
}

#[test]
fn what_restricted_forbids_is_found() {
    let good = json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}],
        "volumes": [{"name": "a", "emptyDir": {}}],
    });
    assert_eq!(violations(&good), [] as [String; 0]);
    let security = "/containers/0/securityContext";
    for (place, field, value) in [
        ("", "hostNetwork", json!(true)),
        ("", "volumes", json!([{"name": "a", "hostPath": {"path": "/"}}])),
        ("/securityContext", "runAsNonRoot", json!(false)),
        ("/securityContext", "runAsUser", json!(0)),
        ("/securityContext", "seccompProfile", json!({"type": "Unconfined"})),
        ("/securityContext", "seLinuxOptions", json!({"type": "spc_t"})),
        ("/securityContext", "seLinuxOptions", json!({"user": "system_u"})),
        ("/securityContext", "sysctls", json!([{"name": "kernel.msgmax", "value": "1"}])),
        ("/securityContext", "windowsOptions", json!({"hostProcess": true})),
        ("/containers/0", "ports", json!([{"containerPort": 1, "hostPort": 1}])),
        ("/containers/0", "livenessProbe", json!({"httpGet": {"host": "example.com", "port": 1}})),
        (security, "privileged", json!(true)),
        (security, "allowPrivilegeEscalation", json!(true)),
        (security, "capabilities", json!({"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
        (security, "capabilities", json!({})),
        (security, "runAsUser", json!(0)),
        (security, "procMount", json!("Unmasked")),
        (security, "appArmorProfile", json!({"type": "Unconfined"})),
    ] {
        let mut pod = good.clone();
        pod.pointer_mut(place).expect("a place")[field] = value.clone();
        assert!(!violations(&pod).is_empty(), "{place} {field}: {value}");
    }
}
