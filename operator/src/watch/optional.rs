//! Kinds that a cluster need not know: watched while it does.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use kube::{
    Client,
    runtime::{
        reflector::{ObjectRef, Store as Cache},
        watcher,
    },
};
use shopkeeper_api::Store;

use super::{Guarded, Touched, Watches};
use crate::{kind::Kind, observed::Observed};

/// How often it is looked whether a kind has come.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How soon it is looked again when the API server did not say.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Waits until the cluster knows the kind, watches it while it does, and so on. Stores that ask for it are touched when it comes or goes.
pub(super) fn watch(watches: Watches, observed: Arc<Observed>, kind: Kind, stores: Cache<Guarded>) -> Touched {
    let once = move |watches: Watches| {
        let (stores, observed) = (stores.clone(), observed.clone());
        async move {
            wait_until_known(&watches.client, &observed, kind).await;
            let came = observed.record_presence(kind, true);
            let asking = if came { asking(&stores, kind) } else { Vec::new() };
            let here = watches.kind(&observed, kind, is_unknown);
            let gone = stream::once(async move {
                let went = observed.record_presence(kind, false);
                stream::iter(if went { self::asking(&stores, kind) } else { Vec::new() })
            });
            Some((stream::iter(asking).chain(here).chain(gone.flatten()), watches))
        }
    };
    stream::unfold(watches, once).flatten().boxed()
}

async fn wait_until_known(client: &Client, observed: &Observed, kind: Kind) {
    loop {
        match is_known(client, kind).await {
            Ok(true) => return,
            Ok(false) => {
                observed.record_presence(kind, false);
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
    let (watcher::Error::InitialListFailed(api)
    | watcher::Error::WatchStartFailed(api)
    | watcher::Error::WatchFailed(api)) = error
    else {
        return false;
    };
    matches!(api, kube::Error::Api(status) if status.code == 404)
}

/// The Stores that ask for a kind.
fn asking(stores: &Cache<Guarded>, kind: Kind) -> Vec<ObjectRef<Guarded>> {
    let asks = |store: &Store| match kind {
        Kind::HTTPRoute => store.spec.gateway.http_route.is_some(),
        Kind::Cluster => store.spec.database().cloud_native_pg.is_some(),
        Kind::ServiceMonitor | Kind::PrometheusRule => {
            let monitoring = store.spec.monitoring();
            monitoring.enabled && monitoring.prometheus.enabled
        }
        _ => false,
    };
    let state = stores.state();
    let asking = state.iter().filter(|store| store.0.as_ref().is_ok_and(asks));
    asking.map(|store| ObjectRef::from_obj(&**store)).collect()
}
