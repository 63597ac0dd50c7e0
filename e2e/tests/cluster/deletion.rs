//! What a deleted Store leaves behind.

use std::time::Duration;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams};

use crate::kubernetes::{Scratch, client, eventually, objects, of_store, owned_kinds, ready, stores};

const READY_LIMIT: Duration = Duration::from_secs(180);

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_deleted_store_leaves_only_the_volume_that_it_was_told_to_retain_and_finds_it_again() {
    let client = client().await;
    let scratch = Scratch::new(&client).await;
    scratch.small_store("kept", "Retain").await;
    let took = ready(&client, &scratch.name, "kept", READY_LIMIT).await;
    println!("a small Store was ready {:.1} s after it was applied", took.as_secs_f64());
    delete(&scratch, "kept").await;
    let volumes = claims(&scratch).await;
    assert_eq!(volumes.len(), 1, "the database's volume is retained: {volumes:?}");

    scratch.small_store("kept", "Retain").await;
    ready(&client, &scratch.name, "kept", READY_LIMIT).await;
    assert_eq!(claims(&scratch).await, volumes, "the Store made again uses the same volume");
    scratch.remove().await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_deleted_store_takes_its_volume_along_when_it_was_told_to() {
    let client = client().await;
    let scratch = Scratch::new(&client).await;
    scratch.small_store("gone", "Delete").await;
    ready(&client, &scratch.name, "gone", READY_LIMIT).await;
    delete(&scratch, "gone").await;
    eventually("the volume is gone", Duration::from_secs(60), || async {
        claims(&scratch).await.is_empty().then_some(())
    })
    .await;
    scratch.remove().await;
}

/// Deletes a Store and waits until nothing that it owned is left, save what holds its data.
async fn delete(scratch: &Scratch, name: &str) {
    let api = stores(&scratch.client, &scratch.name);
    api.delete(name, &DeleteParams::default()).await.expect("a Store can be deleted");
    for kind in owned_kinds() {
        let api = objects(&scratch.client, &scratch.name, &kind);
        eventually(&format!("no {} is left", kind.kind), Duration::from_secs(90), || async {
            let left = api.list(&of_store(name)).await.ok()?;
            left.items.iter().all(|object| keeps_data(object.name_any().as_str())).then_some(())
        })
        .await;
    }
}

/// A retained volume is of no use without the password that it was made with.
fn keeps_data(name: &str) -> bool {
    name.contains("postgres")
}

async fn claims(scratch: &Scratch) -> Vec<String> {
    let api = Api::<PersistentVolumeClaim>::namespaced(scratch.client.clone(), &scratch.name);
    let listed = api.list(&ListParams::default()).await.expect("claims can be listed");
    listed.items.iter().filter_map(|claim| claim.spec.as_ref()?.volume_name.clone()).collect()
}
