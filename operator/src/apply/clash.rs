//! A child that can't be applied, as somebody has put something of theirs in the place of ours.
//!
//! Server-side apply knows the entries of some lists by a key. Who changes the key of ours, as the number of a Service's port, has made it an entry of their
//! own: applying ours beside it is refused, as both have the same name. So the lists are first set as they should be by a patch that replaces
//! them whole. What that patch owns is given up at the end, so that fields which are not applied any more later still go.

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::child::FIELD_MANAGER;

const CLASH_MANAGER: &str = "shopkeeper-clash";

/// Whether applying was refused for what the object would then be.
pub(super) fn is_possible(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_invalid())
}

/// Applies a child that is there after its lists were set as they should be.
pub(super) async fn resolve(api: &Api<DynamicObject>, name: &str, manifest: &Value) -> kube::Result<DynamicObject> {
    let parameters = PatchParams { field_manager: Some(CLASH_MANAGER.to_owned()), ..PatchParams::default() };
    api.patch(name, &parameters, &Patch::Merge(manifest)).await?;
    let applied = api.patch(name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(manifest)).await?;
    let mut owners = applied.metadata.managed_fields.unwrap_or_default();
    owners.retain(|owner| owner.manager.as_deref() != Some(CLASH_MANAGER));
    let given_up = json!({"metadata": {"resourceVersion": applied.metadata.resource_version, "managedFields": owners}});
    api.patch(name, &parameters, &Patch::Merge(given_up)).await
}
