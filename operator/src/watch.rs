//! Watches everything that reconciling goes by, and says which Stores are touched by what happens.

mod changes;
mod merge;
mod optional;
mod state;

use std::{collections::BTreeSet, fmt::Debug, sync::Arc};

use futures::{StreamExt, stream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{ConfigMap, Pod, Secret},
};
use kube::{
    Api, Client,
    api::DynamicObject,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store as Cache, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use shopkeeper_api::Store;
use shopkeeper_plan::{ImageDefaults, MANAGED_BY, MANAGED_BY_LABEL, named_secrets, validate};
use strum::IntoEnumIterator;

pub use state::{WatchState, WatchStates};

use crate::{
    kind::Kind,
    metrics::Metrics,
    observed::{Observed, StoreName},
    policies::Policies,
    queue::Trigger,
    troubles::Troubles,
};
use changes::Changes;
use merge::{Remnant, merged};

/// A Store as it is watched: also one that cannot be read.
pub type Guarded = DeserializeGuard<Store>;
/// Stores that are to be looked at.
pub type Touched = stream::BoxStream<'static, ObjectRef<Guarded>>;

/// Everything that the watches share.
#[derive(Clone)]
pub struct Watches {
    /// The way to the API server.
    pub client: Client,
    /// The namespaces that are watched; all, if it is empty.
    pub namespaces: Vec<String>,
    /// Figures.
    pub metrics: Metrics,
    /// How the watches are.
    pub states: WatchStates,
}

/// So many objects are read at a time when everything is listed: what is kept of them is little, but each page is in memory as a whole, for each
/// kind at the same time.
const PAGE: u32 = 100;

fn listed_by_pages() -> watcher::Config {
    watcher::Config::default().page_size(PAGE)
}

impl Watches {
    /// Stores that were changed, after `writer` has taken them in.
    pub fn stores(&self, writer: Writer<Guarded>) -> stream::BoxStream<'static, Trigger<ObjectRef<Guarded>>> {
        let api = |namespace: Option<&str>| match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let events = self.events::<Guarded>("Store", api, &listed_by_pages());
        let pruned = events.map(|event| Ok::<_, watcher::Error>(event.modify(prune)));
        let mut changes = Changes::default();
        reflector::reflector(writer, pruned)
            .flat_map(move |event| stream::iter(event.map(|event| changes.take(&event)).unwrap_or_default()))
            .boxed()
    }

    /// Stores whose children were changed, after [`Observed`] has taken it in.
    pub fn children(&self, observed: &Arc<Observed>, stores: &Cache<Guarded>) -> Touched {
        let of_kind = |kind: Kind| {
            if kind.is_optional() {
                optional::watch(self.clone(), observed.clone(), kind, stores.clone())
            } else {
                self.kind(observed, kind, |_| false)
            }
        };
        stream::select_all(Kind::iter().map(of_kind).collect::<Vec<_>>()).boxed()
    }

    /// The same for one kind of children, until the watch fails in a way that ends it.
    fn kind(&self, observed: &Arc<Observed>, kind: Kind, ends: fn(&watcher::Error) -> bool) -> Touched {
        let resource = kind.resource();
        let api = |namespace: Option<&str>| match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let selected = listed_by_pages().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
        let observed = observed.clone();
        self.events_until::<DynamicObject>(kind.into(), api, &selected, ends)
            .flat_map(move |event| stream::iter(observed.record(kind, event)))
            .map(|store| object_ref(&store))
            .boxed()
    }

    /// Stores that name a Secret of the user's own which was changed.
    pub fn named_secrets(&self, stores: Cache<Guarded>) -> Touched {
        self.of_others::<Secret>("Secrets of others", stores, named_secrets)
    }

    /// Stores that bring a ConfigMap of the user's own into pods which was changed.
    pub fn named_config_maps(&self, stores: Cache<Guarded>, images: ImageDefaults) -> Touched {
        // Of a Store that is invalid nothing is made with it.
        let named =
            move |store: &Store| validate(store, &images).map(|shop| shop.pod_config_maps()).unwrap_or_default();
        self.of_others::<ConfigMap>("ConfigMaps of others", stores, named)
    }

    /// Stores that name something which is not the operator's own and was changed. Only its metadata is told: what is in it is read by whoever
    /// needs it.
    fn of_others<K>(
        &self,
        what: &'static str,
        stores: Cache<Guarded>,
        named: impl Fn(&Store) -> BTreeSet<String> + Send + 'static,
    ) -> Touched
    where
        K: kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + Default
            + Send
            + Sync
            + 'static,
    {
        let api = |namespace: Option<&str>| match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let selected = listed_by_pages().labels(&format!("{MANAGED_BY_LABEL}!={MANAGED_BY}"));
        let referring = move |it: &PartialObjectMeta<K>| {
            let (namespace, name) = (it.metadata.namespace.as_ref(), it.metadata.name.as_ref());
            let reference = |store: &Guarded| {
                let store = store.0.as_ref().ok()?;
                let here = store.metadata.namespace.as_ref() == namespace;
                (here && name.is_some_and(|name| named(store).contains(name))).then(|| store_name(store))?
            };
            stores.state().iter().filter_map(|store| reference(store)).collect::<Vec<_>>()
        };
        let touched = move |event| match event {
            Event::Apply(it) | Event::InitApply(it) | Event::Delete(it) => referring(&it),
            Event::Init | Event::InitDone => Vec::new(),
        };
        self.events::<PartialObjectMeta<K>>(what, api, &selected)
            .flat_map(move |event| stream::iter(touched(event)))
            .map(|store| object_ref(&store))
            .boxed()
    }

    /// Stores whose pods came, went or changed in a way that matters, after [`Policies`] and [`Troubles`] have taken it in.
    pub fn pods(&self, policies: &Arc<Policies>, troubles: &Arc<Troubles>) -> Touched {
        let api = |namespace: Option<&str>| match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let selected = listed_by_pages().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
        let (policies, troubles) = (policies.clone(), troubles.clone());
        let touched = move |event| {
            let mut touched = troubles.record(&event);
            touched.extend(policies.record(event));
            touched
        };
        self.events::<Pod>("Pod", api, &selected)
            .flat_map(move |event| stream::iter(touched(event)))
            .map(|store| object_ref(&store))
            .boxed()
    }

    /// What happens in all watched namespaces, as if it were one watch. Failures are noted, and the watch goes on.
    fn events<K>(
        &self,
        what: &'static str,
        api: impl Fn(Option<&str>) -> Api<K>,
        selected: &watcher::Config,
    ) -> stream::BoxStream<'static, Event<K>>
    where
        K: kube::Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + Remnant + 'static,
    {
        self.events_until(what, api, selected, |_| false)
    }

    /// The same, until the watch fails in a way that ends it.
    fn events_until<K>(
        &self,
        what: &'static str,
        api: impl Fn(Option<&str>) -> Api<K>,
        selected: &watcher::Config,
        ends: fn(&watcher::Error) -> bool,
    ) -> stream::BoxStream<'static, Event<K>>
    where
        K: kube::Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + Remnant + 'static,
    {
        let watch = |namespace: Option<&str>| {
            let (states, metrics) = (self.states.clone(), self.metrics.clone());
            let at = namespace.map_or_else(|| what.to_owned(), |namespace| format!("{what} in {namespace}"));
            states.begin(&at);
            let (ended, ended_at) = (states.clone(), at.clone());
            let goes_on = move |event: &watcher::Result<Event<K>>| {
                let ends = event.as_ref().is_err_and(ends);
                if ends {
                    ended.end(&ended_at);
                }
                std::future::ready(!ends)
            };
            let noted = move |event: watcher::Result<Event<K>>| {
                match &event {
                    Ok(event) => {
                        let relisted = matches!(event, Event::Init) && states.was_complete(&at);
                        metrics.watch_restarts.with_label_values(&[what]).inc_by(u64::from(relisted));
                        states.lives(&at, matches!(event, Event::InitDone));
                    }
                    Err(error) => {
                        metrics.watch_errors.with_label_values(&[what]).inc();
                        tracing::warn!(watch = %at, %error, "a watch failed and is begun again");
                        states.failed(&at, error.to_string());
                    }
                }
                std::future::ready(event.ok())
            };
            watcher(api(namespace), selected.clone()).default_backoff().take_while(goes_on).filter_map(noted).boxed()
        };
        match self.namespaces.as_slice() {
            [] => watch(None),
            [namespace] => watch(Some(namespace)),
            namespaces => merged(namespaces.iter().map(|namespace| watch(Some(namespace))).collect()).boxed(),
        }
    }
}

/// Who set which field is never looked up in the cache, and takes most of a Store's memory.
fn prune(store: &mut Guarded) {
    kube::Resource::meta_mut(store).managed_fields = None;
}

/// Namespace and name of a Store that is in the cluster.
pub fn store_name(store: &Store) -> Option<StoreName> {
    Some(StoreName { namespace: store.metadata.namespace.clone()?, name: store.metadata.name.clone()? })
}

/// How the controller calls a Store.
pub fn object_ref(store: &StoreName) -> ObjectRef<Guarded> {
    ObjectRef::new(&store.name).within(&store.namespace)
}
