//! The CPU time and memory of a process, as Linux tells them.

use std::fs;

use anyhow::Context as _;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// What of it is in memory.
    pub(crate) resident: f64,
    /// What of that is its own, and no page of the program file, which the kernel may drop and read again.
    pub(crate) anonymous: f64,
}

/// The CPU time that a process's threads had so far, in seconds.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).context("the process has ended")?;
    let nanoseconds = |thread: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    Ok(threads.flatten().filter_map(nanoseconds).sum::<u64>() as f64 / 1e9)
}

/// The memory of a process.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("the process has ended")?;
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        anyhow::Ok(kilobytes * 1024.0)
    };
    Ok(Memory { resident: bytes("Rss:")?, anonymous: bytes("Anonymous:")? })
}

/// How busy the machine was lately.
pub(crate) fn load_average() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_had_its_time() {
        let memory = memory(std::process::id()).expect("our own memory");
        assert!(memory.resident >= memory.anonymous && memory.anonymous > 0.0);
        assert!(cpu_seconds(std::process::id()).expect("our own time") > 0.0);
    }
}
