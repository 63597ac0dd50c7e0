//! Only one replica works: the one that holds the Lease.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::{sync::watch, task::JoinHandle};

use crate::{args::Args, metrics::Metrics};

/// Time for giving the Lease back.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// A claim to the Lease, renewed in the background.
pub struct Lease {
    leading: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
    metrics: Metrics,
}

impl Lease {
    /// Begins to claim the Lease.
    pub async fn claim(client: Client, args: &Args, metrics: Metrics) -> anyhow::Result<Self> {
        let manager = LeaseManagerBuilder::new(client, &args.lease_name)
            .with_namespace(&args.lease_namespace)
            .with_identity(&args.identity)
            .with_duration(args.lease_seconds)
            .with_grace(args.lease_seconds / 3)
            .build()
            .await?;
        let (leading, task) = manager.watch().await;
        Ok(Self { leading, task, metrics })
    }

    /// Waits until this replica holds the Lease.
    pub async fn wait_until_held(&mut self) -> anyhow::Result<()> {
        self.leading.wait_for(|leading| *leading).await?;
        self.metrics.leader.set(1);
        Ok(())
    }

    /// Ends when this replica does not hold the Lease any more.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        let mut leading = self.leading.clone();
        let metrics = self.metrics.clone();
        async move {
            // An error means that nobody renews the Lease any more, which comes to the same.
            let _ = leading.wait_for(|leading| !*leading).await;
            metrics.leader.set(0);
        }
    }

    /// Gives the Lease back, so that another replica need not wait for its end.
    pub async fn release(self) {
        let Self { leading, task, metrics } = self;
        drop(leading);
        metrics.leader.set(0);
        if !matches!(tokio::time::timeout(RELEASE_TIMEOUT, task).await, Ok(Ok(Ok(_)))) {
            tracing::warn!("the Lease could not be given back; it ends by itself");
        }
    }
}
