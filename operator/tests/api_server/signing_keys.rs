//! Replacing the key that signs access tokens.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret},
};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;

use crate::support::{World, eventually};

/// The private key that signs, whether another one is published, and the names of the published keys' files.
async fn keys(world: &World) -> (Vec<u8>, bool, Vec<String>) {
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let data = secrets.get("demo-credentials").await.expect("the Secret").data.expect("data");
    let configs: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
    let published = configs.get("demo-auth-keys").await.expect("the ConfigMap").data.expect("data");
    (data["signing-key"].0.clone(), data.contains_key("signing-key-next"), published.into_keys().collect())
}

/// What a change of would restart pods.
async fn templates(world: &World) -> BTreeMap<String, Option<i64>> {
    let deployments: Api<Deployment> = Api::namespaced(world.client.clone(), &world.namespace);
    let all = deployments.list(&ListParams::default()).await.expect("Deployments").items.into_iter();
    all.map(|it| (it.metadata.name.unwrap_or_default(), it.metadata.generation)).collect()
}

async fn ask(world: &World, value: &str) {
    let patch = json!({"metadata": {"annotations": {"shopkeeper.dev/rotate-signing-key": value}}});
    world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(patch)).await.expect("annotated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_asked_for_is_published_before_it_signs_and_restarts_nothing() {
    let world = World::new("signing").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let (old, next, published) = keys(&world).await;
    assert_eq!((next, published.len()), (false, 1));
    let before = templates(&world).await;
    assert_eq!(before.len(), 5);

    ask(&world, "2026-11-22").await;
    eventually("another key to be published", || async {
        let (signing, next, files) = keys(&world).await;
        if files.len() == 2 && next && signing == old { Ok(()) } else { Err(format!("{next}, {files:?}")) }
    })
    .await;

    // Whoever is in a hurry asks again: once the first key has had its time, which nobody waits for here.
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let long_ago = json!({"stringData": {"signing-key-next-since": "0"}});
    secrets.patch("demo-credentials", &PatchParams::default(), &Patch::Merge(long_ago)).await.expect("patched");
    ask(&world, "now-1").await;
    eventually("a third key to sign", || async {
        let (signing, next, files) = keys(&world).await;
        let done = files.len() == 3 && !next && signing != old && files.contains(&published[0]);
        if done { Ok(()) } else { Err(format!("{next}, {files:?}")) }
    })
    .await;
    // And whoever can't wait until the last token of the old ones is over takes them away.
    let no_retired = json!({"data": {"signing-keys-retired": null}});
    secrets.patch("demo-credentials", &PatchParams::default(), &Patch::Merge(no_retired)).await.expect("patched");
    ask(&world, "").await;
    eventually("one key to be left", || async {
        let (.., files) = keys(&world).await;
        if files.len() == 1 && !published.contains(&files[0]) { Ok(()) } else { Err(format!("{files:?}")) }
    })
    .await;
    world.ready("demo").await;
    assert_eq!(templates(&world).await, before, "no pod was restarted");
    operator.stop().await;
}
