//! The node's network: one bridge of our own, whose address is the node's. The cluster depends on no other interface, so it works without
//! a network and survives a change of the machine's address, and nothing of it listens to the outside.

use std::{fs, path::Path, process::Command};

use crate::{
    command,
    error::{Error, Result},
    iptables,
};

/// The bridge that pods are attached to.
pub(crate) const BRIDGE: &str = "shopkeeper0";
/// The node's address.
pub(crate) const NODE: &str = "10.244.0.1";
/// The pods' addresses.
pub(crate) const PODS: &str = "10.244.0.0/16";
/// The addresses of the one node's pods.
pub(crate) const NODE_PODS: &str = "10.244.0.0/24";
/// The services' addresses.
pub(crate) const SERVICES: &str = "10.96.0.0/16";
/// The name server's address.
pub(crate) const DNS: &str = "10.96.0.10";
/// The address of the `kubernetes` service.
pub(crate) const API_SERVICE: &str = "10.96.0.1";
/// The API server's port, on the node's address.
pub(crate) const API_PORT: u16 = 6443;
/// The gateway's port on the node, which both charts and kind-config.yaml name.
pub(crate) const GATEWAY_NODE_PORT: u16 = 30080;

const INTERFACES: &str = "/sys/class/net";

/// Makes the bridge and what goes with it. Safe to call again.
pub(crate) fn set_up() -> Result<()> {
    if !exists() {
        ip(&["link", "add", BRIDGE, "type", "bridge"])?;
    }
    ip(&["address", "replace", &format!("{NODE}/24"), "dev", BRIDGE])?;
    ip(&["link", "set", BRIDGE, "up"])?;
    // The machine itself reaches services even when it has no default route.
    ip(&["route", "replace", SERVICES, "dev", BRIDGE])?;
    for switch in ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"] {
        let path = Path::new("/proc/sys").join(switch);
        fs::write(&path, "1").map_err(Error::file("write 1 to", path))?;
    }
    iptables::add_rules()
}

/// Whether the bridge is there.
pub(crate) fn exists() -> bool {
    Path::new(INTERFACES).join(BRIDGE).exists()
}

/// Removes the bridge and what is attached to it; returns how many interfaces that were.
pub(crate) fn tear_down() -> Result<usize> {
    if !exists() {
        return Ok(0);
    }
    let attached = fs::read_dir(Path::new(INTERFACES).join(BRIDGE).join("brif")).into_iter().flatten().flatten();
    let names: Vec<String> = attached.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    for name in &names {
        // It goes by itself when its pod's namespace does, maybe just now.
        let _ = ip(&["link", "delete", name]);
    }
    ip(&["link", "delete", BRIDGE])?;
    Ok(names.len() + 1)
}

/// The configuration of the plugin that attaches a pod.
pub(crate) fn cni_configuration(leases: &Path) -> String {
    let configuration = serde_json::json!({
        "cniVersion": "0.4.0",
        "name": "shopkeeper",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": leases,
                "ranges": [[{"subnet": NODE_PODS, "gateway": NODE}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    });
    format!("{configuration:#}\n")
}

fn ip(arguments: &[&str]) -> Result<()> {
    command::run(Command::new("ip").args(arguments)).map(drop)
}
