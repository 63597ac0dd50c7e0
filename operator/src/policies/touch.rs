//! Touches a pod, so that the kubelet looks at its mounts at once.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;
use shopkeeper_plan::PolicyVersion;

use crate::{apply::FIELD_MANAGER, observed::StoreName};

/// Annotation of a pod whose change makes the kubelet refresh the pod's mounts.
pub const TOUCHED: &str = "shopkeeper.dev/cache-policy";

/// Changes the annotation. What fails is tried again by whoever follows the pod.
pub(super) async fn touch(client: &Client, store: &StoreName, pod: &str, uid: &str, version: &PolicyVersion) {
    // The time makes each value another one, also after a restart of the operator.
    let value = format!("{}.{}", version.hash, Timestamp::now().as_millisecond());
    // With the uid, so that a new pod of the same name is not meant.
    let patch = json!({"metadata": {"uid": uid, "annotations": {TOUCHED: value}}});
    let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let pods: Api<Pod> = Api::namespaced(client.clone(), &store.namespace);
    match pods.patch_metadata(pod, &parameters, &Patch::Merge(patch)).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
        Err(error) => tracing::warn!(%error, pod, namespace = store.namespace, "a pod could not be touched"),
    }
}
