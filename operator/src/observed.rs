//! What the watches last saw of every child: not the objects, only what reconciling needs to know of them.

mod backup;
mod seen;
mod workload;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kube::{core::DynamicObject, runtime::watcher::Event};
use strum::IntoEnumIterator;
use tokio::sync::watch;

use crate::{
    fingerprint::fingerprint,
    kind::{ChildRef, Kind},
};

pub use backup::Backups;
pub use seen::{Family, Seen};

use seen::{child_ref, family, seen, version};

/// A Store by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for StoreName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What was applied last, and what the child looked like then.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Applied {
    plan: u128,
    fingerprint: u128,
    version: u64,
    /// When it was written or read, in seconds since the begin.
    read: u32,
}

/// One child, of which at least one of both is known. Boxes, as a tree has room for more than it holds.
#[derive(Debug, Default)]
struct Child {
    seen: Option<Box<Seen>>,
    applied: Option<Box<Applied>>,
}

#[derive(Debug, Default)]
struct Inner {
    children: BTreeMap<ChildRef, Child>,
    families: HashSet<Arc<Family>>,
    /// Children that are not there and that something was applied to, so that their coming back would be noticed as a repair.
    missed: HashMap<ChildRef, StoreName>,
    relisted: HashMap<Kind, HashSet<ChildRef>>,
    synced: HashSet<Kind>,
    /// Optional kinds that the cluster does not know.
    absent: HashSet<Kind>,
}

/// What the watches last saw.
#[derive(Debug)]
pub struct Observed {
    begin: Instant,
    inner: Mutex<Inner>,
    synced: watch::Sender<bool>,
}

impl Default for Observed {
    fn default() -> Self {
        Self { begin: Instant::now(), inner: Mutex::default(), synced: watch::Sender::new(false) }
    }
}

