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
    observed::StoreName,
    watch::store_name,
};

/// Writes the status that a picture gives, if it differs from the one that the Store has.
pub async fn write(context: &Context, store: &Store, picture: &Picture) -> Result<(), Error> {
    let (Some(name), Some(key)) = (&store.metadata.name, store_name(store)) else { return Ok(()) };
    let former = current(context, store, &key);
    let status = status(picture, &former, Timestamp::now());
    if status == former {
        return Ok(());
    }
    let stores: Api<Store> = Api::namespaced(context.client.clone(), &key.namespace);
    let patch = json!({"apiVersion": Store::api_version(&()), "kind": Store::kind(&()), "status": status});
    let answer = stores.patch_status(name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(patch)).await;
    match answer {
        Ok(written) => remember(context, key, &written, &status),
        // The Store went meanwhile.
        Err(kube::Error::Api(answer)) if answer.is_not_found() => return Ok(()),
        Err(source) => return Err(Error::StatusFailed(Box::new(source))),
    }
    events::tell(context, store, &former, &status).await;
    Ok(())
}

/// The status that the Store has: from the watch, or the one that was written last if the watch has not caught up with it.
fn current(context: &Context, store: &Store, name: &StoreName) -> StoreStatus {
    let mut written = context.written.lock().unwrap_or_else(PoisonError::into_inner);
    let is_older = |written: &WrittenStatus| {
        store.metadata.uid.as_ref() == Some(&written.uid)
            && version(store).is_some_and(|version| version < written.resource_version)
    };
    match written.get(name) {
        Some(written) if is_older(written) => written.status.clone(),
        _ => {
            // The watch has it now, so it need not be kept twice.
            written.remove(name);
            store.status.clone().unwrap_or_default()
        }
    }
}

fn remember(context: &Context, name: StoreName, store: &Store, status: &StoreStatus) {
    let mut written = context.written.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(uid), Some(resource_version)) = (store.metadata.uid.clone(), version(store)) {
        written.insert(name, WrittenStatus { uid, resource_version, status: status.clone() });
    }
}

/// Versions of one object can be compared as numbers.
fn version(store: &Store) -> Option<u64> {
    store.metadata.resource_version.as_ref()?.parse().ok()
}
