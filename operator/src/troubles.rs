//! Why pods do not come up, as far as they themselves tell.
//!
//! A Deployment says that its rollout does not end only after minutes, and a Job or a StatefulSet never says so. The pods know at once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;

use crate::observed::StoreName;

mod pod;

pub use pod::{Cause, Trouble};

/// Pods for which there is no room are often given one soon, by a volume that is made or by a node that comes; so long that is nobody's trouble.
const SCHEDULING_GRACE: Duration = Duration::from_secs(10);

/// The pods that do not come up, of all Stores.
#[derive(Debug, Default)]
pub struct Troubles {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    pods: HashMap<StoreName, BTreeMap<String, Trouble>>,
    /// Pods that were there when the watch began anew; `None` between two listings.
    relisted: Option<HashSet<(StoreName, String)>>,
}

impl Troubles {
    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every change is complete before anything can panic, so a poisoned lock still guards sound data.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what happened to a pod, and says which Stores have something new to tell.
    pub fn record(&self, event: &Event<Pod>) -> Vec<StoreName> {
        let mut known = self.lock();
        match event {
            Event::Init => {
                known.relisted = Some(HashSet::new());
                Vec::new()
            }
            Event::InitDone => known.forget_vanished(),
            Event::InitApply(pod) | Event::Apply(pod) => {
                let Some((store, name)) = pod::name(pod) else { return Vec::new() };
                if let Some(relisted) = &mut known.relisted {
                    relisted.insert((store.clone(), name.clone()));
                }
                known.see(store, name, pod::trouble(pod))
            }
            Event::Delete(pod) => pod::name(pod).map(|(store, name)| known.see(store, name, None)).unwrap_or_default(),
        }
    }

    /// What troubles a Store's pods, one trouble for each component, the worst first.
    pub fn of(&self, store: &StoreName, now: Timestamp) -> Vec<Trouble> {
        let known = self.lock();
        let mut found: BTreeMap<_, Trouble> = BTreeMap::new();
        for trouble in known.pods.get(store).into_iter().flat_map(BTreeMap::values) {
            let counts = wait(trouble, now).is_none();
            let worse = found.get(&trouble.component).is_none_or(|known| trouble.cause < known.cause);
            if counts && worse {
                found.insert(trouble.component, trouble.clone());
            }
        }
        let mut found: Vec<Trouble> = found.into_values().collect();
        found.sort_by_key(|trouble| (trouble.cause, trouble.component));
        found
    }

    /// How long until something that is no trouble yet becomes one by itself.
    pub fn next(&self, store: &StoreName, now: Timestamp) -> Option<Duration> {
        let known = self.lock();
        known.pods.get(store)?.values().filter_map(|trouble| wait(trouble, now)).min()
    }
}

/// How long until it counts, if it does not yet.
fn wait(trouble: &Trouble, now: Timestamp) -> Option<Duration> {
    let grace = if trouble.cause == Cause::Unschedulable { SCHEDULING_GRACE } else { return None };
    let age = Duration::try_from(now.duration_since(trouble.since?)).unwrap_or_default();
    grace.checked_sub(age).filter(|left| !left.is_zero())
}

impl Known {
    fn see(&mut self, store: StoreName, name: String, trouble: Option<Trouble>) -> Vec<StoreName> {
        let pods = self.pods.entry(store.clone()).or_default();
        let changed = match trouble {
            Some(trouble) => pods.insert(name, trouble.clone()) != Some(trouble),
            None => pods.remove(&name).is_some(),
        };
        if pods.is_empty() {
            self.pods.remove(&store);
        }
        if changed { vec![store] } else { Vec::new() }
    }

    /// After a listing: what is not there any more went meanwhile, and nobody has said so.
    fn forget_vanished(&mut self) -> Vec<StoreName> {
        let present = self.relisted.take().unwrap_or_default();
        let mut touched = Vec::new();
        self.pods.retain(|store, pods| {
            let before = pods.len();
            pods.retain(|name, _| present.contains(&(store.clone(), name.clone())));
            if pods.len() != before {
                touched.push(store.clone());
            }
            !pods.is_empty()
        });
        touched
    }
}

#[cfg(test)]
mod tests;
