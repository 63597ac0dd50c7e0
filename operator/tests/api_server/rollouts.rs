//! Another version of the operator replaces the pods of few shops at a time.

use std::sync::atomic::Ordering;

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use serde_json::json;
use shopkeeper_operator::{
    apply::{APPLIED_HASH, FIELD_MANAGER},
    args::Settings,
    client::client,
    kind::Kind,
    metrics::Metrics,
};

use crate::support::{Operator, World, condition, eventually};

fn api(world: &World, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource())
}

/// The operator of the next version, which wants other images, and replaces the pods of one shop at a time.
fn next_version(world: &World) -> Operator {
    let metrics = Metrics::new().expect("metrics");
    let client = client(world.config.clone(), &metrics).expect("a client");
    let mut settings = Settings { rollouts_at_once: 1, ..world.settings() };
    settings.images.tag = "v2".into();
    Operator::start(client, settings, metrics)
}

/// The Stores by the reason of their Progressing.
async fn told(world: &World, reason: &str) -> Vec<String> {
    let stores = world.stores().list(&ListParams::default()).await.expect("the Stores");
    let told = stores.into_iter().filter(|store| condition(store, "Progressing").is_some_and(|it| it.reason == reason));
    told.map(|store| store.name_any()).collect()
}

async fn until_told(world: &World, reason: &str, count: usize) -> Vec<String> {
    eventually(&format!("{count} Stores to be {reason}"), || async {
        let told = told(world, reason).await;
        if told.len() == count { Ok(told) } else { Err(format!("{told:?}")) }
    })
    .await
}

