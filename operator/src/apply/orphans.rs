//! Removes what belongs to a feature that was turned off, and Jobs of former versions.

use std::collections::BTreeSet;

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Preconditions, PropagationPolicy},
};

use crate::{
    context::Context,
    error::Error,
    kind::{ChildRef, Kind},
    observed::{Seen, StoreName},
};

/// Deletes the Store's children that its plan does not have. Volumes, those of backups included, and generated credentials are never among
/// them.
pub(super) async fn remove(
    context: &Context,
    store: &StoreName,
    uid: &str,
    wanted: &BTreeSet<ChildRef>,
    complete: bool,
) -> Result<(), Error> {
    let credentials = [format!("{}-database", store.name), format!("{}-credentials", store.name)];
    let is_orphan = |child: &ChildRef, seen: &Seen| match child.kind {
        _ if seen.going || wanted.contains(child) => false,
        Kind::PersistentVolumeClaim | Kind::Cluster => false,
        Kind::Secret => !credentials.contains(&child.name),
        // Until the new version is in place, what the old one did can still be looked at, and its pods run.
        Kind::Job | Kind::Deployment => complete,
        _ => true,
    };
    for (child, seen) in context.observed.owned_by(store, uid) {
        if is_orphan(&child, &seen) {
            delete(context, &child, &seen).await?;
        }
    }
    Ok(())
}

async fn delete(context: &Context, child: &ChildRef, seen: &Seen) -> Result<(), Error> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(context.client.clone(), &child.namespace, &child.kind.resource());
    let parameters = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: Some(seen.uid.to_string()), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(&child.name, &parameters).await {
        Ok(_) => {
            tracing::info!(child = %child, "deleted, as the Store does not ask for it any more");
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => Err(Error::DeleteFailed { child: child.clone(), source: Box::new(source) }),
    }
}
