//! Pods that cannot run: the Store says which and why, what ran before goes on, and all is well again when the cause is taken away.

use std::time::Duration;

use kube::Client;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::kubernetes::{Scratch, client, condition, eventually, ready, standing_pods, stores};

const LIMIT: Duration = Duration::from_secs(240);

async fn change(scratch: &Scratch, spec: &Value) {
    let patch = json!({"spec": spec});
    let api = stores(&scratch.client, &scratch.name);
    api.patch("stuck", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("a Store can be changed");
}

/// The reason and the message of a condition.
fn said(store: &DynamicObject, kind: &str) -> (String, String) {
    let conditions = store.data.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
    let text = |field: &str| found.and_then(|it| it[field].as_str()).unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}

/// Waits until the Store is degraded for this reason, in words that have these in them.
async fn until_told(client: &Client, scratch: &Scratch, reason: &str, words: &str) {
    let api = stores(client, &scratch.name);
    let what = format!("the Store tells {reason}");
    let (message, took) = eventually(&what, LIMIT, || async {
        let store = api.get("stuck").await.ok()?;
        let (is, message) = said(&store, "Degraded");
        (condition(&store, "Degraded") == "True" && is == reason && message.contains(words)).then_some(message)
    })
    .await;
    println!("{what} after {:.1} s: {message}", took.as_secs_f64());
}

async fn until_well(client: &Client, scratch: &Scratch) {
    ready(client, &scratch.name, "stuck", LIMIT).await;
    let api = stores(client, &scratch.name);
    eventually("nothing is degraded", LIMIT, || async {
        (condition(&api.get("stuck").await.ok()?, "Degraded") == "False").then_some(())
    })
    .await;
}

/// The pods that stand, with how often they were started.
async fn pods(client: &Client, scratch: &Scratch, component: &str) -> Vec<(Option<String>, bool)> {
    let mut found = Vec::new();
    for pod in standing_pods(client, &scratch.name, "stuck").await {
        let labels = pod.metadata.labels.unwrap_or_default();
        let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
        let is_ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
        if labels.get("app.kubernetes.io/name").is_some_and(|name| name == component) {
            found.push((pod.metadata.uid, is_ready));
        }
    }
    found
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn an_image_that_does_not_exist_is_told_and_the_pods_that_run_are_left_alone() {
    let client = client().await;
    let scratch = Scratch::new(&client).await;
    scratch.small_store("stuck", "Delete").await;
    until_well(&client, &scratch).await;
    let before = pods(&client, &scratch, "cart").await;

    change(&scratch, &json!({"images": {"tag": "no-such-version"}})).await;
    until_told(&client, &scratch, "ImagePullFailed", "no-such-version").await;
    assert_eq!(pods(&client, &scratch, "cart").await, before, "the pods that run are touched");

    change(&scratch, &json!({"images": null})).await;
    until_well(&client, &scratch).await;
    scratch.remove().await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn pods_for_which_no_node_has_room_are_told_and_the_shop_stays_open() {
    let client = client().await;
    let scratch = Scratch::new(&client).await;
    scratch.small_store("stuck", "Delete").await;
    until_well(&client, &scratch).await;

    let huge = json!({"requests": {"memory": "900Gi"}, "limits": {"memory": "900Gi"}});
    change(&scratch, &json!({"services": {"cart": {"resources": huge}}})).await;
    until_told(&client, &scratch, "Unschedulable", "Insufficient memory").await;
    assert!(pods(&client, &scratch, "cart").await.iter().any(|(_, ready)| *ready), "the former pod still serves");

    change(&scratch, &json!({"services": {"cart": {"resources": null}}})).await;
    until_well(&client, &scratch).await;
    scratch.remove().await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_quota_that_leaves_no_room_for_pods_is_told_in_the_words_of_the_cluster() {
    use k8s_openapi::api::core::v1::ResourceQuota;
    use kube::api::{Api, DeleteParams, PostParams};

    let client = client().await;
    let scratch = Scratch::new(&client).await;
    scratch.small_store("stuck", "Delete").await;
    until_well(&client, &scratch).await;
    let quotas = Api::<ResourceQuota>::namespaced(client.clone(), &scratch.name);
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "7"}}});
    let quota = serde_json::from_value(quota).expect("a quota");
    quotas.create(&PostParams::default(), &quota).await.expect("a quota can be made");
    eventually("the quota counts", LIMIT, || async {
        quotas.get("full").await.ok()?.status?.used?.get("pods").map(|_| ())
    })
    .await;

    change(&scratch, &json!({"services": {"cart": {"replicas": 3}}})).await;
    until_told(&client, &scratch, "RolloutStuck", "exceeded quota").await;

    quotas.delete("full", &DeleteParams::default()).await.expect("a quota can be lifted");
    until_well(&client, &scratch).await;
    scratch.remove().await;
}
