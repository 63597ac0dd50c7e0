//! What the watches last saw of every child: not the objects, only what reconciling needs to know of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use kube::{core::DynamicObject, runtime::watcher::Event};
use shop_policy::DOCUMENT_FILE;
use shopkeeper_api::Store;
use shopkeeper_plan::{INSTANCE_LABEL, PolicyVersion};
use strum::IntoEnumIterator;
use tokio::sync::watch;

use crate::{
    fingerprint::fingerprint,
    health::{Health, JobState, Workload, health},
    kind::{ChildRef, Kind},
};

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

/// What is known of one child.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Which incarnation it is.
    pub uid: String,
    /// Version of it that was seen.
    pub version: u64,
    /// Hash of its content.
    pub fingerprint: String,
    /// The Store that owns it, by uid.
    pub owner_uid: Option<String>,
    /// The Store that it belongs to.
    pub store: Option<StoreName>,
    /// How it is.
    pub health: Health,
    /// A Service's address.
    pub address: Option<String>,
    /// Version of the cache policies in a ConfigMap, if it is a sound document of them.
    pub cache_policy: Option<PolicyVersion>,
    /// Whether it is about to go.
    pub going: bool,
}

/// What was applied last, and what the child looked like then.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Applied {
    plan: String,
    fingerprint: String,
    version: u64,
}

#[derive(Debug, Default)]
struct Inner {
    children: BTreeMap<ChildRef, Seen>,
    applied: HashMap<ChildRef, Applied>,
    relisted: HashMap<Kind, HashSet<ChildRef>>,
    synced: HashSet<Kind>,
    /// Optional kinds that the cluster does not know.
    absent: HashSet<Kind>,
}

/// What the watches last saw.
#[derive(Debug)]
pub struct Observed {
    inner: Mutex<Inner>,
    synced: watch::Sender<bool>,
}

impl Default for Observed {
    fn default() -> Self {
        Self { inner: Mutex::default(), synced: watch::Sender::new(false) }
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
        inner.children.retain(|child, _| child.kind != kind);
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
        self.lock().children.get(child).cloned()
    }

    /// Whether the child still is what it was when this plan was applied to it.
    pub fn is_settled(&self, child: &ChildRef, plan: &str) -> bool {
        let inner = self.lock();
        match (inner.children.get(child), inner.applied.get(child)) {
            (Some(seen), Some(applied)) => applied.plan == plan && applied.fingerprint == seen.fingerprint,
            _ => false,
        }
    }

    /// Whether this plan was applied to the child before.
    pub fn was_applied(&self, child: &ChildRef, plan: &str) -> bool {
        self.lock().applied.get(child).is_some_and(|applied| applied.plan == plan)
    }

    /// Remembers what a child looked like with a plan applied.
    pub fn settle(&self, child: ChildRef, plan: String, object: &DynamicObject) {
        let applied = Applied { plan, fingerprint: fingerprint(object), version: version(object) };
        self.lock().applied.insert(child, applied);
    }

    /// The children that a Store owns.
    pub fn owned_by(&self, store: &StoreName, uid: &str) -> Vec<(ChildRef, Seen)> {
        let inner = self.lock();
        let owned = inner
            .children
            .iter()
            .filter(|(child, seen)| child.namespace == store.namespace && seen.owner_uid.as_deref() == Some(uid));
        owned.map(|(child, seen)| (child.clone(), seen.clone())).collect()
    }

