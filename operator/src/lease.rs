//! Only one replica writes: the one that holds the Lease. The others stand by with warm caches.
//!
//! # Why there are never two writers
//!
//! Written *D* is the Lease's duration, and all times are of the machine's own clock since its start ([`clock`]); what other machines
//! call the time is never trusted.
//!
//! 1. A holder notes the time *t* before it asks for a renewal. Whoever sees the renewed record sees it after *t*, and takes the Lease only
//!    when it has not seen the record change for *D* ([`record`]), by an update that names the version that it saw, so that a renewal
//!    in between makes it fail. So nobody else holds the Lease before *t + D*.
//! 2. A holder's [`Term`] ends at *t + D* less a margin of *D/10*, for clocks that run at different rates and for what is still on the
//!    wire. A write is begun only with *D/6* of the term left, and given up when the term ends ([`crate::client`]). This is looked up when the
//!    write is handed to the connection, by the clock, not by a task that might be late: a process that was stopped, whose machine slept,
//!    whose network or runtime hung, finds its term over when it goes on.
//! 3. A Lease is given back only when every write was answered. If one was not, the API server might still be doing it, and the Lease is
//!    left to end by itself.
//!
//! What remains is a process that is stopped in the microseconds between the look at the clock and the system call, for longer than its term, and
//! a request that a network keeps for longer than the margin after its connection was closed. No client can rule these out, as the API server
//! knows no fencing tokens. They do no lasting harm: what must not be done twice (making credentials, changing keys, deleting) carries a
//! version or a uid that the API server checks, and everything else is an apply of a plan, whose difference the new holder's watch
//! sees as drift and repairs.
//!
//! A Lease that somebody deletes by hand while it is held is such a case too: a replica that saw it held still waits for *D*, one that starts
//! just then cannot know.
//!
//! # How long a hand-over takes
//!
//! After an orderly end the holder's name is taken out of the Lease, and a standby's watch tells it at once. After a kill it takes *D* from when the
//! last renewal was seen. A holder that cannot renew gives up after two thirds of *D*, and its process ends: what it remembers may be out of date
//! when it is holder again.

mod candidate;
pub mod clock;
pub mod record;
mod term;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease as LeaseObject;
use kube::{Api, Client};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use term::{Term, TermOver, Write};

use crate::{heartbeat::Heartbeat, metrics::Metrics};
use candidate::Candidate;

/// However long the Lease is, the API server answers within this time or not at all.
const LONGEST_REQUEST: Duration = Duration::from_secs(5);

/// What is agreed on a Lease.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Name of this process; no other one, and no former one of the same pod, has the same.
    pub identity: String,
    /// After this time without a renewal it is free.
    pub duration: Duration,
}

/// The times that follow from a Lease's duration.
#[derive(Clone, Copy, Debug)]
struct Timing {
    duration: Duration,
}

impl Timing {
    /// How often the holder renews.
    fn renewal(self) -> Duration {
        self.duration / 6
    }

    /// A request about the Lease that takes longer is given up.
    fn request(self) -> Duration {
        (self.duration / 6).min(LONGEST_REQUEST)
    }

    /// A holder that could not renew for so long gives up.
    fn patience(self) -> Duration {
        self.duration * 2 / 3
    }

    /// For so long after the beginning of its last renewal a holder may write.
    fn term(self) -> Duration {
        self.duration * 9 / 10
    }
}

/// What this replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another one holds the Lease, or nobody yet.
    StandingBy,
    /// It holds the Lease.
    Holding,
    /// It held the Lease, and does not any more.
    Lost,
}

/// A claim to the Lease, renewed in the background.
pub struct Lease {
    role: watch::Receiver<Role>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Lease {
    /// Begins to claim the Lease. `term` says from then on whether this replica may write; the client must not be subject to it.
    pub fn claim(client: Client, settings: LeaseSettings, term: Term, metrics: &Metrics, beat: Heartbeat) -> Self {
        let (told, role) = watch::channel(Role::StandingBy);
        let stop = CancellationToken::new();
        let api: Api<LeaseObject> = Api::namespaced(client, &settings.namespace);
        let candidate = Candidate {
            api,
            timing: Timing { duration: settings.duration },
            settings,
            term,
            told,
            leader: metrics.leader.clone(),
            stop: stop.clone(),
            beat,
        };
        Self { role, stop, task: tokio::spawn(candidate.run()) }
    }

    /// What this replica is now, and when that changes.
    pub fn role(&self) -> watch::Receiver<Role> {
        self.role.clone()
    }

    /// Ends when this replica holds the Lease; never, if that never happens.
    pub fn held(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut role = self.role.clone();
        async move {
            if role.wait_for(|role| *role == Role::Holding).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends when this replica does not hold the Lease any more.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut role = self.role.clone();
        async move {
            // An error means that nobody renews the Lease any more, which comes to the same.
            let _ = role.wait_for(|role| *role == Role::Lost).await;
        }
    }

    /// Gives the Lease back, if it is held, so that another replica need not wait for its end.
    pub async fn release(self) {
        self.stop.cancel();
        if self.task.await.is_err() {
            tracing::warn!("the Lease could not be given back; it ends by itself");
        }
    }
}
