//! Sees to it that every running pod has the cache policies that its Store asks for, and knows which pods have them.
//!
//! A pod answers on its second port which policies it runs. Whoever does not run the wanted ones is touched: a changed annotation makes
//! the kubelet refresh the pod's mounts at once, instead of within a minute and a half. One task follows each such pod until it has
//! acknowledged; a pod that has is asked again only when it was restarted or the policies changed. So a shop at rest costs nothing.

mod ask;
mod follow;
mod pods;
mod rollout;
mod touch;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, runtime::watcher::Event};
use shopkeeper_plan::PolicyVersion;
use tokio::{sync::Semaphore, task::JoinSet};

pub use ask::Answer;
pub use pods::PodSeen;
pub use rollout::{PodPicture, PodState, PolicyPicture};
pub use touch::TOUCHED;

use rollout::{Change, Rollout, Task};

use crate::{metrics::Metrics, observed::StoreName};

/// Pods that are asked at the same time, of all Stores together.
const ASKED_AT_ONCE: usize = 64;

/// The policies of all Stores on their way to the pods. Dropping it ends all of its tasks.
pub struct Policies {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

/// What the tasks share.
struct Shared {
    client: Client,
    port: u16,
    metrics: Metrics,
    asking: Semaphore,
    /// Stores whose status has something new to tell.
    news: UnboundedSender<StoreName>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    rollouts: HashMap<StoreName, Rollout>,
    /// Pods that were there when the watch began anew; `None` between two listings.
    relisted: Option<Vec<(StoreName, String)>>,
    /// Whether the pods were listed once.
    listed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is complete before anything can panic, so a poisoned lock still guards sound data.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Policies {
    /// Knows of nothing yet. The receiver tells of Stores whose status has something new to tell.
    pub fn new(client: Client, port: u16, metrics: Metrics) -> (Self, UnboundedReceiver<StoreName>) {
        let (news, told) = unbounded();
        let asking = Semaphore::new(ASKED_AT_ONCE);
        let shared = Arc::new(Shared { client, port, metrics, asking, news, known: Mutex::default() });
        (Self { shared, tasks: Mutex::default() }, told)
    }

    /// The version that a Store's pods were last told in this process.
    pub fn wanted(&self, store: &StoreName) -> Option<PolicyVersion> {
        self.shared.lock().rollouts.get(store)?.wanted().cloned()
    }

    /// From now on the Store's pods are to have this version. `written`: the document was put into the cluster just now.
    pub fn want(&self, store: &StoreName, version: &PolicyVersion, written: bool) {
        let tasks =
            self.shared.lock().rollouts.entry(store.clone()).or_default().want(version, written, Instant::now());
        self.spawn(store, tasks);
    }

    /// Leaves a Store's pods alone until it is wanted again, as it is paused, invalid or gone.
    pub fn rest(&self, store: &StoreName) {
        if let Some(rollout) = self.shared.lock().rollouts.get_mut(store) {
            rollout.rest();
        }
    }

    /// Forgets Stores that are gone. Their pods, if there are any left, are forgotten when they go.
    pub fn retain(&self, exists: impl Fn(&StoreName) -> bool) {
        self.shared.lock().rollouts.retain(|store, rollout| {
            if !exists(store) {
                rollout.rest();
            }
            !rollout.is_empty()
        });
    }

    /// How far a Store's policies are; `None` as long as that is not known.
    pub fn picture(&self, store: &StoreName) -> Option<PolicyPicture> {
        let known = self.shared.lock();
        if known.listed { known.rollouts.get(store)?.picture(Instant::now()) } else { None }
    }

    /// The pods whose processes run, by Store.
    pub fn running(&self) -> Vec<(StoreName, Vec<PodSeen>)> {
        let known = self.shared.lock();
        known.rollouts.iter().map(|(store, rollout)| (store.clone(), rollout.pods())).collect()
    }

    /// Takes in what happened to a pod, and says which Stores have something new to tell.
    pub fn record(&self, event: Event<Pod>) -> Vec<StoreName> {
        match event {
            Event::Init => {
                self.shared.lock().relisted = Some(Vec::new());
                Vec::new()
            }
            Event::InitDone => self.listed(),
            Event::InitApply(pod) | Event::Apply(pod) => {
                let Some((store, seen)) = pods::seen(&pod) else { return Vec::new() };
                if let Some(relisted) = &mut self.shared.lock().relisted {
                    relisted.push((store.clone(), seen.name.clone()));
                }
                self.see(store, seen)
            }
            Event::Delete(pod) => {
                pods::seen(&pod).map(|(store, seen)| self.forget(store, &seen.name)).unwrap_or_default()
            }
        }
    }

    fn see(&self, store: StoreName, seen: PodSeen) -> Vec<StoreName> {
        let change = self.shared.lock().rollouts.entry(store.clone()).or_default().see(seen, Instant::now());
        let Change { task, told } = change;
        self.spawn(&store, task.into_iter().collect());
        if told { vec![store] } else { Vec::new() }
    }

    fn forget(&self, store: StoreName, pod: &str) -> Vec<StoreName> {
        let mut known = self.shared.lock();
        let Some(rollout) = known.rollouts.get_mut(&store) else { return Vec::new() };
        let was_there = rollout.forget(pod);
        if rollout.is_empty() {
            known.rollouts.remove(&store);
        }
        if was_there { vec![store] } else { Vec::new() }
    }

    /// After a listing: what is not there any more went meanwhile, and nobody has said so.
    fn listed(&self) -> Vec<StoreName> {
        let mut known = self.shared.lock();
        let present = known.relisted.take().unwrap_or_default();
        let first = !std::mem::replace(&mut known.listed, true);
        let mut touched = Vec::new();
        for (store, rollout) in &mut known.rollouts {
            let here: Vec<&str> = present.iter().filter(|(it, _)| it == store).map(|(_, pod)| pod.as_str()).collect();
            if rollout.keep(&here) || first {
                touched.push(store.clone());
            }
        }
        touched
    }

    fn spawn(&self, store: &StoreName, tasks: Vec<Task>) {
        let mut running = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while running.try_join_next().is_some() {}
        for task in tasks {
            running.spawn(follow::follow(self.shared.clone(), store.clone(), task));
        }
    }
}
