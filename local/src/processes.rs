//! The cluster's processes. Each has a session of its own, so that it outlives the launcher and the terminal, and a file that says which
//! process it is: its id and when it started, so that a process that later got the same id is never taken for it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{
    command,
    error::{Error, Result},
    layout::Layout,
};

const POLL: Duration = Duration::from_millis(50);

/// A process to run.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// What identifies a process until the machine is switched off, and beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    started: u64,
    boot: String,
}

/// A process that was started, as its file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) process: Identity,
    command: Vec<String>,
}

/// What became of a component that was asked to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ensured {
    Started,
    AlreadyRan,
}

/// The processes of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    records: PathBuf,
    logs: PathBuf,
    /// Those that this launcher started: they are its children, and have to be waited for when they stop.
    children: Vec<Child>,
}

impl Identity {
    /// The identity of whichever process has this id now.
    fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!stat.is_dead()).then(|| Self { pid, started: stat.started, boot: boot_id() })
    }

    /// Whether this very process runs.
    pub(crate) fn runs(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    fn signal(&self, signal: Signal) {
        if self.runs() {
            // The only way to fail is that it has just ended.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

impl Processes {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { records: layout.process_ids(), logs: layout.logs(), children: Vec::new() }
    }

    /// Where a component writes what it has to say.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// The component's process, if it runs.
    pub(crate) fn running(&self, name: &str) -> Option<Record> {
        self.record(name).filter(|record| record.process.runs())
    }

    /// Whether any process of the cluster runs.
    pub(crate) fn any_running(&self) -> bool {
        let Ok(entries) = fs::read_dir(&self.records) else { return false };
        entries.flatten().any(|entry| self.running(&entry.file_name().to_string_lossy()).is_some())
    }

    /// Starts the component, unless it runs already in just this way; if it runs in another way, it is started anew.
    pub(crate) fn ensure(&mut self, component: &Component) -> Result<Ensured> {
        let command = component.command_line();
        if let Some(record) = self.running(component.name) {
            if record.command == command {
                return Ok(Ensured::AlreadyRan);
            }
            self.stop(component.name, Duration::from_secs(10));
        }
        let log = self.log(component.name);
        if log.exists() {
            let earlier = self.logs.join(format!("{}.log.1", component.name));
            fs::rename(&log, &earlier).map_err(Error::file("rename", &log))?;
        }
        let file = File::create(&log).map_err(Error::file("make", &log))?;
        let same_file = file.try_clone().map_err(Error::file("open", &log))?;
        // setsid becomes the program, so the id stays.
        let child = Command::new("setsid")
            .arg(&component.program)
            .args(&component.arguments)
            .envs(component.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(same_file)
            .spawn()
            .map_err(|source| Error::CommandNotStarted { command: command.join(" "), source })?;
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        self.children.push(child);
        let process = Identity::of(pid).ok_or_else(|| self.stopped(component.name))?;
        self.write(component.name, &Record { process, command })?;
        Ok(Ensured::Started)
    }

    /// An error that says so if a component has stopped.
    pub(crate) fn check(&self, names: &[&str]) -> Result<()> {
        names.iter().find(|name| self.running(name).is_none()).map_or(Ok(()), |name| Err(self.stopped(name)))
    }

    /// Ends the component: asks it, then kills it when it has not ended in time.
    pub(crate) fn stop(&mut self, name: &str, grace: Duration) {
        if let Some(Record { process, .. }) = self.running(name) {
            process.signal(Signal::SIGTERM);
            self.wait_for_end(&process, grace);
            process.signal(Signal::SIGKILL);
            self.wait_for_end(&process, Duration::from_secs(5));
        }
        let _ = fs::remove_file(self.records.join(name));
    }

    fn wait_for_end(&mut self, process: &Identity, limit: Duration) {
        let began = Instant::now();
        while process.runs() && began.elapsed() < limit {
            // A child of ours that has ended is there until it is asked for.
            self.children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            thread::sleep(POLL);
        }
    }

    fn stopped(&self, name: &str) -> Error {
        let log = self.log(name);
        Error::ComponentStopped { component: name.into(), tail: command::tail_of(&log), log }
    }

    fn record(&self, name: &str) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.records.join(name)).ok()?).ok()
    }

    fn write(&self, name: &str, record: &Record) -> Result<()> {
        let path = self.records.join(name);
        let content = serde_json::to_vec(record).map_err(|error| Error::file("write", &path)(error.into()))?;
        fs::write(&path, content).map_err(Error::file("write", path))
    }
}

