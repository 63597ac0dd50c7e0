//! What `helm test` does.

use std::process::{Command, Output};

use axum::{
    Router,
    http::{StatusCode, Uri},
};
use serde_json::{Value, json};

use super::{documents, of_kind, rendered};
use crate::support::{World, kubectl};

/// The pods of `helm test` of both charts: the operator's and the shop's.
async fn pods() -> [Value; 2] {
    let operator = documents(&rendered("charts/shopkeeper", "shopkeeper", &[]).await);
    let shop = documents(&rendered("charts/store", "demo", &[]).await);
    [operator, shop].map(|documents| of_kind(&documents, "Pod").clone())
}

/// Something that is well, but for one path.
async fn all_well_but(path: &'static str) -> String {
    let answer = move |uri: Uri| async move {
        if uri.path() == path {
            (StatusCode::SERVICE_UNAVAILABLE, "not well\n")
        } else {
            (StatusCode::OK, "operator_build_info{version=\"1\"} 1\n")
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    format!("http://{address}")
}

/// Does what the pod does, once, with another address.
fn done(pod: &Value, url: &str) -> Output {
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["/bin/sh", "-ec"]));
    let script = container["args"][0].as_str().expect("a script");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-ec", script]).env("URL", url).env("TRIES", "1").env("no_proxy", "127.0.0.1");
    shell.output().expect("a shell")
}

async fn passes_unless(pod: &Value, paths: &[&'static str]) {
    let well = done(pod, &all_well_but("/nowhere").await);
    assert!(well.status.success(), "{}", String::from_utf8_lossy(&well.stderr));
    for &path in paths {
        let ill = done(pod, &all_well_but(path).await);
        assert!(!ill.status.success(), "nobody noticed that {path} is not well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_test_fails_while_the_operator_is_not_ready_or_tells_no_figures() {
    let [pod, _] = pods().await;
    passes_unless(&pod, &["/readyz", "/metrics"]).await;
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[0]["value"], "http://shopkeeper.shopkeeper-system.svc:9090");
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_test_fails_while_a_service_of_the_shop_is_not_well() {
    let [_, pod] = pods().await;
    passes_unless(&pod, &["/api/system/health", "/cart-api/health", "/order-api/health", "/user-api/health"]).await;
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[0]["value"], "http://demo-gateway.shopkeeper-system.svc:8080");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pods_of_helm_test_are_let_in_where_restricted_is_enforced() {
    let world = World::new("helm-tests").await;
    let folder = tempfile::tempdir().expect("a folder");
    for mut pod in pods().await {
        pod["metadata"]["namespace"] = json!(world.namespace);
        let file = folder.path().join("pod.json");
        std::fs::write(&file, pod.to_string()).expect("to write");
        let mut create = kubectl().await;
        let output = create.args(["create", "--dry-run=server", "--filename"]).arg(&file).output().expect("kubectl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_service_leads_to_the_pod_of_helm_test_and_the_network_policy_lets_it_ask() {
    let open = "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=mine";
    let documents = documents(&rendered("charts/shopkeeper", "shopkeeper", &["--set", open]).await);
    let labels = of_kind(&documents, "Pod")["metadata"]["labels"].as_object().expect("labels");
    let selects = |selector: &Value| {
        selector.as_object().is_some_and(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
    };
    for service in documents.iter().filter(|document| document["kind"] == "Service") {
        assert!(!selects(&service["spec"]["selector"]), "{service}");
    }
    let from = of_kind(&documents, "NetworkPolicy")["spec"]["ingress"][0]["from"].as_array().expect("peers");
    let lets_in = |peer: &&Value| peer["namespaceSelector"].is_null() && selects(&peer["podSelector"]["matchLabels"]);
    assert_eq!(from.iter().filter(lets_in).count(), 1, "{from:?}");
}
