//! Watches of several namespaces, as if they were one.
//!
//! A cache is told once that all is listed, which must not be when only one namespace is; and when one of the watches lists again, the others'
//! objects must not be taken for vanished. So the first lists are held back until all are there, and later ones are told as single changes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    marker::PhantomData,
};

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Resource,
    api::{DynamicObject, ObjectMeta},
    core::{DeserializeGuard, PartialObjectMeta, error_boundary::InvalidObject},
    runtime::watcher::Event,
};
use shopkeeper_api::Store;

/// What has to be kept of an object in order to tell of its end.
pub(super) trait Remnant {
    fn remnant(&self) -> Self;
}

/// What the events of the watches are as those of one. Each watch has names of its own.
pub(super) fn merged<K>(
    watches: Vec<stream::BoxStream<'static, Event<K>>>,
) -> impl Stream<Item = Event<K>> + Send + 'static
where
    K: Resource + Remnant + Send + 'static,
{
    let mut merge = Merge::new(watches.len());
    let numbered =
        watches.into_iter().enumerate().map(|(number, watch)| watch.map(move |event| (number, event)).boxed());
    stream::select_all(numbered.collect::<Vec<_>>())
        .flat_map(move |(number, event)| stream::iter(merge.take(number, event)))
}

struct Merge<K> {
    sources: Vec<Source<K>>,
    /// What the first lists have so far; `None` when all of them were complete.
    first: Option<BTreeMap<(usize, String), K>>,
}

struct Source<K> {
    listed: bool,
    known: HashMap<String, K>,
    /// The names in the list that is under way.
    listing: HashSet<String>,
}

impl<K: Resource + Remnant> Merge<K> {
    fn new(sources: usize) -> Self {
        let source = || Source { listed: false, known: HashMap::new(), listing: HashSet::new() };
        Self { sources: std::iter::repeat_with(source).take(sources).collect(), first: Some(BTreeMap::new()) }
    }

    fn take(&mut self, number: usize, event: Event<K>) -> Vec<Event<K>> {
        let Some(source) = self.sources.get_mut(number) else { return Vec::new() };
        match event {
            Event::Init => {
                source.listing.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                source.listing.insert(name(&object));
                self.apply(number, object)
            }
            Event::Apply(object) => self.apply(number, object),
            Event::Delete(object) => self.delete(number, object),
            Event::InitDone => self.listed(number),
        }
    }

    fn apply(&mut self, number: usize, object: K) -> Vec<Event<K>> {
        let name = name(&object);
        if let Some(source) = self.sources.get_mut(number) {
            source.known.insert(name.clone(), object.remnant());
        }
        match &mut self.first {
            Some(first) => {
                first.insert((number, name), object);
                Vec::new()
            }
            None => vec![Event::Apply(object)],
        }
    }

    fn delete(&mut self, number: usize, object: K) -> Vec<Event<K>> {
        let name = name(&object);
        if let Some(source) = self.sources.get_mut(number) {
            source.known.remove(&name);
        }
        match &mut self.first {
            Some(first) => {
                first.remove(&(number, name));
                Vec::new()
            }
            None => vec![Event::Delete(object)],
        }
    }

    fn listed(&mut self, number: usize) -> Vec<Event<K>> {
        let Some(source) = self.sources.get_mut(number) else { return Vec::new() };
        source.listed = true;
        let here = std::mem::take(&mut source.listing);
        let vanished: Vec<K> =
            source.known.extract_if(|name, _| !here.contains(name)).map(|(_, object)| object).collect();
        let told: Vec<_> = vanished.into_iter().flat_map(|object| self.delete(number, object)).collect();
        if self.sources.iter().all(|source| source.listed)
            && let Some(first) = self.first.take()
        {
            let objects = first.into_values().map(Event::InitApply);
            return std::iter::once(Event::Init).chain(objects).chain([Event::InitDone]).collect();
        }
        told
    }
}

fn name<K: Resource>(object: &K) -> String {
    object.meta().name.clone().unwrap_or_default()
}

fn metadata<K: Resource>(object: &K) -> ObjectMeta {
    let ObjectMeta { name, namespace, uid, labels, .. } = object.meta().clone();
    ObjectMeta { name, namespace, uid, labels, ..ObjectMeta::default() }
}

impl Remnant for DynamicObject {
    fn remnant(&self) -> Self {
        Self { types: self.types.clone(), metadata: metadata(self), data: serde_json::Value::Null }
    }
}

impl Remnant for Pod {
    fn remnant(&self) -> Self {
        Self { metadata: metadata(self), ..Self::default() }
    }
}

impl<K: Resource> Remnant for PartialObjectMeta<K>
where
    Self: Resource,
{
    fn remnant(&self) -> Self {
        Self { types: self.types.clone(), metadata: metadata(self), _phantom: PhantomData }
    }
}

impl Remnant for DeserializeGuard<Store> {
    fn remnant(&self) -> Self {
        Self(Err(InvalidObject { error: "it is gone".into(), metadata: metadata(self) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str) -> Pod {
        Pod { metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }, ..Pod::default() }
    }

    fn told(merge: &mut Merge<Pod>, number: usize, event: Event<Pod>) -> Vec<String> {
        let word = |event: &Event<Pod>| match event {
            Event::Init => "init".to_owned(),
            Event::InitApply(pod) => format!("in {}", name(pod)),
            Event::InitDone => "done".to_owned(),
            Event::Apply(pod) => format!("apply {}", name(pod)),
            Event::Delete(pod) => format!("delete {}", name(pod)),
        };
        merge.take(number, event).iter().map(word).collect()
    }

    fn listed(merge: &mut Merge<Pod>, number: usize, names: &[&str]) -> Vec<String> {
        let mut all = told(merge, number, Event::Init);
        for name in names {
            all.extend(told(merge, number, Event::InitApply(pod(name))));
        }
        all.extend(told(merge, number, Event::InitDone));
        all
    }

    #[test]
    fn the_first_lists_are_told_as_one_when_all_are_there() {
        let mut merge = Merge::new(2);
        assert!(listed(&mut merge, 0, &["a", "b"]).is_empty());
        assert!(told(&mut merge, 0, Event::Delete(pod("b"))).is_empty());
        assert!(told(&mut merge, 0, Event::Apply(pod("c"))).is_empty());
        assert_eq!(listed(&mut merge, 1, &["x"]), ["init", "in a", "in c", "in x", "done"]);
    }

    #[test]
    fn what_is_missing_when_one_namespace_is_listed_again_was_deleted_and_the_others_are_left_alone() {
        let mut merge = Merge::new(2);
        listed(&mut merge, 0, &["a", "b"]);
        listed(&mut merge, 1, &["x"]);
        assert_eq!(listed(&mut merge, 0, &["b", "c"]), ["apply b", "apply c", "delete a"]);
        assert_eq!(told(&mut merge, 1, Event::Apply(pod("x"))), ["apply x"]);
        assert_eq!(told(&mut merge, 1, Event::Delete(pod("x"))), ["delete x"]);
    }

    #[test]
    fn a_first_list_that_begins_again_counts_only_once() {
        let mut merge = Merge::new(2);
        told(&mut merge, 0, Event::Init);
        told(&mut merge, 0, Event::InitApply(pod("gone")));
        listed(&mut merge, 0, &["a"]);
        assert_eq!(listed(&mut merge, 1, &[]), ["init", "in a", "done"]);
    }
}
