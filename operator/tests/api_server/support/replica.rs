//! A replica as the process makes it, inside the test.

use std::{sync::Arc, time::Duration};

use kube::{Client, Config};
use shopkeeper_operator::{
    args::Settings,
    client::{as_replica, client, gated_client},
    controller::{self, Surroundings},
    heartbeat::Heartbeat,
    lease::{Lease, LeaseSettings, Role, Term},
    metrics::Metrics,
    observed::Observed,
    watch::WatchStates,
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::eventually;

/// A replica: it claims the Lease, stands by, and works. Unlike the process it goes on when it loses the Lease.
pub struct Replica {
    pub metrics: Metrics,
    pub watches: WatchStates,
    pub role: watch::Receiver<Role>,
    lease: Lease,
    controller: JoinHandle<()>,
    stop: CancellationToken,
}

/// A Lease in a namespace, for a process of this name.
pub fn lease_settings(namespace: &str, identity: &str, seconds: u64) -> LeaseSettings {
    LeaseSettings {
        name: "shopkeeper".into(),
        namespace: namespace.into(),
        identity: identity.into(),
        duration: Duration::from_secs(seconds),
    }
}

impl Replica {
    /// Starts one.
    pub fn start(config: &Config, settings: Settings, lease: LeaseSettings) -> Self {
        let metrics = Metrics::new().expect("metrics");
        let claiming = client(as_replica(config.clone(), &lease.identity), &metrics).expect("a client");
        Self::start_with(config, settings, lease, claiming, metrics)
    }

    /// Starts one whose way to the Lease is another than its way to everything else.
    pub fn start_with(
        config: &Config,
        settings: Settings,
        lease: LeaseSettings,
        claiming: Client,
        metrics: Metrics,
    ) -> Self {
        let term = Term::new(lease.duration);
        let config = as_replica(config.clone(), &lease.identity);
        let client = gated_client(config, &metrics, term.clone()).expect("a client");
        let beat = Heartbeat::new("the claim", lease.duration);
        let lease = Lease::claim(claiming, lease, term, &metrics, beat.clone());
        let (watches, stop) = (WatchStates::default(), CancellationToken::new());
        let surroundings = Surroundings {
            client,
            settings,
            metrics: metrics.clone(),
            observed: Arc::new(Observed::default()),
            watches: watches.clone(),
            beat,
        };
        let controller = tokio::spawn(controller::run_when(lease.held(), surroundings, stop.clone().cancelled_owned()));
        Self { metrics, watches, role: lease.role(), lease, controller, stop }
    }

    /// Waits until it is this.
    pub async fn until(&self, role: Role) {
        eventually(&format!("the replica to be {role:?}"), || async {
            let now = *self.role.borrow();
            if now == role { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    }

    /// Waits until its caches are warm.
    pub async fn warm(&self) {
        eventually("warm caches", || async {
            if self.watches.are_well() { Ok(()) } else { Err(format!("{:?}", self.watches.all())) }
        })
        .await;
    }

    /// Stops as the process does when it is told to.
    pub async fn stop(self) {
        self.stop.cancel();
        self.controller.await.expect("an orderly end");
        self.lease.release().await;
    }
}
