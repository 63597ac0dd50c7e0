//! What is deployed in every cluster: the class of volumes, the name server, the source of `kubectl top` and of autoscaling.

use std::process::Command;

use crate::{
    command,
    error::Result,
    images::{COREDNS, METRICS_SERVER, Reference},
};

const STORAGE: &str = include_str!("../manifests/storage.yaml");
const COREDNS_MANIFEST: &str = include_str!("../manifests/coredns.yaml");
const METRICS_SERVER_MANIFEST: &str = include_str!("../manifests/metrics-server.yaml");

/// What kind does not bring by itself.
pub(crate) fn metrics_server() -> String {
    METRICS_SERVER_MANIFEST.replace("IMAGE", &Reference::local(METRICS_SERVER).to_string())
}

/// All of it.
pub(crate) fn all() -> String {
    let coredns = COREDNS_MANIFEST.replace("IMAGE", &Reference::local(COREDNS).to_string());
    [STORAGE, &coredns, &metrics_server()].join("---\n")
}

/// Applies manifests with the given kubectl.
pub(crate) fn apply(mut kubectl: Command, manifests: &str) -> Result<()> {
    command::run_with_input(
        kubectl.args(["apply", "--server-side", "--force-conflicts", "--filename=-"]),
        manifests.as_bytes(),
    )
    .map(drop)
}
