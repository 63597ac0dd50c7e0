//! What a customer sees when something breaks, and that it mends by itself.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use reqwest::StatusCode;
use serde_json::json;

use crate::kubernetes::{
    DEMO, OPERATOR, SHOP, Scratch, client, eventually, objects, of_store, owned_kinds, ready, shop_url, standing_pods,
    stores,
};

const SERVICES: [&str; 4] = ["catalog", "cart", "order", "user"];

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn without_its_database_the_shop_answers_503_stays_alive_and_recovers_by_itself() {
    let client = client().await;
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    let restarts = restarts(&client).await;

    pause(&client, true).await;
    scale_database(&client, 0).await;
    let products = format!("{}/api/products?category=fruit", shop_url());
    let (content_type, _) = eventually("the shop says 503", Duration::from_secs(60), || async {
        let answer = reqwest::get(&products).await.ok()?;
        let content_type = answer.headers().get("content-type")?.to_str().ok()?.to_owned();
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(content_type)
    })
    .await;
    assert!(content_type.starts_with("application/problem+json"), "{content_type}");
    eventually("no pod of a service is ready", Duration::from_secs(60), || async {
        services_ready(&client).await.into_iter().all(|ready| !ready).then_some(())
    })
    .await;

    pause(&client, false).await;
    let ((), took) = eventually("the shop answers again", Duration::from_secs(120), || async {
        let answer = reqwest::get(&products).await.ok()?;
        (answer.status() == StatusCode::OK).then_some(())
    })
    .await;
    println!("the shop answered again {:.1} s after its database was let back", took.as_secs_f64());
    ready(&client, SHOP, DEMO, Duration::from_secs(120)).await;
    assert_eq!(self::restarts(&client).await, restarts, "no service was restarted over it");
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn an_operator_killed_again_and_again_still_brings_a_store_to_ready() {
    let client = client().await;
    let scratch = Scratch::new(&client).await;
    scratch.small_store("survivor", "Delete").await;
    let kinds = owned_kinds();
    for round in 1..=3_usize {
        eventually("the operator has made something more", Duration::from_secs(60), || async {
            let mut made = 0;
            for kind in &kinds {
                made += objects(&client, &scratch.name, kind).list(&of_store("survivor")).await.ok()?.items.len();
            }
            (made >= round * 5).then_some(())
        })
        .await;
        kill_operator(&client).await;
    }
    let took = ready(&client, &scratch.name, "survivor", Duration::from_secs(240)).await;
    println!("ready {:.1} s after the operator was killed for the third time", took.as_secs_f64());
    scratch.remove().await;
}

/// Ends the operator's pods without a chance to say goodbye.
async fn kill_operator(client: &Client) {
    let pods = Api::<Pod>::namespaced(client.clone(), OPERATOR);
    let at_once = DeleteParams::default().grace_period(0);
    pods.delete_collection(&at_once, &ListParams::default()).await.expect("pods can be deleted");
}

async fn pause(client: &Client, paused: bool) {
    let value = if paused { json!("true") } else { json!(null) };
    let patch = json!({"metadata": {"annotations": {"shopkeeper.dev/paused": value}}});
    let api = stores(client, SHOP);
    api.patch(DEMO, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("a Store can be annotated");
}

async fn scale_database(client: &Client, replicas: i32) {
    let api = Api::<StatefulSet>::namespaced(client.clone(), SHOP);
    let patch = json!({"spec": {"replicas": replicas}});
    let name = format!("{DEMO}-postgres");
    api.patch_scale(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("the database can be scaled");
}

async fn service_pods(client: &Client) -> Vec<Pod> {
    let is_service = |pod: &Pod| {
        let labels = pod.metadata.labels.as_ref();
        let name = labels.and_then(|labels| labels.get("app.kubernetes.io/name"));
        name.is_some_and(|name| SERVICES.contains(&name.as_str()))
    };
    standing_pods(client, SHOP, DEMO).await.into_iter().filter(is_service).collect()
}

async fn services_ready(client: &Client) -> Vec<bool> {
    let is_ready = |pod: Pod| {
        let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
        conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    };
    service_pods(client).await.into_iter().map(is_ready).collect()
}

async fn restarts(client: &Client) -> i32 {
    let of_pod = |pod: Pod| {
        let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
        containers.iter().map(|container| container.restart_count).sum::<i32>()
    };
    service_pods(client).await.into_iter().map(of_pod).sum()
}
