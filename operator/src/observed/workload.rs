//! How the workloads and Jobs of a Store are.

use super::{Child, Observed, StoreName};
use crate::{
    health::{Health, JobState, Workload},
    kind::{ChildRef, Kind},
};

impl Observed {
    /// The state of a workload, if it is there. As long as the watch has not seen what was applied last, that is not rolled out.
    pub fn workload(&self, kind: Kind, store: &StoreName, name: &str) -> Option<Workload> {
        let child = ChildRef { kind, namespace: store.namespace.clone(), name: name.to_owned() };
        let inner = self.lock();
        let Child { seen, applied } = inner.children.get(&child)?;
        let seen = seen.as_ref()?;
        let caught_up = applied.as_ref().is_none_or(|applied| applied.version <= seen.version);
        match &seen.health {
            Health::Workload(workload) => {
                Some(Workload { rolled_out: workload.rolled_out && caught_up, ..(**workload).clone() })
            }
            _ => None,
        }
    }

    /// The workloads that a Store owns, by name.
    pub fn workloads_of(&self, store: &StoreName, uid: &str) -> Vec<(String, Workload)> {
        let inner = self.lock();
        let owned = inner.owned_by(store, uid).filter_map(|(child, seen)| match &seen.health {
            Health::Workload(workload) => Some((child.name.clone(), (**workload).clone())),
            _ => None,
        });
        owned.collect()
    }

    /// How far a Job is, if it is there.
    pub fn job(&self, store: &StoreName, name: &str) -> Option<JobState> {
        match self.get(&ChildRef { kind: Kind::Job, namespace: store.namespace.clone(), name: name.to_owned() })?.health
        {
            Health::Job(state) => Some(state),
            _ => None,
        }
    }
}
