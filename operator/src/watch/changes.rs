//! What the watch of the Stores tells the controller: which are to be looked at, and how soon.
//!
//! Whoever changes a Store waits for it. The operator's own telling of how a Store is comes back by the same watch, and can wait for what else
//! comes. Of a list nothing is told before it is complete: only then is it in the cache, and who looked sooner would see what was there until then.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use kube::{
    Resource,
    runtime::{reflector::ObjectRef, watcher::Event},
};

use super::Guarded;
use crate::queue::Trigger;

/// Stores as the watch saw them last.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What people want of each, as a hash.
    known: HashMap<ObjectRef<Guarded>, u64>,
    /// The list that is under way.
    listing: Vec<(ObjectRef<Guarded>, u64)>,
}

impl Changes {
    /// Takes in one event, after the cache has.
    pub(super) fn take(&mut self, event: &Event<Guarded>) -> Vec<Trigger<ObjectRef<Guarded>>> {
        match event {
            Event::Init => {
                self.listing.clear();
                Vec::new()
            }
            Event::InitApply(store) => {
                self.listing.push((ObjectRef::from_obj(store), wanted(store)));
                Vec::new()
            }
            Event::InitDone => self.listed(),
            Event::Apply(store) => vec![self.see(ObjectRef::from_obj(store), wanted(store))],
            Event::Delete(store) => {
                let store = ObjectRef::from_obj(store);
                self.known.remove(&store);
                vec![Trigger::AtOnce(store)]
            }
        }
    }

    fn see(&mut self, store: ObjectRef<Guarded>, wanted: u64) -> Trigger<ObjectRef<Guarded>> {
        if self.known.insert(store.clone(), wanted) == Some(wanted) {
            Trigger::Soon(store)
        } else {
            Trigger::AtOnce(store)
        }
    }

    /// After the watch was away: what is not there any more was deleted meanwhile, and nobody has said so.
    fn listed(&mut self) -> Vec<Trigger<ObjectRef<Guarded>>> {
        let listing = std::mem::take(&mut self.listing);
        let there: HashSet<_> = listing.iter().map(|(store, _)| store).collect();
        let gone = self.known.extract_if(|store, _| !there.contains(store));
        let mut triggers: Vec<_> = gone.map(|(store, _)| Trigger::AtOnce(store)).collect();
        triggers.extend(listing.into_iter().map(|(store, wanted)| self.see(store, wanted)));
        triggers
    }
}

/// All of a Store but how it is.
fn wanted(store: &Guarded) -> u64 {
    let metadata = store.meta();
    let mut hasher = DefaultHasher::new();
    (&metadata.uid, metadata.generation, &metadata.labels, &metadata.annotations).hash(&mut hasher);
    metadata.deletion_timestamp.is_some().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use serde_json::json;

    use super::*;

    fn store(name: &str, generation: i64, version: u64) -> Guarded {
        let metadata = json!({
            "name": name, "namespace": "shop", "uid": name, "generation": generation, "resourceVersion": version.to_string(),
        });
        let store = json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": metadata, "spec": {}});
        DeserializeGuard(Ok(serde_json::from_value(store).unwrap()))
    }

    fn at_once(name: &str) -> Trigger<ObjectRef<Guarded>> {
        Trigger::AtOnce(ObjectRef::new(name).within("shop"))
    }

    fn soon(name: &str) -> Trigger<ObjectRef<Guarded>> {
        Trigger::Soon(ObjectRef::new(name).within("shop"))
    }

    #[test]
    fn what_people_change_is_looked_at_at_once_and_what_the_operator_told_itself_soon() {
        let mut changes = Changes::default();
        assert_eq!(changes.take(&Event::Apply(store("a", 1, 1))), [at_once("a")]);
        assert_eq!(changes.take(&Event::Apply(store("a", 1, 2))), [soon("a")], "only its status can be another one");
        assert_eq!(changes.take(&Event::Apply(store("a", 2, 3))), [at_once("a")]);
        let mut paused = store("a", 2, 4);
        paused.meta_mut().annotations = Some([("shopkeeper.dev/paused".to_owned(), "true".to_owned())].into());
        assert_eq!(changes.take(&Event::Apply(paused)), [at_once("a")]);
        assert_eq!(changes.take(&Event::Delete(store("a", 2, 5))), [at_once("a")]);
        assert_eq!(changes.take(&Event::Apply(store("a", 2, 6))), [at_once("a")], "it is another one of this name");
    }

    #[test]
    fn a_list_is_told_when_it_is_complete_with_those_that_are_gone() {
        let mut changes = Changes::default();
        for name in ["a", "b", "c"] {
            changes.take(&Event::Apply(store(name, 1, 1)));
        }
        assert_eq!(changes.take(&Event::Init), []);
        for (name, generation) in [("a", 1), ("b", 2)] {
            assert_eq!(changes.take(&Event::InitApply(store(name, generation, 7))), []);
        }
        assert_eq!(changes.take(&Event::InitDone), [at_once("c"), soon("a"), at_once("b")]);
    }
}