impl Observed {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change below is complete before anything can panic, so a poisoned lock still guards sound data.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in one event and says which Stores it concerns.
    pub fn record(&self, kind: Kind, event: Event<DynamicObject>) -> Vec<StoreName> {
        let mut inner = self.lock();
        match event {
            Event::Init => {
                inner.relisted.insert(kind, HashSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                let child = child_ref(kind, &object);
                inner.relisted.entry(kind).or_default().insert(child.clone());
                inner.see(child, kind, &object)
            }
            Event::InitDone => {
                let touched = inner.forget_vanished(kind);
                self.count_as_synced(inner, kind);
                touched
            }
            Event::Apply(object) => {
                let child = child_ref(kind, &object);
                inner.see(child, kind, &object)
            }
            Event::Delete(object) => {
                let child = child_ref(kind, &object);
                inner.forget(&child)
            }
        }
    }

    fn count_as_synced(&self, mut inner: MutexGuard<'_, Inner>, kind: Kind) {
        inner.synced.insert(kind);
        let all = Kind::iter().all(|kind| inner.synced.contains(&kind));
        drop(inner);
        self.synced.send_if_modified(|synced| all && !std::mem::replace(synced, all));
    }

    /// Takes in that the cluster knows an optional kind, or does not. Whether that is news.
    pub fn record_presence(&self, kind: Kind, present: bool) -> bool {
        let mut inner = self.lock();
        if present {
            return inner.absent.remove(&kind);
        }
        let news = inner.absent.insert(kind);
        inner.forget_kind(kind);
        self.count_as_synced(inner, kind);
        news
    }

    /// Whether the cluster knows a kind.
    pub fn knows(&self, kind: Kind) -> bool {
        !self.lock().absent.contains(&kind)
    }

    /// Waits until every kind was listed once.
    pub async fn wait_until_synced(&self) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Whether every kind was listed once.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// What is known of a child.
    pub fn get(&self, child: &ChildRef) -> Option<Seen> {
        self.lock().children.get(child)?.seen.as_deref().cloned()
    }

    /// Whether the child still is what it was when this plan was applied to it, by what the watches tell. That is believed for so long after it
    /// was written or read itself.
    pub fn is_settled(&self, child: &ChildRef, plan: u128, believed_for: Duration) -> bool {
        let now = self.now();
        match self.lock().children.get(child) {
            Some(Child { seen: Some(seen), applied: Some(applied) }) => {
                let age = Duration::from_secs(now.saturating_sub(applied.read).into());
                applied.plan == plan && applied.fingerprint == seen.fingerprint && age < believed_for
            }
            _ => false,
        }
    }

    fn now(&self) -> u32 {
        u32::try_from(self.begin.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// Whether this plan was applied to the child before.
    pub fn was_applied(&self, child: &ChildRef, plan: u128) -> bool {
        let inner = self.lock();
        inner.children.get(child).and_then(|child| child.applied.as_ref()).is_some_and(|applied| applied.plan == plan)
    }

    /// Remembers what a Store's child looked like with a plan applied.
    pub fn settle(&self, store: &StoreName, child: ChildRef, plan: u128, object: &DynamicObject) {
        let applied = Applied { plan, fingerprint: fingerprint(object), version: version(object), read: self.now() };
        let mut inner = self.lock();
        let known = inner.children.entry(child.clone()).or_default();
        known.applied = Some(Box::new(applied));
        if known.seen.is_none() {
            inner.missed.insert(child, store.clone());
        }
    }

    /// Forgets what was applied to children that are gone with their Stores.
    pub fn retain(&self, exists: impl Fn(&StoreName) -> bool) {
        let mut inner = self.lock();
        let Inner { children, missed, .. } = &mut *inner;
        missed.retain(|child, store| {
            let kept = exists(store);
            if !kept {
                children.remove(child);
            }
            kept
        });
    }

    /// The children that a Store owns.
    pub fn owned_by(&self, store: &StoreName, uid: &str) -> Vec<(ChildRef, Seen)> {
        self.lock().owned_by(store, uid).map(|(child, seen)| (child.clone(), seen.clone())).collect()
    }
}

impl Inner {
    /// The children in a namespace.
    fn within<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a ChildRef, &'a Child)> {
        let kind = Kind::iter().min();
        let first = kind.map(|kind| ChildRef { namespace: namespace.to_owned(), kind, name: String::new() });
        let all = first.map(|first| self.children.range(first..)).into_iter().flatten();
        all.take_while(move |(child, _)| child.namespace == namespace)
    }

    /// The children that a Store owns.
    fn owned_by<'a>(&'a self, store: &'a StoreName, uid: &'a str) -> impl Iterator<Item = (&'a ChildRef, &'a Seen)> {
        let owns =
            move |seen: &&Seen| seen.family.as_ref().is_some_and(|family| family.owner_uid.as_deref() == Some(uid));
        self.within(&store.namespace)
            .filter_map(move |(child, known)| Some((child, known.seen.as_deref().filter(owns)?)))
    }

    fn see(&mut self, child: ChildRef, kind: Kind, object: &DynamicObject) -> Vec<StoreName> {
        let family = family(object).map(|family| self.family(family));
        let touched = family.iter().map(|family| family.store.clone()).collect();
        self.missed.remove(&child);
        let former = self.children.entry(child).or_default().seen.replace(Box::new(seen(kind, object, family)));
        self.release(former.and_then(|former| former.family));
        touched
    }

    fn forget(&mut self, child: &ChildRef) -> Vec<StoreName> {
        let Some(known) = self.children.get_mut(child) else { return Vec::new() };
        let family = known.seen.take().and_then(|seen| seen.family);
        let touched = family.as_ref().map(|family| family.store.clone());
        match &touched {
            Some(store) if known.applied.is_some() => {
                self.missed.insert(child.clone(), store.clone());
            }
            _ => {
                self.children.remove(child);
            }
        }
        self.release(family);
        touched.into_iter().collect()
    }

    /// After a watch was away: what is not there any more was deleted meanwhile, and nobody has said so.
    fn forget_vanished(&mut self, kind: Kind) -> Vec<StoreName> {
        let present = self.relisted.remove(&kind).unwrap_or_default();
        self.forget_all(|child| child.kind == kind && !present.contains(child))
    }

    fn forget_kind(&mut self, kind: Kind) {
        self.forget_all(|child| child.kind == kind);
    }

    fn forget_all(&mut self, which: impl Fn(&ChildRef) -> bool) -> Vec<StoreName> {
        let there = self.children.iter().filter(|(child, known)| known.seen.is_some() && which(child));
        let those: Vec<ChildRef> = there.map(|(child, _)| child.clone()).collect();
        those.iter().flat_map(|child| self.forget(child)).collect()
    }

    /// The one that all children of a family share.
    fn family(&mut self, family: Family) -> Arc<Family> {
        if let Some(known) = self.families.get(&family) {
            return known.clone();
        }
        let family = Arc::new(family);
        self.families.insert(family.clone());
        family
    }

    /// Forgets a family with its last child.
    fn release(&mut self, family: Option<Arc<Family>>) {
        if let Some(family) = family.filter(|family| Arc::strong_count(family) == 2) {
            self.families.remove(&family);
        }
    }
}

#[cfg(test)]
mod tests;
