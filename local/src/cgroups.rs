//! The control groups: pods live under one of our own, so that what is theirs can be told, and killed, whatever became of their runtime.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    processes,
};

/// The name of our group in every hierarchy.
pub(crate) const ROOT: &str = "shopkeeper";
const MOUNT: &str = "/sys/fs/cgroup";

/// Makes our group in every hierarchy that there is.
pub(crate) fn set_up() -> Result<()> {
    if is_unified() {
        return set_up_unified();
    }
    for hierarchy in hierarchies() {
        let group = hierarchy.join(ROOT);
        fs::create_dir_all(&group).map_err(Error::file("make the control group", &group))?;
        // In a new group of this kind nothing may run until it is told where.
        for setting in ["cpuset.cpus", "cpuset.mems"] {
            let (from, to) = (hierarchy.join(setting), group.join(setting));
            if let Ok(value) = fs::read_to_string(&from) {
                fs::write(&to, value).map_err(Error::file("write", to))?;
            }
        }
    }
    Ok(())
}

fn set_up_unified() -> Result<()> {
    let group = Path::new(MOUNT).join(ROOT);
    fs::create_dir_all(&group).map_err(Error::file("make the control group", &group))?;
    for parent in [Path::new(MOUNT), &group] {
        for controller in ["cpu", "cpuset", "memory", "pids", "io"] {
            // The kubelet says which of them it misses, so a machine without one of the others is not refused here.
            let _ = fs::write(parent.join("cgroup.subtree_control"), format!("+{controller}"));
        }
    }
    Ok(())
}

/// Kills whatever runs in our groups; returns how many processes that were.
pub(crate) fn kill_members() -> usize {
    let mut members: Vec<i32> = groups().iter().flat_map(|group| members(group)).collect();
    members.sort_unstable();
    members.dedup();
    let count = members.len();
    processes::kill_all(members);
    count
}

/// Removes our groups; returns how many there were.
pub(crate) fn remove() -> Result<usize> {
    let groups = groups();
    for group in &groups {
        remove_when_empty(group)?;
    }
    Ok(groups.len())
}

/// A group is busy for a moment after its last process ended.
fn remove_when_empty(group: &Path) -> Result<()> {
    let mut attempts = 40;
    loop {
        match fs::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(_) if attempts > 0 => attempts -= 1,
            Err(error) => return Err(Error::file("remove the control group", group)(error)),
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Our groups, innermost first.
fn groups() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for hierarchy in hierarchies() {
        collect(&hierarchy.join(ROOT), &mut found);
    }
    found
}

fn collect(group: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(group) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        collect(&entry.path(), found);
    }
    found.push(group.to_owned());
}

fn members(group: &Path) -> Vec<i32> {
    let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    listed.lines().filter_map(|line| line.parse().ok()).collect()
}

/// The roots of the hierarchies: one with version 2, one for each controller with version 1.
fn hierarchies() -> Vec<PathBuf> {
    if is_unified() {
        return vec![MOUNT.into()];
    }
    let entries = fs::read_dir(MOUNT).into_iter().flatten().flatten();
    // The empty tree of version 2 that stands beside those of version 1 holds what the runtime puts there.
    entries.map(|entry| entry.path()).filter(|path| path.join("cgroup.procs").exists()).collect()
}

fn is_unified() -> bool {
    Path::new(MOUNT).join("cgroup.controllers").exists()
}
