//! The cluster without Docker: its life. One file below for each part of it.

pub(crate) mod apiserver;
pub(crate) mod controllers;
pub(crate) mod credentials;
pub(crate) mod etcd;
pub(crate) mod node;

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    addons,
    binaries::Binaries,
    cache::Cache,
    cgroups, cleanup, command,
    error::{Error, Result},
    images::{COREDNS, Images, METRICS_SERVER, OurPrograms, Reference},
    layout::Layout,
    network::{self, API_PORT, NODE},
    ports,
    processes::{self, Component, Ensured, Processes},
    progress::{self, step, timed, timed_async},
    servers::{self, Tools},
    values::{self, Operands},
};
use apiserver::{ReadyProbe, files};
use node::NODE_NAME;

/// In the order in which they are stopped: first whatever would start something again.
const COMPONENTS: [&str; 9] =
    ["forward", "kubelet", "proxy", "storage", "scheduler", "controller-manager", "apiserver", "etcd", "containerd"];
const CONTROL_PLANE_TIMEOUT: Duration = Duration::from_secs(90);
const CONTAINERD_TIMEOUT: Duration = Duration::from_secs(30);
const NODE_TIMEOUT: &str = "--timeout=90s";

/// The cluster of this machine.
#[derive(Debug)]
pub(crate) struct Cluster {
    layout: Layout,
    processes: Processes,
    cache: Cache,
    binaries: Binaries,
}

impl Cluster {
    pub(crate) fn new(cache: &Cache) -> Result<Self> {
        let layout = Layout::machine();
        Ok(Self { processes: Processes::new(&layout), layout, cache: cache.clone(), binaries: Binaries::get(cache)? })
    }

    /// Where the administrator's kubeconfig is or will be.
    pub(crate) fn kubeconfig() -> PathBuf {
        Layout::machine().kubeconfig(credentials::ADMIN)
    }

    /// Whether the cluster's API server runs.
    pub(crate) fn runs() -> bool {
        Processes::new(&Layout::machine()).running("apiserver").is_some()
    }

    /// Brings up whatever does not run yet.
    pub(crate) async fn up(&mut self, port: u16) -> Result<()> {
        self.clean_up_after_a_killed_one()?;
        self.check_ports(port)?;

        self.layout.make()?;
        credentials::ensure(&self.layout)?;
        node::write_configuration(&self.layout)?;
        timed("network and control groups", || {
            network::set_up()?;
            cgroups::set_up()
        })?;

        self.check_api_port()?;
        self.ensure("etcd", etcd::arguments(&self.layout.etcd(), &self.layout.etcd_socket()))?;
        self.ensure("apiserver", apiserver::cluster_arguments(&self.layout))?;
        let containerd = Component {
            name: "containerd",
            program: "containerd".into(),
            arguments: node::containerd(&self.layout),
            environment: Vec::new(),
        };
        self.processes.ensure(&containerd)?;
        timed("containerd and the images of the cluster", || self.load_cluster_images())?;
        timed_async("etcd and the API server", self.api_server_ready()).await?;

        self.ensure("controller-manager", controllers::controller_manager(&self.layout))?;
        self.ensure("scheduler", controllers::scheduler(&self.layout))?;
        self.ensure("storage", controllers::storage(&self.layout))?;
        self.ensure("kubelet", node::kubelet(&self.layout))?;
        self.ensure("proxy", node::proxy(&self.layout))?;
        timed("storage class, CoreDNS, metrics-server", || addons::apply(self.kubectl(), &addons::all()))?;
        timed("the node is ready", || {
            self.wait(&["wait", "--for=create", "node", NODE_NAME])?;
            self.wait(&["wait", "--for=condition=Ready", "node", NODE_NAME])
        })?;
        timed("CoreDNS is ready", || {
            self.wait(&["rollout", "status", "--namespace=kube-system", "deployment/coredns"])
        })?;
        self.forward(port)?;
        self.processes.check(&COMPONENTS)
    }

    /// Ends the cluster and removes all of it.
    pub(crate) fn down(&mut self) -> Result<()> {
        if !self.processes.any_running() && cleanup::leftovers(&self.layout).is_empty() {
            progress::note("there is no cluster");
            return Ok(());
        }
        timed("the cluster's processes end", || {
            for name in COMPONENTS {
                self.processes.stop(name, Duration::from_secs(2));
            }
            Ok::<_, Error>(())
        })?;
        self.remove_leftovers("containers, mounts, network and files removed")?;
        let left = cleanup::leftovers(&self.layout);
        if left.is_empty() { Ok(()) } else { Err(Error::Refused(format!("left behind: {}", left.join(", ")))) }
    }

    /// Prints what runs; fails when something does not.
    pub(crate) fn status(&self) -> Result<()> {
        if !self.layout.exists() {
            return Err(Error::Refused("there is no cluster: `make up` makes one".into()));
        }
        for name in COMPONENTS.iter().rev() {
            match self.processes.running(name) {
                Some(record) => {
                    let memory = processes::memory(record.process.pid).unwrap_or_default() >> 20;
                    println!("{name:<20} runs, process {:<8} {memory:>5} MiB", record.process.pid);
                }
                None => println!("{name:<20} does not run; its log: {}", self.processes.log(name).display()),
            }
        }
        if self.processes.running("apiserver").is_none() {
            return Err(Error::Refused("the API server does not run: `make up` starts what has stopped".into()));
        }
        println!();
        print!("{}", command::run(self.kubectl().args(["get", "nodes,pods", "--all-namespaces"]))?);
        self.processes.check(&COMPONENTS)
    }

