//! The CPU time and memory of processes, as Linux tells them.

use std::collections::HashMap;
use std::fs;

use anyhow::Context as _;

/// The processes whose CPU time counts.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    /// The servers; Redis and PostgreSQL always count.
    pub(crate) servers: Vec<u32>,
}

/// CPU time in nanoseconds, by process.
type Times = HashMap<u32, u64>;

/// CPU time of those who take part, at a moment.
#[derive(Debug)]
pub(crate) struct Reading {
    server: Times,
    redis: Times,
    postgres: Times,
}

/// CPU time between two moments, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) server: u64,
    pub(crate) redis: u64,
    pub(crate) postgres: u64,
}

impl Watched {
    /// The servers, and all of Redis and PostgreSQL that was started from here.
    pub(crate) fn read(&self) -> anyhow::Result<Reading> {
        let mut reading = Reading {
            server: self.servers.iter().map(|&server| (server, cpu(server))).collect(),
            redis: Times::new(),
            postgres: Times::new(),
        };
        for (pid, name) in descendants()? {
            match name.as_str() {
                "redis-server" => reading.redis.insert(pid, cpu(pid)),
                "postgres" => reading.postgres.insert(pid, cpu(pid)),
                _ => None,
            };
        }
        Ok(reading)
    }
}

impl Reading {
    /// What was spent since an earlier reading.
    pub(crate) fn since(&self, before: &Self) -> Spent {
        let spent = |after: &Times, before: &Times| {
            after.iter().map(|(pid, time)| time.saturating_sub(before.get(pid).copied().unwrap_or_default())).sum()
        };
        Spent {
            server: spent(&self.server, &before.server),
            redis: spent(&self.redis, &before.redis),
            postgres: spent(&self.postgres, &before.postgres),
        }
    }
}

impl Spent {
    pub(crate) const fn all(self) -> u64 {
        self.server + self.redis + self.postgres
    }
}

/// The CPU time of all threads of a process; nothing if it has gone.
fn cpu(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let time = |thread: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    threads.flatten().filter_map(time).sum()
}

/// The memory of a process that is really there, in bytes.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

/// Every process that comes from this one, with its name.
fn descendants() -> anyhow::Result<Vec<(u32, String)>> {
    let mut children: HashMap<u32, Vec<(u32, String)>> = HashMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // "<pid> (<name>) <state> <parent> …"; the name may contain anything.
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")) else { continue };
        let Some(parent) = rest.split(' ').nth(1).and_then(|parent| parent.parse().ok()) else { continue };
        children.entry(parent).or_default().push((pid, name.to_owned()));
    }
    let (mut found, mut open) = (Vec::new(), vec![std::process::id()]);
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            open.push(child.0);
            found.push(child);
        }
    }
    Ok(found)
}

/// How busy the machine was lately.
pub(crate) fn load_average() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(" ")
}
