//! How a Store is, what is wrong first. Pure: from the object to what is shown.

mod conditions;
mod text;

use serde::Serialize;
use shopkeeper_api::{
    BackupStatus, CachePolicyStatus, CacheStatus, ConditionType, Endpoints, ServiceStatus, StoreStatus, Versions,
};

use crate::{error::Error, seen::Seen};
use conditions::{ConditionPicture, Mark};

pub(crate) use text::text;

/// How a Store is. As JSON it is for programs, so a field is never given another meaning.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Picture {
    namespace: String,
    name: String,
    /// Whether the shop is ready, at the spec that there is now.
    ready: bool,
    /// What should be known of the Store as a whole.
    notes: Vec<String>,
    /// What is wrong first, then by importance.
    conditions: Vec<ConditionPicture>,
    services: Vec<ServiceStatus>,
    versions: Option<Versions>,
    endpoints: Option<Endpoints>,
    hit_ratio: Option<String>,
    cache_policy: Option<CachePolicyStatus>,
    caches: Vec<CacheStatus>,
    backup: Option<BackupStatus>,
}

impl Picture {
    pub(crate) fn of(store: &Seen) -> Result<Self, Error> {
        let status = store.status()?;
        let notes = notes(store, status.as_ref());
        let StoreStatus {
            observed_generation,
            conditions,
            endpoints,
            versions,
            mut services,
            hit_ratio,
            cache_policy,
            mut cache,
            backup,
            ..
        } = status.unwrap_or_default();
        let is_ready = conditions.iter().any(|it| it.type_ == ConditionType::Ready.as_str() && it.status == "True");
        // What is wrong first; in what is left the operator's order stays.
        services.sort_by_key(is_whole);
        cache.sort_by_key(is_everywhere);
        Ok(Self {
            namespace: store.namespace(),
            name: store.name(),
            ready: is_ready && is_current(store, observed_generation) && !is_going(store),
            notes,
            conditions: conditions::ordered(&conditions),
            services,
            versions,
            endpoints,
            hit_ratio,
            cache_policy,
            caches: cache,
            backup,
        })
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }
}

/// Whether the status speaks of the spec that there is now.
fn is_current(store: &Seen, observed: Option<i64>) -> bool {
    store.0.metadata.generation.is_none_or(|generation| observed.is_some_and(|observed| observed >= generation))
}

fn is_going(store: &Seen) -> bool {
    store.0.metadata.deletion_timestamp.is_some()
}

/// Whether all pods of a service are ready.
fn is_whole(service: &ServiceStatus) -> bool {
    service.ready >= service.desired
}

/// Whether all pods have the cache's policy, of which so many do: `2/3`.
fn is_everywhere(cache: &CacheStatus) -> bool {
    cache.pods_applied.split_once('/').is_none_or(|(applied, all)| applied == all)
}

fn notes(store: &Seen, status: Option<&StoreStatus>) -> Vec<String> {
    let mut notes = Vec::new();
    if is_going(store) {
        notes.push("it is being deleted".to_owned());
    }
    let observed = status.and_then(|status| status.observed_generation);
    match (status, store.0.metadata.generation) {
        (None, _) => notes.push(
            "the operator has not looked at it yet: does it run (`kubectl get pods --all-namespaces --selector \
             app.kubernetes.io/name=shopkeeper`), and for this namespace (watchNamespaces of its chart)?"
                .to_owned(),
        ),
        (Some(_), Some(generation)) if !is_current(store, observed) => notes.push(format!(
            "what follows is of generation {} of its spec, and the operator has not looked at generation {generation} yet",
            observed.map_or("none".to_owned(), |observed| observed.to_string())
        )),
        _ => {}
    }
    if store.is_paused() {
        notes.push(format!(
            "it is paused, so changes wait, and nothing is repaired: `kubectl shopkeeper resume {}` ends that",
            store.name()
        ));
    }
    if store.is_suspended() {
        notes.push(format!("it is suspended: `kubectl shopkeeper wake {}` lets it run again", store.name()));
    }
    notes
}

#[cfg(test)]
mod tests;
