//! The node: containerd, the kubelet and kube-proxy.

use super::apiserver::files;
use crate::{
    cgroups,
    error::Result,
    images::{self, Reference},
    layout::{Layout, write},
    network::{self, DNS, NODE, PODS},
};

/// The node's name.
pub(crate) const NODE_NAME: &str = "local";
/// Where Debian puts the network plugins.
pub(crate) const CNI_PLUGINS: &str = "/usr/lib/cni";

/// Writes the configuration files of the node's components.
pub(crate) fn write_configuration(layout: &Layout) -> Result<()> {
    write(&layout.configuration("containerd.toml"), &containerd_configuration(layout), false)?;
    write(&layout.configuration("kubelet.json"), &kubelet_configuration(layout), false)?;
    write(
        &layout.cni_configuration().join("10-shopkeeper.conflist"),
        &network::cni_configuration(&layout.address_leases()),
        false,
    )
}

/// The arguments of `containerd`.
pub(crate) fn containerd(layout: &Layout) -> Vec<String> {
    vec!["--config".into(), layout.configuration("containerd.toml").display().to_string()]
}

/// The arguments of `kube kubelet`.
pub(crate) fn kubelet(layout: &Layout) -> Vec<String> {
    vec![
        format!("--config={}", layout.configuration("kubelet.json").display()),
        format!("--kubeconfig={}", layout.kubeconfig("kubelet").display()),
        format!("--root-dir={}", layout.kubelet().display()),
        format!("--hostname-override={NODE_NAME}"),
        format!("--node-ip={NODE}"),
    ]
}

/// The arguments of `kube proxy`.
pub(crate) fn proxy(layout: &Layout) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", layout.kubeconfig("proxy").display()),
        format!("--hostname-override={NODE_NAME}"),
        format!("--cluster-cidr={PODS}"),
        "--proxy-mode=iptables".into(),
        // Node ports answer this machine and its pods, nobody else.
        format!("--nodeport-addresses=127.0.0.0/8,{NODE}/32"),
        "--healthz-bind-address=".into(),
        "--metrics-bind-address=".into(),
        // Neither may be raised without rights that containers and small machines often lack.
        "--oom-score-adj=0".into(),
        "--conntrack-max-per-core=0".into(),
    ]
}

fn containerd_configuration(layout: &Layout) -> String {
    let (root, state, socket) = (layout.containerd(), layout.containerd_state(), layout.containerd_socket());
    let (root, state, socket) = (root.display(), state.display(), socket.display());
    let (cni, runc) = (layout.cni_configuration(), layout.runc_state());
    let (cni, runc) = (cni.display(), runc.display());
    let pause = Reference::local(images::PAUSE);
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Lowering a process's score, and so keeping it, needs a right that this machine may not give.
  restrict_oom_score_adj = true
  disable_apparmor = true
  # With everything that is mounted below one folder, the clean-up knows what is ours.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{runc}"
"#
    )
}

fn kubelet_configuration(layout: &Layout) -> String {
    let certificate = |name: &str| layout.certificates().join(name);
    let configuration = serde_json::json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE,
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": certificate(files::AUTHORITY)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", cgroups::ROOT),
        "clusterDNS": [DNS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd_socket().display()),
        // What is not pulled cannot be pulled again: neither images nor pods make room for others.
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "failCgroupV1": false,
        "failSwapOn": false,
        "healthzPort": 0,
        "oomScoreAdj": 0,
        "podLogsDir": layout.pod_logs(),
        "tlsCertFile": certificate("kubelet.crt"),
        "tlsPrivateKeyFile": certificate("kubelet.key"),
    });
    format!("{configuration:#}\n")
}
