//! The operator as a process of its own.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{
    cluster::{Cluster, OPERATOR_NAMESPACE},
    counters::samples,
};

/// It does nothing more when it has done nothing for so long.
const CALM: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);
const LIMIT: Duration = Duration::from_secs(900);

/// The operator as a process of its own, killed when it is dropped.
pub(crate) struct Operator {
    child: Child,
    address: SocketAddr,
    pub(crate) started: Instant,
}

impl Drop for Operator {
    fn drop(&mut self) {
        // Either may fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How much it did so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Work {
    reconciles: f64,
    active: f64,
    waiting: f64,
}

impl Operator {
    /// Starts a replica. The program is the one beside this one.
    pub(crate) fn start(cluster: &Cluster, replica: &str) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("operator");
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log: PathBuf = cluster.server.kubeconfig_path().with_file_name(format!("{replica}.log"));
        let log = File::create(log)?;
        let started = Instant::now();
        let child = Command::new(&program)
            .env("KUBECONFIG", cluster.server.kubeconfig_path())
            .env("RUST_LOG", "warn")
            .args(["--identity", replica, "--lease-namespace", OPERATOR_NAMESPACE])
            .args(["--metrics-addr", &address.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} does not start; build it with the same profile", program.display()))?;
        Ok(Self { child, address, started })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The operator's own figures: with those of a thousand Stores, asking so often would be most of what it does.
    async fn metrics(&self) -> anyhow::Result<String> {
        let url = format!("http://{}/metrics?namespace=-&store=-", self.address);
        Ok(reqwest::get(&url).await?.error_for_status()?.text().await?)
    }

    async fn sum(&self, metric: &str) -> anyhow::Result<f64> {
        let text = self.metrics().await?;
        let sum = samples(&text, metric).map(|sample| sample.value).sum();
        Ok(sum)
    }

    /// Reconciles so far.
    pub(crate) async fn reconciles(&self) -> anyhow::Result<f64> {
        self.sum("operator_reconcile_total").await
    }

    /// Waits until it holds the Lease.
    pub(crate) async fn leading(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.sum("operator_leader").await.unwrap_or_default() < 1.0 {
            anyhow::ensure!(begun.elapsed() < LIMIT, "the operator does not get the Lease");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until its watches have seen everything, as Kubernetes asks for it.
    pub(crate) async fn warm(&self) -> anyhow::Result<()> {
        let (begun, url) = (Instant::now(), format!("http://{}/readyz", self.address));
        while !reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            anyhow::ensure!(begun.elapsed() < LIMIT, "the standby does not get warm");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until it has done at least so many reconciles and nothing more for a while; when it did the last.
    pub(crate) async fn calm(&self, reconciles: f64) -> anyhow::Result<Instant> {
        let (begun, mut last, mut since) = (Instant::now(), None, Instant::now());
        loop {
            let text = self.metrics().await.unwrap_or_default();
            let sum = |metric| samples(&text, metric).map(|sample| sample.value).sum();
            let work = Work {
                reconciles: sum("operator_reconcile_total"),
                active: sum("operator_reconcile_active"),
                waiting: sum("operator_objects_in_backoff"),
            };
            if last != Some(work) {
                (last, since) = (Some(work), Instant::now());
            }
            let idle = work.active == 0.0 && work.waiting == 0.0;
            if idle && work.reconciles >= reconciles && since.elapsed() > CALM {
                return Ok(since);
            }
            anyhow::ensure!(begun.elapsed() < LIMIT, "the operator does not come to rest: {work:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Kills it.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, as Kubernetes does.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        let status = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        anyhow::ensure!(status.success(), "the operator can't be told to end");
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.terminate()?;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "the operator does not end");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}
