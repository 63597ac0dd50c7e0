//! What every reconcile shares.

use std::{collections::HashMap, sync::Mutex};

use kube::{Client, runtime::events::Recorder};
use shopkeeper_api::StoreStatus;

use crate::{
    args::Settings,
    backoff::Backoff,
    certificates::Certificates,
    hits::Hits,
    metrics::Metrics,
    observed::{Observed, StoreName},
    policies::Policies,
    queue::Queue,
    troubles::Troubles,
    turns::Turns,
};

/// What every reconcile shares.
pub struct Context {
    /// The way to the API server.
    pub client: Client,
    /// What the operator was told.
    pub settings: Settings,
    /// What the watches last saw.
    pub observed: std::sync::Arc<Observed>,
    /// Stores that wait to be looked at.
    pub queue: Queue,
    /// Whose pods a new operator may replace.
    pub turns: Turns,
    /// Stores that failed.
    pub backoff: Backoff,
    /// Figures.
    pub metrics: Metrics,
    /// Cache policies on their way to the pods.
    pub policies: std::sync::Arc<Policies>,
    /// How often the caches had the answer.
    pub hits: std::sync::Arc<Hits>,
    /// Until when certificates are good.
    pub certificates: std::sync::Arc<Certificates>,
    /// Pods that do not come up.
    pub troubles: std::sync::Arc<Troubles>,
    /// Events.
    pub recorder: Recorder,
    /// Statuses that were written, until the watch has caught up with them.
    pub written: Mutex<HashMap<StoreName, WrittenStatus>>,
}

/// A status that was written.
#[derive(Clone, Debug)]
pub struct WrittenStatus {
    /// Which Store of this name.
    pub uid: String,
    /// Version of the Store that the write made.
    pub resource_version: u64,
    /// The status.
    pub status: StoreStatus,
}
