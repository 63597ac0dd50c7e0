//! A new version: first the database, then the pods.

use std::sync::atomic::Ordering;

use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job};
use kube::Api;
use serde_json::json;

use crate::support::{World, condition};

fn image(deployment: &Deployment) -> String {
    let spec = deployment.spec.clone().and_then(|spec| spec.template.spec).expect("a pod");
    spec.containers[0].image.clone().expect("an image")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_migration_leaves_the_running_pods_alone_and_says_so() {
    let world = World::new("migration").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let deployments: Api<Deployment> = Api::namespaced(world.client.clone(), &world.namespace);
    let before = deployments.get("demo-cart").await.expect("the cart");

    world.players.migrations_fail.store(true, Ordering::Relaxed);
    world.apply("demo", json!({"images": {"tag": "v2"}})).await;
    let store = world.until("demo", "Degraded", "True").await;
    assert_eq!(condition(&store, "Ready").expect("Ready").reason, "MigrationFailed");
    assert_eq!(
        deployments.get("demo-cart").await.expect("the cart").metadata.resource_version,
        before.metadata.resource_version
    );

    // The Job is deleted to try again, and this time it works.
    world.players.migrations_fail.store(false, Ordering::Relaxed);
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), &world.namespace);
    for job in jobs.list(&kube::api::ListParams::default()).await.expect("Jobs") {
        jobs.delete(&job.metadata.name.expect("a name"), &kube::api::DeleteParams::background())
            .await
            .expect("to delete");
    }
    world.ready("demo").await;
    assert_eq!(image(&deployments.get("demo-cart").await.expect("the cart")), "shopkeeper.local/cart:v2");
    let left = jobs.list(&kube::api::ListParams::default()).await.expect("Jobs").items.len();
    assert_eq!(left, 1, "the former version's Job is gone");
    operator.stop().await;
}