async fn version_of_cart(world: &World, store: &str) -> String {
    let cart = api(world, Kind::Deployment).get(&format!("{store}-cart")).await.expect("the cart");
    let image = cart.data["spec"]["template"]["spec"]["containers"][0]["image"].as_str().expect("an image").to_owned();
    image.rsplit(':').next().expect("a tag").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_the_operator_replaces_the_pods_of_one_shop_after_the_other() {
    let world = World::new("turns").await;
    let first = world.operator();
    for name in ["a", "b", "c"] {
        world.apply(name, json!({})).await;
    }
    for name in ["a", "b", "c"] {
        world.ready(name).await;
    }
    first.stop().await;

    // The new version does not get ready with the first shop.
    world.players.migrations_fail.store(true, Ordering::Relaxed);
    let second = next_version(&world);
    let stuck = until_told(&world, "Blocked", 1).await.remove(0);
    let waiting = until_told(&world, "AwaitingTurn", 2).await;
    for name in &waiting {
        assert_eq!(version_of_cart(&world, name).await, "v1");
        let jobs = api(&world, Kind::Job).list(&ListParams::default()).await.expect("the Jobs");
        let migrations = jobs.iter().filter(|job| job.name_any().starts_with(&format!("{name}-migrate-"))).count();
        assert_eq!(migrations, 1, "{name} was brought to another version");
        let store = world.store(name).await;
        assert_eq!(condition(&store, "Ready").expect("Ready").status, "True", "it is open all the same");
        assert_eq!(store.status.and_then(|status| status.versions).expect("versions").shop, "v1");
    }

    // What is missing is made, and whoever changes a Store waits for nobody.
    let services = api(&world, Kind::Service);
    let service = format!("{}-user", waiting[0]);
    services.delete(&service, &DeleteParams::default()).await.expect("to delete");
    eventually("the Service to come back", || async {
        let there = services.get_opt(&service).await.expect("an answer").is_some();
        if there { Ok(()) } else { Err("not there".to_owned()) }
    })
    .await;
    // So are new keys that sign, which have days of their own.
    let asked = json!({"metadata": {"annotations": {"shopkeeper.dev/rotate-signing-key": "2026-11-22"}}});
    world.stores().patch(&waiting[0], &PatchParams::default(), &Patch::Merge(asked)).await.expect("annotated");
    eventually("another key to be published", || async {
        let keys = api(&world, Kind::ConfigMap).get(&format!("{}-auth-keys", waiting[0])).await.expect("the keys");
        if keys.data["data"].as_object().map_or(0, serde_json::Map::len) == 2 {
            Ok(())
        } else {
            Err(format!("{:?}", keys.data))
        }
    })
    .await;
    assert_eq!(told(&world, "AwaitingTurn").await, waiting);
    world.apply(&waiting[1], json!({"services": {"user": {"replicas": 2}}})).await;
    until_told(&world, "Blocked", 2).await;
    assert_eq!(told(&world, "AwaitingTurn").await, waiting[..1]);
    assert_eq!(version_of_cart(&world, &waiting[0]).await, "v1");

    // The first one gets ready, and it is the turn of the last one.
    world.players.migrations_fail.store(false, Ordering::Relaxed);
    let failed = format!("{stuck}-migrate-");
    for job in api(&world, Kind::Job).list(&ListParams::default()).await.expect("the Jobs") {
        if job.name_any().starts_with(&failed) {
            api(&world, Kind::Job).delete(&job.name_any(), &DeleteParams::background()).await.expect("to delete");
        }
    }
    eventually("two shops to be of the new version", || async {
        let (stuck, last) = (version_of_cart(&world, &stuck).await, version_of_cart(&world, &waiting[0]).await);
        if stuck == "v2" && last == "v2" { Ok(()) } else { Err(format!("{stuck} {last}")) }
    })
    .await;
    until_told(&world, "UpToDate", 2).await;
    second.stop().await;
}

/// Whether a cart still has what the former version gave it.
async fn is_former(carts: &Api<DynamicObject>, name: &str) -> bool {
    let cart = carts.get(name).await.expect("the cart");
    cart.data["spec"]["template"]["spec"].get("nodeSelector").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_version_leaves_out_of_pods_replaces_them_too() {
    let world = World::new("left-out").await;
    let first = world.operator();
    for name in ["a", "b"] {
        world.apply(name, json!({})).await;
    }
    for name in ["a", "b"] {
        world.ready(name).await;
    }
    first.stop().await;
    // The former version gave the cart something that this one does not know any more.
    let carts = api(&world, Kind::Deployment);
    for name in ["a-cart", "b-cart"] {
        let live = carts.get(name).await.expect("the cart");
        let mut former = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "spec": live.data["spec"],
            "metadata": {
                "name": name, "labels": live.metadata.labels, "ownerReferences": live.metadata.owner_references,
                "annotations": {APPLIED_HASH: "of the former version"},
            },
        });
        former["spec"]["template"]["spec"]["nodeSelector"] = json!({"example.com/former": "true"});
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        carts.patch(name, &parameters, &Patch::Apply(former)).await.expect("applied");
    }
    // Nobody says any more that pods are ready, so that the first one holds its place.
    world.players.rest().await;
    let metrics = Metrics::new().expect("metrics");
    let client = client(world.config.clone(), &metrics).expect("a client");
    let second = Operator::start(client, Settings { rollouts_at_once: 1, ..world.settings() }, metrics);
    let waiting = until_told(&world, "AwaitingTurn", 1).await.remove(0);
    let goes = if waiting == "a" { "b-cart" } else { "a-cart" };
    eventually("the other one's pods to be replaced", || async {
        if is_former(&carts, goes).await { Err("they are not yet".to_owned()) } else { Ok(()) }
    })
    .await;
    assert!(is_former(&carts, &format!("{waiting}-cart")).await, "{waiting} waits, and is replaced all the same");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lost_its_pods_or_is_said_to_wait_for_nobody_is_not_held_up() {
    let world = World::new("no-turn").await;
    let first = world.operator();
    for name in ["a", "b", "c"] {
        world.apply(name, json!({})).await;
    }
    for name in ["a", "b", "c"] {
        world.ready(name).await;
    }
    first.stop().await;
    world.players.migrations_fail.store(true, Ordering::Relaxed);
    let second = next_version(&world);
    let waiting = until_told(&world, "AwaitingTurn", 2).await;
    let cart = format!("{}-cart", waiting[1]);
    api(&world, Kind::Deployment).delete(&cart, &DeleteParams::background()).await.expect("to delete");
    until_told(&world, "Blocked", 2).await;
    let annotation = json!({"metadata": {"annotations": {shopkeeper_operator::turns::AT_ONCE: "true"}}});
    world.stores().patch(&waiting[0], &PatchParams::default(), &Patch::Merge(annotation)).await.expect("annotated");
    until_told(&world, "Blocked", 3).await;
    second.stop().await;
}
