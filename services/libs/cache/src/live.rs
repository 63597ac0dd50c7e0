//! The policies that are in force.

mod folder;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use shop_policy::{Acknowledgement, CacheName, Policies, Policy, PolicyDocument, Rejection};
use tokio::sync::watch;

/// The policies that are in force, shared by all who look at them.
#[derive(Clone, Debug)]
pub struct LivePolicies(Arc<Live>);

#[derive(Debug)]
struct Live {
    in_force: ArcSwap<InForce>,
    changes: watch::Sender<Acknowledgement>,
}

/// A set of policies, ready to be looked up, and what is said about it. Both are swapped in together.
#[derive(Debug)]
struct InForce {
    acknowledgement: Acknowledgement,
    policies: Vec<Arc<Policy>>,
}

impl InForce {
    fn new(generation: i64, policies: &Policies) -> Self {
        Self {
            acknowledgement: Acknowledgement { generation, hash: policies.hash(), rejected: None },
            policies: CacheName::all().map(|cache| Arc::new(policies.get(cache))).collect(),
        }
    }
}

impl LivePolicies {
    /// The defaults.
    pub fn defaults() -> Self {
        Self::fixed(&Policies::default())
    }

    /// Policies that do not change.
    pub fn fixed(policies: &Policies) -> Self {
        Self(Arc::new(Live::new(InForce::new(0, policies))))
    }

    /// The policies in a folder, taken over whenever they change for as long as anybody looks at them.
    ///
    /// What is there now is in force when this returns. Without a folder, and as long as there is no document in it, the defaults hold, as
    /// generation 0. A document that can't be used, or that goes away, leaves the last good one in force.
    pub fn watch(folder: Option<PathBuf>) -> Self {
        let policies = Self::defaults();
        if let Some(folder) = folder {
            folder::follow(&policies.0, folder);
        }
        policies
    }

    /// The policy of a cache at this moment.
    pub fn get(&self, cache: CacheName) -> Arc<Policy> {
        Arc::clone(&self.0.in_force.load().policies[cache as usize])
    }

    /// What the operator is answered.
    pub fn acknowledgement(&self) -> Acknowledgement {
        self.0.in_force.load().acknowledgement.clone()
    }

    /// Generation of the Store that the policies came with.
    pub fn generation(&self) -> i64 {
        self.0.in_force.load().acknowledgement.generation
    }

    /// Tells of each change, after it has come into force, and of each document that was not taken over.
    pub fn changed(&self) -> watch::Receiver<Acknowledgement> {
        self.0.changes.subscribe()
    }
}

impl Live {
    fn new(in_force: InForce) -> Self {
        let changes = watch::Sender::new(in_force.acknowledgement.clone());
        Self { in_force: ArcSwap::from_pointee(in_force), changes }
    }

    fn swap(&self, in_force: InForce) {
        let acknowledgement = in_force.acknowledgement.clone();
        self.in_force.store(Arc::new(in_force));
        self.changes.send_replace(acknowledgement);
    }

    fn take_over(&self, document: &PolicyDocument) {
        tracing::info!(generation = document.generation, hash = document.hash, "these cache policies are in force now");
        self.swap(InForce::new(document.generation, &document.caches));
    }

    fn reject(&self, reason: String) {
        let former = self.in_force.load();
        let mut acknowledgement = former.acknowledgement.clone();
        tracing::warn!(
            reason,
            in_force = acknowledgement.generation,
            "new cache policies can't be used; the former ones stay in force"
        );
        acknowledgement.rejected = Some(Rejection { reason });
        self.swap(InForce { acknowledgement, policies: former.policies.clone() });
    }
}

#[cfg(test)]
mod tests;
