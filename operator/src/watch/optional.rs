//! Kinds that a cluster need not know: watched while it does.

use std::time::Duration;

use futures::{StreamExt, stream};
use kube::{
    Client,
    core::DeserializeGuard,
    runtime::{
        reflector::{ObjectRef, Store as Cache},
        watcher,
    },
};
use shopkeeper_api::Store;

use super::{Touched, Watch};
use crate::kind::Kind;

/// How often it is looked whether a kind has come.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How soon it is looked again when the API server did not say.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Waits until the cluster knows the kind, watches it while it does, and so on. Stores that ask for it are touched when it comes or goes.
pub(super) fn watch(watch: Watch, kind: Kind, stores: Cache<DeserializeGuard<Store>>) -> Touched {
    let once = move |watch: Watch| {
        let stores = stores.clone();
        async move {
            wait_until_known(&watch, kind).await;
            let came = watch.observed.record_presence(kind, true);
            let asking = if came { asking(&stores, kind) } else { Vec::new() };
            let here = watch.kind(kind, is_unknown);
            let observed = watch.observed.clone();
            let gone = stream::once(async move {
                let went = observed.record_presence(kind, false);
                stream::iter(if went { self::asking(&stores, kind) } else { Vec::new() })
            });
            Some((stream::iter(asking).chain(here).chain(gone.flatten()), watch))
        }
    };
    stream::unfold(watch, once).flatten().boxed()
}

async fn wait_until_known(watch: &Watch, kind: Kind) {
    loop {
        match is_known(&watch.client, kind).await {
            Ok(true) => return,
            Ok(false) => {
                watch.observed.record_presence(kind, false);
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(error) => {
                tracing::warn!(%kind, %error, "the API server does not say whether it knows a kind; asked again");
                tokio::time::sleep(ASK_AGAIN).await;
            }
        }
    }
}

async fn is_known(client: &Client, kind: Kind) -> kube::Result<bool> {
    let resource = kind.resource();
    match client.list_api_group_resources(&resource.api_version).await {
        Ok(list) => Ok(list.resources.iter().any(|it| it.name == resource.plural)),
        // Not `is_not_found`: what the API server says of a group that it does not know is no Status.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a watch failed since the kind is not known any more.
fn is_unknown(error: &watcher::Error) -> bool {
    let api = match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error,
        _ => return false,
    };
    matches!(api, kube::Error::Api(status) if status.code == 404)
}

/// The Stores that ask for a kind.
fn asking(stores: &Cache<DeserializeGuard<Store>>, kind: Kind) -> Vec<ObjectRef<DeserializeGuard<Store>>> {
    let asks = |store: &Store| match kind {
        Kind::HTTPRoute => store.spec.gateway.http_route.is_some(),
        Kind::Cluster => store.spec.database().cloud_native_pg.is_some(),
        _ => false,
    };
    let state = stores.state();
    let asking = state.iter().filter(|store| store.0.as_ref().is_ok_and(asks));
    asking.map(|store| ObjectRef::from_obj(&**store)).collect()
}