    /// Loads the images of our programs and of the servers that they need; returns our tag and the file of Helm values.
    pub(crate) fn images(&self, tools: Tools) -> Result<(String, PathBuf)> {
        let images = self.running_images()?;
        let ours = OurPrograms::find()?;
        timed(format!("images of our programs ({})", ours.tag), || ours.load(&images))?;
        for server in servers::all(tools) {
            let archive = server.archive(&self.cache)?;
            timed(format!("image {}", server.reference()), || images.load(&archive))?;
        }
        let file = self.layout.configuration("values.json");
        values::write_to(&file, Operands::MadeHere(tools))?;
        Ok((ours.tag, file))
    }

    /// Loads an image's archive.
    pub(crate) fn load(&self, archive: &Path) -> Result<()> {
        let images = self.running_images()?;
        let step = step(format!("image of {}", archive.display()));
        if images.load(archive)? {
            step.done();
        } else {
            step.already();
        }
        Ok(())
    }

    fn running_images(&self) -> Result<Images<'_>> {
        if self.processes.running("containerd").is_none() {
            return Err(Error::Refused("there is no cluster to load images into: `make up` makes one".into()));
        }
        Ok(Images::new(&self.layout))
    }

    fn clean_up_after_a_killed_one(&self) -> Result<()> {
        if self.processes.any_running() || cleanup::leftovers(&self.layout).is_empty() {
            return Ok(());
        }
        self.remove_leftovers("a cluster that was killed, cleaned up")
    }

    fn remove_leftovers(&self, what: &str) -> Result<()> {
        let removed = timed(what, || cleanup::remove_all(&self.layout))?;
        let cleanup::Removed { processes, mounts, interfaces, rules, groups } = removed;
        progress::note(format!(
            "  {processes} processes, {mounts} mounts, {interfaces} interfaces, {rules} rules, {groups} control groups"
        ));
        Ok(())
    }

    fn check_ports(&self, port: u16) -> Result<()> {
        if self.processes.running("forward").is_none() {
            ports::check_free(IpAddr::from([127, 0, 0, 1]), port, "stop it, or choose another with PORT=…")?;
        }
        Ok(())
    }

    /// Only a server that listens on every address can be in the way of ours, which listens on the bridge's.
    fn check_api_port(&self) -> Result<()> {
        if self.processes.running("apiserver").is_some() {
            return Ok(());
        }
        let address = NODE.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        ports::check_free(address, API_PORT, "stop it, it seems to be another Kubernetes")
    }

    fn load_cluster_images(&mut self) -> Result<()> {
        let images = Images::new(&self.layout);
        let began = Instant::now();
        while !command::succeeds(
            Command::new("ctr").arg("--address").arg(self.layout.containerd_socket()).arg("version"),
        ) {
            self.processes.check(&["containerd"])?;
            if began.elapsed() > CONTAINERD_TIMEOUT {
                return Err(self.timed_out("containerd", CONTAINERD_TIMEOUT));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        images.load_pause(&self.binaries.pause())?;
        images.load_program(&Reference::local(COREDNS), &self.binaries.coredns())?;
        images.load_program(&Reference::local(METRICS_SERVER), &self.binaries.metrics_server())?;
        Ok(())
    }

    async fn api_server_ready(&self) -> Result<()> {
        let file = self.layout.certificates().join(files::AUTHORITY);
        let authority = fs::read_to_string(&file).map_err(Error::file("read", file))?;
        let probe = ReadyProbe::new(&credentials::server(), &authority)?;
        let began = Instant::now();
        while !probe.is_ready().await {
            self.processes.check(&["etcd", "apiserver"])?;
            if began.elapsed() > CONTROL_PLANE_TIMEOUT {
                return Err(self.timed_out("apiserver", CONTROL_PLANE_TIMEOUT));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn forward(&mut self, port: u16) -> Result<()> {
        let program = std::env::current_exe().map_err(Error::file("find", "the running launcher"))?;
        let arguments = vec!["forward".into(), format!("--port={port}")];
        self.processes.ensure(&Component { name: "forward", program, arguments, environment: Vec::new() }).map(drop)
    }

    /// Starts a component of the kube binary.
    fn ensure(&mut self, name: &'static str, flags: Vec<String>) -> Result<Ensured> {
        let mut arguments = vec![name.to_owned()];
        arguments.extend(flags);
        self.processes.ensure(&Component { name, program: self.binaries.kube(), arguments, environment: Vec::new() })
    }

    fn kubectl(&self) -> Command {
        self.binaries.kubectl(&Self::kubeconfig())
    }

    /// Waits with kubectl; when that fails because a component has stopped, that is what is told.
    fn wait(&self, arguments: &[&str]) -> Result<()> {
        command::run(self.kubectl().args(arguments).arg(NODE_TIMEOUT)).map(drop).map_err(|error| {
            match self.processes.check(&[
                "etcd",
                "apiserver",
                "controller-manager",
                "scheduler",
                "containerd",
                "kubelet",
                "proxy",
            ]) {
                Err(stopped) => stopped,
                Ok(()) => error,
            }
        })
    }

    fn timed_out(&self, name: &str, limit: Duration) -> Error {
        let log = self.processes.log(name);
        let look = format!("the end of {} is:\n{}", log.display(), command::tail_of(&log));
        Error::TimedOut { what: format!("{name} that answers"), seconds: limit.as_secs(), look }
    }
}
