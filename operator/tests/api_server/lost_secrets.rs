//! A Secret with generated credentials is deleted: others take their place, everywhere.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::{PodTemplateSpec, Secret},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde_json::json;

use crate::support::{World, eventually};

/// The text in a Secret of the world.
async fn secret(world: &World, name: &str, key: &str) -> Option<String> {
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let data = secrets.get_opt(name).await.expect("an answer")?.data?;
    String::from_utf8(data.get(key)?.0.clone()).ok()
}

async fn delete(world: &World, name: &str) {
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    secrets.delete(name, &DeleteParams::default()).await.expect("to delete");
}

/// What a change of restarts the pods, by workload.
async fn templates(world: &World) -> BTreeMap<String, PodTemplateSpec> {
    let deployments: Api<Deployment> = Api::namespaced(world.client.clone(), &world.namespace);
    let sets: Api<StatefulSet> = Api::namespaced(world.client.clone(), &world.namespace);
    let deployments = deployments.list(&ListParams::default()).await.expect("Deployments").items;
    let sets = sets.list(&ListParams::default()).await.expect("StatefulSets").items;
    deployments
        .into_iter()
        .filter_map(|it| Some((it.name_any(), it.spec?.template)))
        .chain(sets.into_iter().filter_map(|it| Some((it.name_any(), it.spec?.template))))
        .collect()
}

/// Workloads whose pods are restarted since then.
async fn rolled_since(world: &World, before: &BTreeMap<String, PodTemplateSpec>) -> Vec<String> {
    let now = templates(world).await.into_iter();
    now.filter(|(name, template)| before.get(name) != Some(template)).map(|(name, _)| name).collect()
}

async fn until_rolled(world: &World, before: &BTreeMap<String, PodTemplateSpec>, expected: &[&str]) {
    eventually("exactly those who use it to be restarted", || async {
        let rolled = rolled_since(world, before).await;
        if rolled == expected { Ok(()) } else { Err(format!("{rolled:?}")) }
    })
    .await;
}

async fn migrations(world: &World) -> Vec<String> {
    let jobs: Api<Job> = Api::namespaced(world.client.clone(), &world.namespace);
    let jobs = jobs.list(&ListParams::default()).await.expect("Jobs").items;
    jobs.iter().map(ResourceExt::name_any).filter(|name| name.contains("-migrate-")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_database_passwords_are_made_anew_for_the_server_its_roles_and_the_services() {
    let world = World::new("lost-passwords").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let (before, migrated) = (templates(&world).await, migrations(&world).await);
    let admin = secret(&world, "demo-database", "admin").await.expect("a password");
    let url = secret(&world, "demo-cart", "DATABASE_URL").await.expect("a URL");

    delete(&world, "demo-database").await;
    // The server takes the superuser's password at its start, the Job gives the roles theirs, and the services come last.
    until_rolled(&world, &before, &["demo-cart", "demo-catalog", "demo-order", "demo-postgres", "demo-user"]).await;
    world.ready("demo").await;
    assert_ne!(secret(&world, "demo-database", "admin").await.expect("a password"), admin);
    let password = secret(&world, "demo-database", "cart").await.expect("a password");
    let now = secret(&world, "demo-cart", "DATABASE_URL").await.expect("a URL");
    assert!(now != url && now.contains(&password), "the cart does not have its new password");
    let again = migrations(&world).await;
    assert!(again.len() == 1 && again != migrated, "the roles' passwords were not set: {again:?}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_password_is_made_anew_and_the_others_stay() {
    let world = World::new("lost-key").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let before = templates(&world).await;
    let admin = secret(&world, "demo-database", "admin").await;
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let lost = json!({"data": {"orders": null}});
    secrets
        .patch("demo-database", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(lost))
        .await
        .expect("to remove a key");
    until_rolled(&world, &before, &["demo-order"]).await;
    world.ready("demo").await;
    assert!(secret(&world, "demo-database", "orders").await.is_some());
    assert_eq!(secret(&world, "demo-database", "admin").await, admin);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_keys_and_tokens_are_made_anew_and_the_database_is_left_alone() {
    let world = World::new("lost-credentials").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let (before, migrated) = (templates(&world).await, migrations(&world).await);
    let redis = secret(&world, "demo-credentials", "redis-password").await.expect("a password");
    delete(&world, "demo-credentials").await;
    until_rolled(&world, &before, &["demo-cart", "demo-catalog", "demo-order", "demo-redis", "demo-user"]).await;
    world.ready("demo").await;
    assert_ne!(secret(&world, "demo-credentials", "redis-password").await.expect("a password"), redis);
    assert_eq!(migrations(&world).await, migrated);
    operator.stop().await;
}
