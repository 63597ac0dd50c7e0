//! Watches all children, and says which Stores are touched by what happens to them.

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
use shopkeeper_plan::{MANAGED_BY, MANAGED_BY_LABEL};
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
) -> impl Stream<Item = ObjectRef<DeserializeGuard<Store>>> + Send + use<> {
    let watches = Kind::iter().map(|kind| watch_kind(client, namespace, kind, observed.clone(), metrics.clone()));
    stream::select_all(watches.collect::<Vec<_>>())
}

fn watch_kind(
    client: &Client,
    namespace: Option<&str>,
    kind: Kind,
    observed: Arc<Observed>,
    metrics: Metrics,
) -> stream::BoxStream<'static, ObjectRef<DeserializeGuard<Store>>> {
    let resource = kind.resource();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
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
        .flat_map(move |event| stream::iter(touched(event)))
        .map(|store| object_ref(&store))
        .boxed()
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
    let spec = &store.spec;
    [spec.database().external, spec.redis().external]
        .into_iter()
        .flatten()
        .any(|external| external.secret_ref.name == secret)
}

fn store_name(store: &Store) -> Option<StoreName> {
    Some(StoreName { namespace: store.namespace()?, name: store.name_any() })
}

/// How the controller calls a Store.
pub fn object_ref(store: &StoreName) -> ObjectRef<DeserializeGuard<Store>> {
    ObjectRef::new(&store.name).within(&store.namespace)
}