impl Component {
    fn command_line(&self) -> Vec<String> {
        let environment = self.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let program = self.program.display().to_string();
        environment.chain([program]).chain(self.arguments.iter().cloned()).collect()
    }
}

/// What the kernel says of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    state: char,
    started: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The program's name, in parentheses, may contain anything, so what follows is counted from the last one.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let started = fields.nth(18)?.parse().ok()?;
        Some(Self { state, started })
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// The memory of a process, in bytes. What it shares, as all components share their one binary, is counted by its part.
pub(crate) fn memory(pid: i32) -> Option<u64> {
    let summary = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = summary.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// All processes whose command line satisfies the condition.
pub(crate) fn find(condition: impl Fn(&str) -> bool) -> Vec<Identity> {
    all_ids()
        .filter(|pid| {
            let path = format!("/proc/{pid}/cmdline");
            fs::read(path).is_ok_and(|line| condition(&String::from_utf8_lossy(&line).replace('\0', " ")))
        })
        .filter_map(Identity::of)
        .collect()
}

/// Kills processes and waits until they are gone.
pub(crate) fn kill_all(ids: impl IntoIterator<Item = i32>) {
    let victims: Vec<Identity> = ids.into_iter().filter_map(Identity::of).collect();
    for victim in &victims {
        victim.signal(Signal::SIGKILL);
    }
    let began = Instant::now();
    while victims.iter().any(Identity::runs) && began.elapsed() < Duration::from_secs(10) {
        thread::sleep(POLL);
    }
}

/// The ids of all processes.
pub(crate) fn all_ids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// A process's program and id, for messages.
pub(crate) fn describe(pid: i32) -> String {
    let name = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("comm")).unwrap_or_default();
    format!("{} (process {pid})", name.trim())
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processes(folder: &Path) -> Processes {
        Processes { records: folder.to_owned(), logs: folder.join("logs"), children: Vec::new() }
    }

    fn sleeper() -> Component {
        Component { name: "sleeper", program: "sleep".into(), arguments: vec!["1000".into()], environment: Vec::new() }
    }

    #[test]
    fn a_process_with_a_reused_id_is_not_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let processes = processes(folder.path());
        let me = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        let record = |process| Record { process, command: Vec::new() };
        processes.write("me", &record(me.clone())).unwrap();
        processes.write("earlier", &record(Identity { started: me.started - 1, ..me.clone() })).unwrap();
        processes.write("before-reboot", &record(Identity { boot: "another".into(), ..me })).unwrap();
        assert!(processes.running("me").is_some());
        assert!(processes.running("earlier").is_none());
        assert!(processes.running("before-reboot").is_none());
    }

    #[test]
    fn the_start_time_is_found_behind_a_name_with_spaces_and_parentheses() {
        let line = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 100 200";
        assert_eq!(Stat::parse(line), Some(Stat { state: 'S', started: 987_654 }));
    }

    #[test]
    fn a_component_that_runs_is_not_started_again_and_one_that_should_run_otherwise_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        let mut processes = processes(folder.path());
        assert_eq!(processes.ensure(&sleeper()).unwrap(), Ensured::Started);
        let first = processes.running("sleeper").unwrap().process;
        assert_eq!(processes.ensure(&sleeper()).unwrap(), Ensured::AlreadyRan);
        let changed = Component { arguments: vec!["2000".into()], ..sleeper() };
        assert_eq!(processes.ensure(&changed).unwrap(), Ensured::Started);
        assert!(!first.runs());
        processes.stop("sleeper", Duration::from_secs(5));
        assert!(!processes.any_running());
    }
}
