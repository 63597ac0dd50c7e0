//! The controller: watches, queue and workers.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex},
};

use futures::StreamExt;
use kube::{
    Api, Client,
    core::DeserializeGuard,
    runtime::{
        Controller,
        controller::Config,
        events::{Recorder, Reporter},
        watcher,
    },
};
use shopkeeper_api::Store;

use crate::{
    args::Settings,
    backoff::Backoff,
    context::Context,
    metrics::Metrics,
    observed::{Observed, StoreName},
    policies::Policies,
    reconcile::{error_policy, reconcile},
    troubles::Troubles,
    watch::{object_ref, stores_of_changed_pods, stores_of_changed_secrets, touched_stores},
};

/// Looks after all Stores until `shutdown`.
pub async fn run(
    client: Client,
    settings: Settings,
    metrics: Metrics,
    observed: Arc<Observed>,
    shutdown: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let namespace = settings.watch_namespace.clone();
    let stores: Api<DeserializeGuard<Store>> = match &namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let reporter = Reporter { controller: "shopkeeper".into(), instance: Some(settings.identity.clone()) };
    let (policies, news) = Policies::new(client.clone(), settings.pod_port, metrics.clone());
    let policies = Arc::new(policies);
    let troubles = Arc::new(Troubles::default());
    let context = Arc::new(Context {
        client: client.clone(),
        observed: observed.clone(),
        backoff: Backoff::default(),
        metrics: metrics.clone(),
        policies: policies.clone(),
        troubles: troubles.clone(),
        recorder: Recorder::new(client.clone(), reporter),
        written: Mutex::new(HashMap::new()),
        settings: settings.clone(),
    });
    let controller = Controller::new(stores, watcher::Config::default());
    let cache = controller.store();
    let pods = stores_of_changed_pods(&client, namespace.as_deref(), &policies, &troubles, &metrics);
    let secrets = stores_of_changed_secrets(&client, namespace.as_deref(), cache.clone());
    controller
        .with_config(Config::default().concurrency(settings.concurrency))
        .reconcile_on(touched_stores(&client, namespace.as_deref(), &observed, &metrics, &cache))
        .reconcile_on(secrets)
        .reconcile_on(pods)
        .reconcile_on(news.map(|store| object_ref(&store)))
        .graceful_shutdown_on(shutdown)
        .run(reconcile, error_policy, context.clone())
        .for_each(|_| {
            let exists = |store: &StoreName| {
                let reference = kube::runtime::reflector::ObjectRef::new(&store.name).within(&store.namespace);
                cache.get(&reference).is_some()
            };
            context.backoff.retain(exists);
            context.policies.retain(exists);
            metrics.in_backoff.set(i64::try_from(context.backoff.len()).unwrap_or(i64::MAX));
            std::future::ready(())
        })
        .await;
}
