//! What a cluster leaves behind, however it ended, and its removal. Nothing here needs the cluster's processes or their help.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::mount::{MntFlags, umount2};

use crate::{
    cgroups,
    error::{Error, Result},
    iptables,
    layout::Layout,
    network, processes,
};

/// How many of each were removed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) processes: usize,
    pub(crate) mounts: usize,
    pub(crate) interfaces: usize,
    pub(crate) rules: usize,
    pub(crate) groups: usize,
}

/// Removes containers, mounts, interfaces, rules, control groups and folders. The cluster's own processes must have been stopped.
pub(crate) fn remove_all(layout: &Layout) -> Result<Removed> {
    let containers = cgroups::kill_members();
    let shims = shims(layout);
    processes::kill_all(shims.iter().copied());
    // A shim that was killed cannot report that its container is gone; what its container started in the meantime is.
    let late = cgroups::kill_members();
    let mounts = unmount(layout)?;
    let removed = Removed {
        processes: containers + shims.len() + late,
        mounts,
        interfaces: network::tear_down()?,
        rules: iptables::remove_rules()?,
        groups: cgroups::remove()?,
    };
    remove_scattered(layout);
    for folder in [layout.run(), layout.state()] {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
        }
    }
    Ok(removed)
}

/// What is left of a cluster though nothing should be, in words; empty when there is nothing.
pub(crate) fn leftovers(layout: &Layout) -> Vec<String> {
    let mut left = Vec::new();
    let mut note = |there: bool, what: String| {
        if there {
            left.push(what);
        }
    };
    let shims = shims(layout).len();
    note(shims > 0, format!("{shims} containers' processes"));
    let mounts = our_mounts(layout).len();
    note(mounts > 0, format!("{mounts} mounts"));
    note(network::exists(), format!("the interface {}", network::BRIDGE));
    note(iptables::has_rules(), "rules of iptables".into());
    note(layout.exists(), format!("{} or {}", layout.state().display(), layout.run().display()));
    left
}

/// The processes between containerd and a container.
fn shims(layout: &Layout) -> Vec<i32> {
    let address = layout.containerd_socket().display().to_string();
    let ours = processes::find(|line| line.contains("containerd-shim") && line.contains(&address));
    ours.into_iter().map(|process| process.pid).collect()
}

fn unmount(layout: &Layout) -> Result<usize> {
    let mounts = our_mounts(layout);
    for mount in &mounts {
        // Detached, so that whatever still looks at it does not keep it.
        umount2(mount, MntFlags::MNT_DETACH).map_err(|errno| Error::file("unmount", mount)(errno.into()))?;
    }
    Ok(mounts.len())
}

fn our_mounts(layout: &Layout) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts_below(&mounts, &[layout.state(), layout.run()])
}

/// The mount points below the folders, last mounted first.
fn mounts_below(mountinfo: &str, folders: &[&Path]) -> Vec<PathBuf> {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(unescape).map(PathBuf::from);
    let mut ours: Vec<PathBuf> =
        points.filter(|point| folders.iter().any(|folder| point.starts_with(folder))).collect();
    ours.reverse();
    ours
}

/// The kernel writes blanks and the like as a backslash and three octal digits.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal =
            (first == b'\\').then(|| after.get(..3)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the components put at places that cannot be chosen. Folders go only when nobody else has anything in them.
fn remove_scattered(layout: &Layout) {
    // The network plugins' record of what they did in which pod's namespace, which is mounted in a folder of ours.
    let ours = layout.run().display().to_string();
    remove_files("/var/lib/cni/results", |path| fs::read_to_string(path).is_ok_and(|record| record.contains(&ours)));
    // Links to the logs of pods, which are in a folder of ours.
    remove_files("/var/log/containers", |path| {
        fs::read_link(path).is_ok_and(|target| target.starts_with(layout.state()))
    });
    // The sockets of shims; whoever listens on one is in the kernel's table.
    let listening = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    remove_files("/run/containerd/s", |path| !listening.contains(&name(path)));
    // The kubelet's ear for device plugins.
    remove_files("/var/lib/kubelet/device-plugins", |path| !listening.contains(&path.display().to_string()));
    for folder in [
        "/var/lib/cni/results",
        "/var/lib/cni",
        "/var/log/containers",
        "/run/containerd/s",
        "/run/containerd",
        "/var/lib/kubelet/device-plugins",
        "/var/lib/kubelet",
    ] {
        // Refused when it is not empty, which is what is wanted then.
        let _ = fs::remove_dir(folder);
    }
}

fn remove_files(folder: &str, condition: impl Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if condition(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_ours_are_found_and_the_innermost_comes_first() {
        let mountinfo = "\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:40 / /run/shopkeeper/containerd/x/rootfs rw - overlay overlay rw
31 30 0:41 / /run/shopkeeper/containerd/x/rootfs/dev rw - tmpfs tmpfs rw
32 21 0:42 / /var/lib/shopkeeper/kubelet/a\\040b rw - tmpfs tmpfs rw
33 21 0:43 / /var/lib/shopkeeper-of-another rw - tmpfs tmpfs rw
";
        let found = mounts_below(mountinfo, &[Path::new("/var/lib/shopkeeper"), Path::new("/run/shopkeeper")]);
        let expected = [
            "/var/lib/shopkeeper/kubelet/a b",
            "/run/shopkeeper/containerd/x/rootfs/dev",
            "/run/shopkeeper/containerd/x/rootfs",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
    }
}
