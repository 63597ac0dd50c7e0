//! What the operator's chart makes beside its roles.

use serde_json::{Value, json};

use crate::support::{World, chart, helm, kubectl};

async fn documents(values: &[&str]) -> Vec<Value> {
    chart(helm().await, values)
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Option<&'a Value> {
    documents.iter().find(|document| document["kind"] == kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_takes_all_of_it_under_pod_security_restricted() {
    let world = World::new("operator-chart").await;
    let documents =
        documents(&["replicas=2", "tracing.endpoint=http://collector.there:4317", "crds.install=false"]).await;
    let template = &of_kind(&documents, "Deployment").expect("a Deployment")["spec"]["template"];
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator"}, "spec": template["spec"]});
    let mut objects: Vec<Value> = documents.into_iter().chain([pod]).collect();
    for object in &mut objects {
        if !object["kind"].as_str().is_some_and(|kind| kind.starts_with("Cluster")) {
            object["metadata"]["namespace"] = json!(world.namespace);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("list.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    std::fs::write(&file, list.to_string()).expect("a file");
    let output = kubectl().await.args(["create", "--dry-run=server", "-f"]).arg(&file).output().expect("kubectl");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("would violate"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_may_be_drained_and_of_several_one_at_a_time() {
    assert!(of_kind(&documents(&["replicas=1"]).await, "PodDisruptionBudget").is_none());
    let several = documents(&["replicas=2"]).await;
    let budget = of_kind(&several, "PodDisruptionBudget").expect("a budget");
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    assert!(
        of_kind(&documents(&["replicas=2", "podDisruptionBudget.create=false"]).await, "PodDisruptionBudget").is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn its_network_policy_lets_out_what_it_calls_and_nothing_else() {
    let documents = documents(&["tracing.endpoint=http://collector.there:4317"]).await;
    let policy = of_kind(&documents, "NetworkPolicy").expect("a policy");
    let ports: Vec<i64> = policy["spec"]["egress"]
        .as_array()
        .expect("rules")
        .iter()
        .flat_map(|rule| rule["ports"].as_array().expect("ports"))
        .map(|port| port["port"].as_i64().expect("a number"))
        .collect();
    assert_eq!(ports, [443, 6443, 53, 53, 9090, 4317]);
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(policy["spec"]["ingress"], json!([{"ports": [{"port": 9090, "protocol": "TCP"}]}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prometheus_of_each_shop_finds_every_replica_and_is_let_in() {
    let some = ["networkPolicy.metricsFrom[0].podSelector.matchLabels.app=mine", "watchNamespaces={shop}"];
    let documents = documents(&some).await;
    let named = |name: &str| {
        documents.iter().find(|it| it["kind"] == "Service" && it["metadata"]["name"] == name).expect("a Service")
    };
    assert_eq!(named("shopkeeper-pods")["spec"]["clusterIP"], "None");
    // By which the cluster's own Prometheus finds it, and one Service only.
    assert_eq!(named("shopkeeper-pods")["metadata"]["labels"]["shopkeeper.dev/job"], "operator");
    assert!(named("shopkeeper")["metadata"]["labels"]["shopkeeper.dev/job"].is_null());
    let container =
        &of_kind(&documents, "Deployment").expect("a Deployment")["spec"]["template"]["spec"]["containers"][0];
    let env = |name: &str| {
        let all = container["env"].as_array().expect("an environment").iter();
        all.clone().find(|it| it["name"] == name).expect("a variable")["value"].clone()
    };
    assert_eq!(env("OPERATOR_METRICS"), "shopkeeper-pods.shopkeeper-system.svc:9090");
    let from = &of_kind(&documents, "NetworkPolicy").expect("a policy")["spec"]["ingress"][0]["from"];
    assert_eq!(from[0], json!({"podSelector": {"matchLabels": {"app": "mine"}}}));
    assert_eq!(from[1]["podSelector"]["matchLabels"]["app.kubernetes.io/name"], "prometheus");
    assert_eq!(from[1]["namespaceSelector"], json!({"matchLabels": {"kubernetes.io/metadata.name": "shop"}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_a_cluster_does_not_have_is_an_empty_value() {
    let documents = documents(&["operands.grafana="]).await;
    let text = of_kind(&documents, "Deployment").expect("a Deployment").to_string();
    assert!(text.contains(r#"{"name":"DEFAULT_GRAFANA_IMAGE","value":""}"#), "{text}");
    assert!(text.contains(r#"{"name":"DEFAULT_JAEGER_IMAGE","value":"quay.io/"#), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_with_the_clusters_roles_may_look_after_stores_unless_it_is_for_some_namespaces() {
    let aggregated = |documents: &[Value]| {
        documents
            .iter()
            .filter(|it| it["metadata"]["name"].as_str().is_some_and(|name| name.contains("-stores-")))
            .count()
    };
    assert_eq!(aggregated(&documents(&[]).await), 2);
    assert_eq!(aggregated(&documents(&["rbac.aggregate=false"]).await), 0);
    assert_eq!(aggregated(&documents(&["watchNamespaces={shop}"]).await), 0);
}
