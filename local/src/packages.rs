//! Debian's packages: what the cluster needs is installed when it is missing.

use std::{path::Path, process::Command};

use crate::{
    cluster::node::CNI_PLUGINS,
    command,
    error::{Error, Result},
    progress,
};

/// A file or program, and the package that brings it.
const NEEDED: [(&str, &str); 8] = [
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("modprobe", "kmod"),
    ("mmdebstrap", "mmdebstrap"),
    ("setsid", "util-linux"),
];
const CNI: &str = "containernetworking-plugins";

/// Installs the missing packages.
pub(crate) fn install_missing() -> Result<()> {
    let mut missing: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| !command::on_path(program)).map(|(_, package)| *package).collect();
    if !Path::new(CNI_PLUGINS).join("bridge").exists() {
        missing.push(CNI);
    }
    missing.dedup();
    install(&missing)
}

/// Installs packages; the lists of what can be had are fetched only when they turn out to be missing or old.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let failed = |error: Error| {
        let reason = match error {
            Error::ProgramMissing { .. } => "this machine has no apt-get".into(),
            other => other.to_string(),
        };
        Error::Preflight(format!(
            "the packages {list} are needed and could not be installed: install them by hand ({reason})"
        ))
    };
    progress::timed(format!("packages: {list}"), || {
        let install = || command::run(apt_get().args(["install", "--no-install-recommends"]).args(packages));
        if install().is_err() {
            command::run(apt_get().arg("update")).map_err(failed)?;
            install().map_err(failed)?;
        }
        Ok(())
    })
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "--yes", "-o", "DPkg::Lock::Timeout=120"]);
    command
}