    /// The state of a workload, if it is there. As long as the watch has not seen what was applied last, that is not rolled out.
    pub fn workload(&self, kind: Kind, store: &StoreName, name: &str) -> Option<Workload> {
        let child = ChildRef { kind, namespace: store.namespace.clone(), name: name.to_owned() };
        let inner = self.lock();
        let seen = inner.children.get(&child)?;
        let caught_up = inner.applied.get(&child).is_none_or(|applied| applied.version <= seen.version);
        match &seen.health {
            Health::Workload(workload) => {
                Some(Workload { rolled_out: workload.rolled_out && caught_up, ..workload.clone() })
            }
            _ => None,
        }
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

impl Inner {
    fn see(&mut self, child: ChildRef, kind: Kind, object: &DynamicObject) -> Vec<StoreName> {
        let seen = seen(kind, object);
        let touched = seen.store.clone().into_iter().collect();
        self.children.insert(child, seen);
        touched
    }

    fn forget(&mut self, child: &ChildRef) -> Vec<StoreName> {
        self.children.remove(child).and_then(|seen| seen.store).into_iter().collect()
    }

    /// After a watch was away: what is not there any more was deleted meanwhile, and nobody has said so.
    fn forget_vanished(&mut self, kind: Kind) -> Vec<StoreName> {
        let present = self.relisted.remove(&kind).unwrap_or_default();
        let vanished: Vec<ChildRef> =
            self.children.keys().filter(|child| child.kind == kind && !present.contains(child)).cloned().collect();
        vanished.iter().flat_map(|child| self.forget(child)).collect()
    }
}

fn child_ref(kind: Kind, object: &DynamicObject) -> ChildRef {
    ChildRef {
        kind,
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// Versions of one object can be compared as numbers.
fn version(object: &DynamicObject) -> u64 {
    object.metadata.resource_version.as_ref().and_then(|version| version.parse().ok()).unwrap_or_default()
}

fn seen(kind: Kind, object: &DynamicObject) -> Seen {
    let metadata = &object.metadata;
    let store_kind = <Store as kube::Resource>::kind(&());
    let owner = metadata.owner_references.iter().flatten().find(|owner| owner.kind == store_kind);
    let labelled = metadata.labels.as_ref().and_then(|labels| labels.get(INSTANCE_LABEL));
    let name = owner.map(|owner| &owner.name).or(labelled).cloned();
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let address =
        (kind == Kind::Service).then(|| object.data["spec"]["clusterIP"].as_str().map(ToOwned::to_owned)).flatten();
    let document = object.data["data"][DOCUMENT_FILE].as_str().filter(|_| kind == Kind::ConfigMap);
    Seen {
        uid: metadata.uid.clone().unwrap_or_default(),
        version: version(object),
        fingerprint: fingerprint(object),
        owner_uid: owner.map(|owner| owner.uid.clone()),
        store: name.map(|name| StoreName { namespace, name }),
        health: health(kind, object),
        address,
        cache_policy: document.and_then(PolicyVersion::of),
        going: metadata.deletion_timestamp.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config_map(name: &str, value: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {INSTANCE_LABEL: "demo"}},
            "data": {"key": value},
        }))
        .unwrap()
    }

    fn reference(name: &str) -> ChildRef {
        ChildRef { kind: Kind::ConfigMap, namespace: "shop".into(), name: name.into() }
    }

    #[test]
    fn a_child_that_vanished_while_the_watch_was_away_touches_its_store() {
        let observed = Observed::default();
        for event in [
            Event::Init,
            Event::InitApply(config_map("a", "1")),
            Event::InitApply(config_map("b", "1")),
            Event::InitDone,
        ] {
            observed.record(Kind::ConfigMap, event);
        }
        observed.record(Kind::ConfigMap, Event::Init);
        observed.record(Kind::ConfigMap, Event::InitApply(config_map("a", "1")));
        let touched = observed.record(Kind::ConfigMap, Event::InitDone);
        assert_eq!(touched, [StoreName { namespace: "shop".into(), name: "demo".into() }]);
        assert_eq!(observed.get(&reference("b")), None);
    }

    #[test]
    fn a_kind_that_the_cluster_does_not_know_holds_nothing_up() {
        let observed = Observed::default();
        for kind in Kind::iter().filter(|kind| !kind.is_optional()) {
            observed.record(kind, Event::Init);
            observed.record(kind, Event::InitDone);
        }
        assert!(!observed.is_synced());
        assert!(observed.record_presence(Kind::HTTPRoute, false));
        assert!(!observed.record_presence(Kind::HTTPRoute, false), "no news");
        observed.record_presence(Kind::Cluster, false);
        assert!(observed.is_synced());
        assert!(!observed.knows(Kind::HTTPRoute));
        assert!(observed.record_presence(Kind::HTTPRoute, true));
        assert!(observed.knows(Kind::HTTPRoute) && observed.is_synced());
    }

    #[test]
    fn a_child_is_settled_until_its_content_or_its_plan_changes() {
        let observed = Observed::default();
        observed.record(Kind::ConfigMap, Event::Apply(config_map("a", "1")));
        assert!(!observed.is_settled(&reference("a"), "plan"));
        observed.settle(reference("a"), "plan".into(), &config_map("a", "1"));
        assert!(observed.is_settled(&reference("a"), "plan"));
        assert!(!observed.is_settled(&reference("a"), "other plan"));
        observed.record(Kind::ConfigMap, Event::Apply(config_map("a", "2")));
        assert!(!observed.is_settled(&reference("a"), "plan"));
    }

    #[test]
    fn a_workload_is_not_rolled_out_before_the_watch_has_seen_what_was_applied() {
        let deployment = |version: &str| -> DynamicObject {
            serde_json::from_value(json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "demo-cart", "namespace": "shop", "uid": "u", "resourceVersion": version},
                "spec": {"replicas": 1, "template": {}, "selector": {}},
                "status": {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
            }))
            .unwrap()
        };
        let store = StoreName { namespace: "shop".into(), name: "demo".into() };
        let child = child_ref(Kind::Deployment, &deployment("1"));
        let observed = Observed::default();
        let rolled_out = || observed.workload(Kind::Deployment, &store, "demo-cart").unwrap().rolled_out;
        observed.record(Kind::Deployment, Event::Apply(deployment("9")));
        assert!(rolled_out());
        observed.settle(child, "plan".into(), &deployment("10"));
        assert!(!rolled_out(), "what was seen is older than what was written");
        observed.record(Kind::Deployment, Event::Apply(deployment("10")));
        assert!(rolled_out());
    }

    #[test]
    fn what_others_say_about_a_child_does_not_change_its_fingerprint() {
        let mut spoken_of = config_map("a", "1");
        spoken_of.metadata.resource_version = Some("7".into());
        spoken_of.data["status"] = json!({"phase": "Bound"});
        assert_eq!(fingerprint(&spoken_of), fingerprint(&config_map("a", "1")));
    }
}
