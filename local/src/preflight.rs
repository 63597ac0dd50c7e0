//! What the machine must have, asked before anything is changed; what is missing is named with what to do about it.

use std::{fs, path::Path, process::Command};

use nix::{sys::statvfs::statvfs, unistd::Uid};

use crate::{
    command,
    error::{Error, Result},
    packages,
};

const MEMORY: u64 = 1 << 30;
const DISK: u64 = 3 << 30;

/// Whether we are root, which everything else needs.
pub(crate) fn check_root() -> Result<()> {
    if Uid::effective().is_root() {
        return Ok(());
    }
    Err(missing("root is needed to run pods without Docker: run it with sudo, or start a Docker engine"))
}

/// Checks the machine and installs the packages that are missing.
pub(crate) fn check_machine() -> Result<()> {
    check_root()?;
    if !command::on_path("go") {
        return Err(missing("`go` is not on the PATH: install Go (https://go.dev/dl), Kubernetes is built with it"));
    }
    packages::install_missing()?;
    kernel_feature(
        "overlay",
        || filesystem("overlay"),
        "the kernel has no overlayfs: boot one with CONFIG_OVERLAY_FS",
    )?;
    kernel_feature(
        "br_netfilter",
        || Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists(),
        "the kernel filters no packets on bridges: boot one with CONFIG_BRIDGE_NETFILTER",
    )?;
    kernel_feature(
        "iptable_nat",
        || command::succeeds(Command::new("iptables").args(["-w", "-t", "nat", "-n", "-L", "PREROUTING"])),
        "iptables cannot change addresses here: boot a kernel with CONFIG_NF_NAT and CONFIG_NF_TABLES, or leave the container",
    )?;
    if !["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/memory"].iter().any(|path| Path::new(path).exists()) {
        return Err(missing("no control groups are mounted at /sys/fs/cgroup: mount them, or install cgroupfs-mount"));
    }
    check_room()
}

fn check_room() -> Result<()> {
    let memory = available_memory(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
    if let Some(memory) = memory.filter(|memory| *memory < MEMORY) {
        return Err(missing(format!("only {} MiB of memory are available: free some, 1 GiB is needed", memory >> 20)));
    }
    let disk = statvfs("/var/lib").map(|disk| disk.blocks_available() * disk.fragment_size());
    match disk {
        Ok(disk) if disk < DISK => {
            Err(missing(format!("only {} MiB are free in /var/lib: free some, 3 GiB are needed", disk >> 20)))
        }
        _ => Ok(()),
    }
}

/// Asks again after trying to load the module; where the feature is built in there is no module.
fn kernel_feature(module: &str, there: impl Fn() -> bool, remedy: &'static str) -> Result<()> {
    if there() || (command::succeeds(Command::new("modprobe").arg(module)) && there()) {
        return Ok(());
    }
    Err(missing(remedy))
}

fn filesystem(name: &str) -> bool {
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    known.lines().any(|line| line.split_ascii_whitespace().last() == Some(name))
}

fn available_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn missing(what: impl Into<String>) -> Error {
    Error::Preflight(what.into())
}
