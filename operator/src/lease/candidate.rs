//! Stands by until the Lease is free, holds it, and gives it back.

use std::{pin::pin, time::Duration};

use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{PostParams, WatchEvent, WatchParams},
};
use prometheus::IntGauge;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{LeaseSettings, Role, Term, Timing, clock::Moment, record};
use crate::heartbeat::Heartbeat;

/// A replica that wants the Lease.
pub(super) struct Candidate {
    pub(super) api: Api<Lease>,
    pub(super) settings: LeaseSettings,
    pub(super) timing: Timing,
    pub(super) term: Term,
    pub(super) told: watch::Sender<Role>,
    pub(super) leader: IntGauge,
    pub(super) stop: CancellationToken,
    pub(super) beat: Heartbeat,
}

/// Why a request about the Lease did not do what it should.
enum Failure {
    /// Somebody else was quicker.
    Conflict,
    /// The Lease is not there.
    Missing,
    /// Anything else, in words.
    Other(String),
}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.is_conflict() || status.is_already_exists() => Self::Conflict,
            kube::Error::Api(status) if status.is_not_found() => Self::Missing,
            error => Self::Other(error.to_string()),
        }
    }
}

impl Candidate {
    pub(super) async fn run(self) {
        let Some(lease) = self.stand_by().await else { return };
        self.leader.set(1);
        self.told.send_replace(Role::Holding);
        tracing::info!(lease = %self.settings.name, identity = %self.settings.identity, "this replica holds the Lease");
        let kept = self.hold(lease).await;
        self.term.end();
        self.leader.set(0);
        self.told.send_replace(Role::Lost);
        let Some(lease) = kept else { return };
        if self.term.settle(self.timing.duration).await {
            self.give_back(&lease).await;
        } else {
            tracing::warn!("a write was not answered, so the Lease is not given back; it ends by itself");
        }
    }

    /// Waits until the Lease is free, and takes it. `None` when this replica is to stop.
    async fn stand_by(&self) -> Option<Lease> {
        let mut seen: Option<record::Seen> = None;
        loop {
            self.beat.beat();
            match self.look(&mut seen).await {
                Ok(()) => {}
                Err(Failure::Conflict | Failure::Missing) => continue,
                Err(Failure::Other(error)) => {
                    tracing::warn!(%error, "the Lease cannot be read");
                    self.pause(self.timing.renewal()).await?;
                    continue;
                }
            }
            let Some(seen) = &mut seen else { continue };
            if !self.wait_until_free(seen).await? {
                continue;
            }
            match self.take(seen.lease()).await {
                Ok(lease) => return Some(lease),
                Err(Failure::Conflict | Failure::Missing) => {}
                Err(Failure::Other(error)) => {
                    tracing::warn!(%error, "the Lease cannot be taken");
                    self.pause(self.timing.renewal()).await?;
                }
            }
        }
    }

    async fn look(&self, seen: &mut Option<record::Seen>) -> Result<(), Failure> {
        let lease = self.limited(self.api.get_opt(&self.settings.name)).await?;
        let now = Moment::now();
        match seen {
            Some(seen) => seen.again(lease, self.timing.duration, now),
            None => *seen = Some(record::Seen::first(lease, self.timing.duration, now)),
        }
        Ok(())
    }

    /// Waits for the Lease's end, or for news of it. `Some(false)`: look again; `None`: this replica is to stop.
    async fn wait_until_free(&self, seen: &mut record::Seen) -> Option<bool> {
        let mut news = pin!(self.news(seen.lease()));
        loop {
            self.beat.beat();
            let left = Moment::now().until(seen.free_at());
            // It is ours if taking it succeeded though no answer came.
            let ours = seen.lease().is_some_and(|lease| record::is_held_by(lease, &self.settings.identity));
            if left.is_zero() || ours {
                return Some(true);
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                // In steps, as a timer does not count the time that the machine slept.
                () = sleep(left.min(self.timing.renewal())) => {}
                event = news.next() => {
                    let Some(lease) = event else {
                        // The watch ended, which it does from time to time; without one, a look now and then does as well.
                        self.pause(self.timing.renewal() / 5).await?;
                        return Some(false);
                    };
                    seen.again(lease, self.timing.duration, Moment::now());
                }
            }
        }
    }

