//! How a Store is, what is wrong first. Pure: from the object to what is shown.

mod conditions;
mod notes;
mod text;

use serde::Serialize;
use shopkeeper_api::{
    BackupStatus, CachePolicyStatus, CacheStatus, ConditionType, Endpoints, ServiceStatus, StoreStatus, Versions,
};

use crate::{error::Error, seen::Seen};
use conditions::{ConditionPicture, Mark};
use notes::Note;

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
    /// The same, for what has little room.
    #[serde(skip)]
    known: Vec<Note>,
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
        let known = Note::all(store, status.as_ref());
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
            notes: known.iter().map(|note| note.text(&store.name())).collect(),
            known,
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

    /// Whether that is as it should be; nothing where somebody wants it so, or it will pass.
    pub(crate) fn is_well(&self) -> Option<bool> {
        let is_wrong = self.told().is_some_and(|condition| condition.mark == Mark::Wrong);
        (self.ready || is_wrong).then_some(self.ready)
    }

    /// Why it is ready or not, with all that is noted, in a few words.
    pub(crate) fn reason(&self) -> Option<String> {
        let reason = self.told().map(|condition| condition.reason.as_str());
        let is_news = |word: &&str| reason.is_none_or(|reason| !reason.eq_ignore_ascii_case(word));
        let words: Vec<&str> = self.known.iter().map(Note::short).filter(is_news).collect();
        let words = words.join(", ");
        match reason {
            Some(reason) if words.is_empty() => Some(reason.to_owned()),
            Some(reason) => Some(format!("{reason} ({words})")),
            None => Some(words).filter(|words| !words.is_empty()),
        }
    }

    /// The condition `Ready`, where it says the same. Where it says otherwise, a note tells why.
    fn told(&self) -> Option<&ConditionPicture> {
        let condition = self.conditions.iter().find(|it| it.type_ == ConditionType::Ready.as_str());
        condition.filter(|it| (it.status == "True") == self.ready)
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

#[cfg(test)]
mod tests;
