//! Nothing of a Store needs more rights than Pod Security `restricted` gives.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::Api;

use crate::kubernetes::{DEMO, OPERATOR, SHOP, client, ready, standing_pods};

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn the_store_and_its_operator_run_under_enforced_pod_security_restricted() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    for name in [SHOP, OPERATOR] {
        let namespace = Api::<Namespace>::all(client.clone()).get(name).await.expect("the namespace is there");
        let labels = namespace.metadata.labels.unwrap_or_default();
        let enforced = labels.get("pod-security.kubernetes.io/enforce").map(String::as_str);
        assert_eq!(enforced, Some("restricted"), "namespace {name}");
    }
    let pods = standing_pods(&client, SHOP, DEMO).await;
    assert!(pods.len() >= 7, "four services, gateway, database and Redis run: {} pods", pods.len());
    for pod in pods {
        let name = pod.metadata.name.unwrap_or_default();
        let spec = pod.spec.expect("a pod has a spec");
        assert_eq!(spec.automount_service_account_token, Some(false), "{name} has no token of the API server");
        for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
            let security = container.security_context.as_ref().expect("every container says what it may do");
            assert_eq!(security.read_only_root_filesystem, Some(true), "{name}/{}", container.name);
            let limits = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
            assert!(
                limits.is_some_and(|limits| limits.contains_key("memory")),
                "{name}/{} has a limit",
                container.name
            );
        }
    }
}
