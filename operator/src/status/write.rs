//! Writes a status, if it is not there already.

use std::sync::PoisonError;

use jiff::Timestamp;
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use serde_json::json;
use shopkeeper_api::{Store, StoreStatus};

use super::{Picture, status};
use crate::{
    apply::FIELD_MANAGER,
    context::{Context, WrittenStatus},
    error::Error,
    events,
};

/// Writes the status that a picture gives, if it differs from the one that the Store has.
pub async fn write(context: &Context, store: &Store, picture: &Picture) -> Result<(), Error> {
    let former = current(context, store);
    let status = status(picture, &former, Timestamp::now());
    if status == former {
        return Ok(());
    }
    let (Some(name), Some(namespace)) = (&store.metadata.name, &store.metadata.namespace) else { return Ok(()) };
    let stores: Api<Store> = Api::namespaced(context.client.clone(), namespace);
    let patch = json!({"apiVersion": Store::api_version(&()), "kind": Store::kind(&()), "status": status});
    let answer = stores.patch_status(name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(patch)).await;
    match answer {
        Ok(written) => remember(context, &written, &status),
        // The Store went meanwhile.
        Err(kube::Error::Api(answer)) if answer.is_not_found() => return Ok(()),
        Err(source) => return Err(Error::StatusFailed(Box::new(source))),
    }
    events::tell(context, store, &former, &status).await;
    Ok(())
}

/// The status that the Store has: from the watch, or the one that was written last if the watch has not caught up with it.
fn current(context: &Context, store: &Store) -> StoreStatus {
    let watched = store.status.clone().unwrap_or_default();
    let Some(uid) = &store.metadata.uid else { return watched };
    let mut written = context.written.lock().unwrap_or_else(PoisonError::into_inner);
    match written.get(uid) {
        Some(written) if version(store).is_some_and(|version| version < written.resource_version) => {
            written.status.clone()
        }
        _ => {
            // The watch has it now, so it need not be kept twice.
            written.remove(uid);
            watched
        }
    }
}

fn remember(context: &Context, store: &Store, status: &StoreStatus) {
    let mut written = context.written.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(uid), Some(resource_version)) = (store.metadata.uid.clone(), version(store)) {
        written.insert(uid, WrittenStatus { resource_version, status: status.clone() });
    }
}

/// Versions of one object can be compared as numbers.
fn version(store: &Store) -> Option<u64> {
    store.metadata.resource_version.as_ref()?.parse().ok()
}