    /// What happens to the Lease from now on, as far as a watch tells.
    fn news<'a>(&'a self, lease: Option<&Lease>) -> impl Stream<Item = Option<Lease>> + use<'a> {
        let version = lease.and_then(|lease| lease.metadata.resource_version.clone()).unwrap_or_else(|| "0".into());
        let this = format!("metadata.name={}", self.settings.name);
        let parameters = WatchParams::default().fields(&this).timeout(240).disable_bookmarks();
        stream::once(async move { self.api.watch(&parameters, &version).await.map(StreamExt::boxed) })
            .filter_map(|watch| {
                std::future::ready(
                    watch.inspect_err(|error| tracing::warn!(%error, "the Lease cannot be watched")).ok(),
                )
            })
            .flatten()
            .map(|event| match event {
                Ok(WatchEvent::Added(lease) | WatchEvent::Modified(lease)) => Some(Some(lease)),
                Ok(WatchEvent::Deleted(_)) => Some(None),
                Ok(WatchEvent::Bookmark(_) | WatchEvent::Error(_)) | Err(_) => None,
            })
            .take_while(|news| std::future::ready(news.is_some()))
            .filter_map(std::future::ready)
    }

    /// Takes the Lease, if it still is as it was seen.
    async fn take(&self, seen: Option<&Lease>) -> Result<Lease, Failure> {
        let LeaseSettings { name, identity, .. } = &self.settings;
        let wanted = record::taken(seen, name, identity, self.timing.duration, Timestamp::now());
        let asked = Moment::now();
        let parameters = PostParams::default();
        let lease = match seen {
            Some(_) => self.limited(self.api.replace(name, &parameters, &wanted)).await?,
            None => self.limited(self.api.create(&parameters, &wanted)).await?,
        };
        self.term.lasts_until(asked.after(self.timing.term()));
        Ok(lease)
    }

    /// Renews the Lease until this replica is to stop, which gives the Lease, or has lost it, which gives `None`.
    async fn hold(&self, mut lease: Lease) -> Option<Lease> {
        let mut renewed_at = Moment::now();
        loop {
            if self.pause(self.timing.renewal().mul_f64(0.9 + rand::random::<f64>() / 10.0)).await.is_none() {
                return Some(lease);
            }
            self.beat.beat();
            let asked = Moment::now();
            match self.renew(&lease).await {
                Ok(renewed) => {
                    lease = renewed;
                    renewed_at = asked;
                    self.term.lasts_until(asked.after(self.timing.term()));
                }
                Err(Failure::Conflict | Failure::Missing) => {
                    tracing::error!("another replica has the Lease, or somebody deleted it");
                    return None;
                }
                Err(Failure::Other(error)) if renewed_at.until(Moment::now()) < self.timing.patience() => {
                    tracing::warn!(%error, "the Lease could not be renewed, which is tried again");
                }
                Err(Failure::Other(error)) => {
                    tracing::error!(%error, "the Lease could not be renewed in time");
                    return None;
                }
            }
        }
    }

    /// Renews it; if somebody only put a label on it, once more with the version that it has now.
    async fn renew(&self, lease: &Lease) -> Result<Lease, Failure> {
        let name = &self.settings.name;
        let parameters = PostParams::default();
        let renewed = record::renewed(lease, Timestamp::now());
        match self.limited(self.api.replace(name, &parameters, &renewed)).await {
            Err(Failure::Conflict) => {
                let found = self.limited(self.api.get(name)).await?;
                if !record::is_held_by(&found, &self.settings.identity) {
                    return Err(Failure::Conflict);
                }
                let renewed = record::renewed(&found, Timestamp::now());
                self.limited(self.api.replace(name, &parameters, &renewed)).await
            }
            answer => answer,
        }
    }

    async fn give_back(&self, lease: &Lease) {
        let released = record::released(lease, Timestamp::now());
        match self.limited(self.api.replace(&self.settings.name, &PostParams::default(), &released)).await {
            Ok(_) => tracing::info!("the Lease was given back"),
            Err(Failure::Conflict | Failure::Missing) => tracing::warn!("the Lease is not ours to give back any more"),
            Err(Failure::Other(error)) => {
                tracing::warn!(%error, "the Lease could not be given back; it ends by itself");
            }
        }
    }

    /// `None` when this replica is to stop.
    async fn pause(&self, time: Duration) -> Option<()> {
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = sleep(time) => Some(()),
        }
    }

    async fn limited<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
        let limit = self.timing.request();
        let late = |_| Failure::Other(format!("no answer within {limit:?}"));
        Ok(timeout(limit, request).await.map_err(late)??)
    }
}
