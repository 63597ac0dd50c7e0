//! What of a pod matters here.

use k8s_openapi::api::core::v1::Pod;
use shopkeeper_plan::{Component, INSTANCE_LABEL, NAME_LABEL, SERVICES};

use crate::observed::StoreName;

/// What of a pod matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSeen {
    /// Its name.
    pub name: String,
    /// The service that it belongs to.
    pub component: Component,
    /// Which pod of this name it is.
    pub uid: String,
    /// How many times its process was started again.
    pub restarts: i32,
    /// Its address, while its process runs and it is not about to go.
    pub address: Option<String>,
    /// Whether it is ready.
    pub ready: bool,
}

/// The Store that a service's pod belongs to, and what matters of the pod; the pods of anything else have no policies.
pub(super) fn seen(pod: &Pod) -> Option<(StoreName, PodSeen)> {
    let metadata = &pod.metadata;
    let labels = metadata.labels.as_ref()?;
    let component = labels.get(NAME_LABEL)?.parse().ok().filter(|component| SERVICES.contains(component))?;
    let store = StoreName { namespace: metadata.namespace.clone()?, name: labels.get(INSTANCE_LABEL)?.clone() };
    let status = pod.status.as_ref();
    // The Store may have put others beside the service's own container.
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    let own = containers.and_then(|all| all.iter().find(|it| it.name == component.as_str()));
    let container = own.or_else(|| containers?.first());
    let process_runs =
        container.and_then(|container| container.state.as_ref()).is_some_and(|state| state.running.is_some());
    let goes = metadata.deletion_timestamp.is_some();
    let seen = PodSeen {
        name: metadata.name.clone()?,
        component,
        uid: metadata.uid.clone().unwrap_or_default(),
        restarts: container.map_or(0, |container| container.restart_count),
        address: status.and_then(|status| status.pod_ip.clone()).filter(|_| process_runs && !goes),
        ready: container.is_some_and(|container| container.ready),
    };
    Some((store, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "name": "demo-cart-1", "namespace": "shop", "uid": "u",
                "labels": {NAME_LABEL: "cart", INSTANCE_LABEL: "demo"},
            },
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_pod_has_an_address_only_while_its_process_runs() {
        let with = |state: serde_json::Value| {
            let container =
                json!({"name": "cart", "image": "", "imageID": "", "ready": true, "restartCount": 2, "state": state});
            pod(&json!({"podIP": "10.0.0.1", "containerStatuses": [container]}))
        };
        let (store, running) = seen(&with(json!({"running": {}}))).unwrap();
        assert_eq!(store, StoreName { namespace: "shop".into(), name: "demo".into() });
        assert_eq!((running.address.as_deref(), running.restarts), (Some("10.0.0.1"), 2));
        assert_eq!(seen(&with(json!({"waiting": {"reason": "CrashLoopBackOff"}}))).unwrap().1.address, None);
        assert_eq!(seen(&pod(&json!({"phase": "Pending"}))).unwrap().1.address, None);
        let mut going = with(json!({"running": {}}));
        going.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(seen(&going).unwrap().1.address, None);
    }

    #[test]
    fn only_the_pods_of_services_have_policies() {
        let mut other = pod(&json!({}));
        assert!(seen(&other).is_some());
        other.metadata.labels.as_mut().unwrap().insert(NAME_LABEL.into(), "gateway".into());
        assert!(seen(&other).is_none());
    }
}
