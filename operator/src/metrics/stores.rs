//! How many Stores there are, by whether they are ready: counted when somebody asks.

use std::sync::{Arc, Mutex, PoisonError};

use kube::runtime::reflector::Store as Cache;
use prometheus::{
    IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use shopkeeper_api::ConditionType;

use crate::watch::Guarded;

const STATES: [&str; 3] = ["True", "False", "Unknown"];

/// Counts the Stores of a cache.
#[derive(Clone, Debug)]
pub(super) struct StoresByReady {
    gauge: IntGaugeVec,
    cache: Arc<Mutex<Option<Cache<Guarded>>>>,
}

impl StoresByReady {
    pub(super) fn new() -> prometheus::Result<Self> {
        let about = Opts::new("operator_stores", "Stores by the status of their condition Ready");
        Ok(Self { gauge: IntGaugeVec::new(about, &["ready"])?, cache: Arc::default() })
    }

    pub(super) fn count(&self, cache: Cache<Guarded>) {
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(cache);
    }
}

impl Collector for StoresByReady {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stores = cache.map(|cache| cache.state()).unwrap_or_default();
        for state in STATES {
            let count = stores.iter().filter(|store| ready(store) == state).count();
            self.gauge.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.gauge.collect()
    }
}

fn ready(store: &Guarded) -> &'static str {
    let status = store.0.as_ref().ok().and_then(|store| store.status.as_ref());
    let condition =
        status.and_then(|status| status.conditions.iter().find(|it| it.type_ == ConditionType::Ready.as_str()));
    let is = condition.map_or("Unknown", |condition| condition.status.as_str());
    STATES.into_iter().find(|state| *state == is).unwrap_or("Unknown")
}
