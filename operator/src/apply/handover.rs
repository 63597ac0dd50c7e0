//! Leaves a Deployment's number of pods to its autoscaler without a dip.
//!
//! A field that its only owner stops to apply is removed, and the API server would fill in 1. So the number that is there now is first
//! claimed under another name, which never changes it again; the autoscaler then sets it as it likes.

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::child::FIELD_MANAGER;

const HANDOVER_MANAGER: &str = "shopkeeper-handover";

/// Claims the number of pods if the operator owns it and is about to stop applying it.
pub(super) async fn keep_replicas(
    api: &Api<DynamicObject>,
    live: &DynamicObject,
    manifest: &Value,
) -> kube::Result<()> {
    let replicas = &live.data["spec"]["replicas"];
    if !manifest["spec"]["replicas"].is_null() || replicas.is_null() || !owns_replicas(live) {
        return Ok(());
    }
    // An autoscaler leaves a workload alone that has no pods, as after a suspension.
    let replicas = replicas.as_i64().unwrap_or(1).max(1);
    let name = live.metadata.name.clone().unwrap_or_default();
    let claim = json!({
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {"name": name, "uid": live.metadata.uid},
        "spec": {"replicas": replicas},
    });
    api.patch(&name, &PatchParams::apply(HANDOVER_MANAGER).force(), &Patch::Apply(claim)).await?;
    Ok(())
}

fn owns_replicas(live: &DynamicObject) -> bool {
    live.metadata.managed_fields.iter().flatten().any(|entry| {
        let fields = entry.fields_v1.as_ref().map_or(&Value::Null, |fields| &fields.0);
        entry.manager.as_deref() == Some(FIELD_MANAGER) && fields["f:spec"]["f:replicas"].is_object()
    })
}
