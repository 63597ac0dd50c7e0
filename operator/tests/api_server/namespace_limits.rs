//! What a namespace can have against a Store: it goes, it has a quota, it has another Store.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;
use shopkeeper_operator::kind::Kind;

use crate::support::{World, children, condition, eventually};

fn api(world: &World, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_goes_is_left_to_go() {
    let world = World::new("going").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    namespaces.delete(&world.namespace, &DeleteParams::default()).await.expect("to delete");
    // Nobody empties it here, so the test begins: children go one by one, and each could be tried to be made again.
    for kind in [Kind::Service, Kind::Secret, Kind::Deployment] {
        for (it, name) in children(&world.client, &world.namespace).await.into_keys() {
            if it == kind {
                api(&world, kind).delete(&name, &DeleteParams::background()).await.expect("to delete");
            }
        }
    }
    eventually("calm", || async {
        let before = (operator.all_reconciles(), operator.writes());
        tokio::time::sleep(Duration::from_secs(3)).await;
        let after = (operator.all_reconciles(), operator.writes());
        if before == after { Ok(()) } else { Err(format!("{before:?} -> {after:?}")) }
    })
    .await;
    assert_eq!(operator.waiting(), 0, "nothing is tried again");
    let left = api(&world, Kind::Deployment).list(&ListParams::default()).await.expect("a list").items;
    assert!(left.is_empty(), "nothing was made again");
    operator.stop().await;
}

/// A quota that allows so many Services; nobody counts them here, so the test says that there are none yet.
pub async fn allow_services(world: &World, count: &str) -> Api<ResourceQuota> {
    let quotas: Api<ResourceQuota> = Api::namespaced(world.client.clone(), &world.namespace);
    let hard = json!({"count/services": count});
    let quota =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": hard}});
    let quota = serde_json::from_value(quota).expect("a quota");
    quotas.create(&PostParams::default(), &quota).await.expect("a quota");
    let status = json!({"status": {"hard": hard, "used": {"count/services": "0"}}});
    quotas.patch_status("few", &PatchParams::default(), &Patch::Merge(status)).await.expect("its status");
    quotas
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_exceeded_is_told_and_the_store_recovers_when_it_is_lifted() {
    let world = World::new("quota").await;
    let quotas = allow_services(&world, "2").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    eventually("the quota to be told", || async {
        let store = world.store("demo").await;
        let (ready, degraded) = (condition(&store, "Ready"), condition(&store, "Degraded"));
        let told = |it: &Option<_>, status: &str| {
            it.as_ref().is_some_and(|it: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
                it.status == status && it.reason == "QuotaExceeded" && it.message.contains("exceeded quota: few")
            })
        };
        if told(&ready, "False") && told(&degraded, "True") { Ok(()) } else { Err(format!("{ready:?} {degraded:?}")) }
    })
    .await;
    // What fits is there all the same.
    let found = children(&world.client, &world.namespace).await;
    assert!(found.keys().any(|(kind, _)| *kind == Kind::ConfigMap), "{:?}", found.keys());
    assert_eq!(found.keys().filter(|(kind, _)| *kind == Kind::Service).count(), 2);

    quotas.delete("few", &DeleteParams::default()).await.expect("to lift it");
    let store = world.ready("demo").await;
    assert_eq!(condition(&store, "Degraded").expect("Degraded").status, "False");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_of_one_namespace_do_not_touch_each_other() {
    let world = World::new("neighbours").await;
    let operator = world.operator();
    // One's name is how the other calls its cart.
    world.apply("demo", json!({"profile": "Standard"})).await;
    world.apply("demo-cart", json!({})).await;
    let (one, other) = (world.ready("demo").await, world.ready("demo-cart").await);
    let found = children(&world.client, &world.namespace).await;
    let of = |store: &shopkeeper_api::Store| {
        let name = store.metadata.name.clone();
        let labelled = found.iter().filter(move |(_, child)| {
            child.object.metadata.labels.as_ref().and_then(|labels| labels.get("app.kubernetes.io/instance").cloned())
                == name
        });
        labelled.map(|(key, child)| (key.clone(), child.object.metadata.clone())).collect::<Vec<_>>()
    };
    let (ones, others) = (of(&one), of(&other));
    assert_eq!(ones.len() + others.len(), found.len());
    for (store, metadata) in ones.iter().map(|it| (&one, it)).chain(others.iter().map(|it| (&other, it))) {
        let owners = metadata.1.owner_references.clone().unwrap_or_default();
        assert!(owners.iter().all(|owner| Some(&owner.uid) == store.metadata.uid.as_ref()), "{metadata:?}");
    }
    // What is turned off for one stays for the other, and a change of one leaves the other's children as they are.
    let versions = |found: &std::collections::BTreeMap<(Kind, String), crate::support::Child>| {
        others.iter().map(|(key, _)| found[key].resource_version.clone()).collect::<Vec<_>>()
    };
    world.apply("demo", json!({"profile": "Laptop"})).await;
    world.ready("demo").await;
    eventually("the budgets to go", || async {
        let now = children(&world.client, &world.namespace).await;
        let budgets = now.keys().filter(|(kind, _)| *kind == Kind::PodDisruptionBudget).count();
        if budgets == 0 { Ok(()) } else { Err(format!("{budgets}")) }
    })
    .await;
    assert_eq!(versions(&children(&world.client, &world.namespace).await), versions(&found));
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_name_is_short_enough_for_every_child() {
    let world = World::new("longest").await;
    let operator = world.operator();
    let name = "a".repeat(40);
    let autoscaling = json!({"autoscaling": {"minReplicas": 2, "maxReplicas": 4}});
    let spec = json!({"profile": "Standard", "demo": {"products": 1, "users": true}, "services": {"catalog": autoscaling},
               "database": {"managed": {"backup": {}}}, "loadTest": {"enabled": true},
               "monitoring": {"tools": {"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}}}});
    world.apply(&name, spec).await;
    world.ready(&name).await;
    world.until(&name, "MonitoringReady", "True").await;
    for ((kind, child), found) in children(&world.client, &world.namespace).await {
        // What Kubernetes makes of it must fit too: a pod's label with the revision of its StatefulSet has ten letters more, as has a CronJob's Job.
        let most = if matches!(kind, Kind::StatefulSet | Kind::CronJob) { 52 } else { 63 };
        assert!(child.len() <= most, "{kind} {child}");
        for (label, value) in found.object.metadata.labels.unwrap_or_default() {
            assert!(value.len() <= 63, "{kind} {child}: {label}={value}");
        }
    }
    operator.stop().await;
}
