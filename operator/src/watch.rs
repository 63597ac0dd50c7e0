//! Watches all children, and says which Stores are touched by what happens to them.

mod optional;

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api, Client, ResourceExt,
    api::DynamicObject,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store as Cache},
        watcher,
    },
};
use shopkeeper_api::Store;
use shopkeeper_plan::{MANAGED_BY, MANAGED_BY_LABEL, named_secrets};
use strum::IntoEnumIterator;

use crate::{
    kind::Kind,
    metrics::Metrics,
    observed::{Observed, StoreName},
    policies::Policies,
    troubles::Troubles,
};

/// Stores that are touched by what happens to their children, after [`Observed`] has taken it in.
pub fn touched_stores(
    client: &Client,
    namespace: Option<&str>,
    observed: &Arc<Observed>,
    metrics: &Metrics,
    stores: &Cache<DeserializeGuard<Store>>,
) -> impl Stream<Item = ObjectRef<DeserializeGuard<Store>>> + Send + use<> {
    let watch = Watch {
        client: client.clone(),
        namespace: namespace.map(ToOwned::to_owned),
        observed: observed.clone(),
        metrics: metrics.clone(),
    };
    let watches = Kind::iter().map(|kind| {
        if kind.is_optional() {
            optional::watch(watch.clone(), kind, stores.clone())
        } else {
            watch.kind(kind, |_| false)
        }
    });
    stream::select_all(watches.collect::<Vec<_>>())
}

/// What watching a kind takes.
#[derive(Clone)]
struct Watch {
    client: Client,
    namespace: Option<String>,
    observed: Arc<Observed>,
    metrics: Metrics,
}

type Touched = stream::BoxStream<'static, ObjectRef<DeserializeGuard<Store>>>;

impl Watch {
    /// Stores that are touched by what happens to their children of a kind, until the watch ends with an error that says so.
    fn kind(&self, kind: Kind, ends: impl Fn(&watcher::Error) -> bool + Send + 'static) -> Touched {
        let resource = kind.resource();
        let api: Api<DynamicObject> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let (observed, metrics) = (self.observed.clone(), self.metrics.clone());
        let selected = watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}"));
        let touched = move |event: watcher::Result<watcher::Event<DynamicObject>>| match event {
            Ok(event) => observed.record(kind, event),
            Err(error) => {
                metrics.watch_errors.with_label_values(&[&kind.to_string()]).inc();
                tracing::warn!(%kind, %error, "a watch failed and is begun again");
                Vec::new()
            }
        };
        watcher(api, selected)
            .default_backoff()
            .take_while(move |event| std::future::ready(!event.as_ref().is_err_and(&ends)))
            .flat_map(move |event| stream::iter(touched(event)))
            .map(|store| object_ref(&store))
            .boxed()
    }
}

/// Stores that name a Secret of the user's own which was changed.
pub fn stores_of_changed_secrets(
    client: &Client,
    namespace: Option<&str>,
    stores: Cache<DeserializeGuard<Store>>,
) -> impl Stream<Item = ObjectRef<DeserializeGuard<Store>>> + Send + use<> {
    let api: Api<PartialObjectMeta<Secret>> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let selected = watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}!={MANAGED_BY}"));
    let referring = move |secret: PartialObjectMeta<Secret>| {
        let names = |store: &DeserializeGuard<Store>| match &store.0 {
            Ok(store) if store.namespace() == secret.namespace() && refers_to(store, &secret.name_any()) => {
                store_name(store)
            }
            _ => None,
        };
        stores.state().iter().filter_map(|store| names(store)).collect::<Vec<_>>()
    };
    watcher(api, selected)
        .default_backoff()
        .touched_objects()
        .filter_map(|secret| std::future::ready(secret.ok()))
        .flat_map(move |secret| stream::iter(referring(secret)))
        .map(|store| object_ref(&store))
}

/// Stores whose pods came, went or changed in a way that matters, after [`Policies`] and [`Troubles`] have taken it in.
pub fn stores_of_changed_pods(
    client: &Client,
    namespace: Option<&str>,
    policies: &Arc<Policies>,
    troubles: &Arc<Troubles>,
    metrics: &Metrics,
) -> impl Stream<Item = ObjectRef<DeserializeGuard<Store>>> + Send + use<> {
    let api: Api<Pod> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let (policies, troubles, metrics) = (policies.clone(), troubles.clone(), metrics.clone());
    let touched = move |event: watcher::Result<watcher::Event<Pod>>| match event {
        Ok(event) => {
            let mut touched = troubles.record(&event);
            touched.extend(policies.record(event));
            touched
        }
        Err(error) => {
            metrics.watch_errors.with_label_values(&["Pod"]).inc();
            tracing::warn!(kind = "Pod", %error, "a watch failed and is begun again");
            Vec::new()
        }
    };
    watcher(api, watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGED_BY}")))
        .default_backoff()
        .flat_map(move |event| stream::iter(touched(event)))
        .map(|store| object_ref(&store))
}

fn refers_to(store: &Store, secret: &str) -> bool {
    named_secrets(store).contains(secret)
}

fn store_name(store: &Store) -> Option<StoreName> {
    Some(StoreName { namespace: store.namespace()?, name: store.name_any() })
}

/// How the controller calls a Store.
pub fn object_ref(store: &StoreName) -> ObjectRef<DeserializeGuard<Store>> {
    ObjectRef::new(&store.name).within(&store.namespace)
}
