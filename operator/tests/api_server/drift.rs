//! What somebody else changes or deletes is repaired.

use std::time::Instant;

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use shopkeeper_operator::kind::Kind;
use strum::IntoEnumIterator;

use crate::support::{World, children, eventually};

fn api(world: &World, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_child_comes_back_when_it_was_deleted() {
    let world = World::new("deleted").await;
    let operator = world.operator();
    let autoscaling = json!({"autoscaling": {"minReplicas": 2, "maxReplicas": 4}});
    world
        .apply(
            "demo",
            json!({"demo": {"products": 1}, "profile": "Standard", "services": {"cart": autoscaling}, "gateway": {"ingress": {}},
                   "database": {"managed": {"backup": {}}}}),
        )
        .await;
    world.ready("demo").await;
    // A volume that is in use is held by a finalizer of Kubernetes, which nobody takes away here, and the optional kinds are not there.
    for kind in Kind::iter().filter(|kind| *kind != Kind::PersistentVolumeClaim && !kind.is_optional()) {
        let names: Vec<String> = children(&world.client, &world.namespace)
            .await
            .into_keys()
            .filter(|(it, _)| *it == kind)
            .map(|(_, name)| name)
            .collect();
        assert!(!names.is_empty(), "{kind}");
        for name in names {
            comes_back(&world, kind, &name).await;
        }
        world.ready("demo").await;
    }
    operator.stop().await;
}

async fn comes_back(world: &World, kind: Kind, name: &str) {
    let api = api(world, kind);
    let uid = api.get(name).await.expect("the child").metadata.uid;
    let started = Instant::now();
    api.delete(name, &DeleteParams::background()).await.expect("to delete");
    eventually(&format!("{kind} {name} to come back"), || async {
        let found = api.get_opt(name).await.expect("an answer");
        if found.is_some_and(|found| found.metadata.uid != uid) { Ok(()) } else { Err("not there".to_owned()) }
    })
    .await;
    println!("{kind} {name} was back after {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_in_spec_label_and_data_is_repaired() {
    let world = World::new("drifted").await;
    let operator = world.operator();
    world.apply("demo", json!({"gateway": {"ingress": {"className": "nginx"}}})).await;
    world.ready("demo").await;
    let cases: [(Kind, &str, Value, &str); 8] = [
        (Kind::Deployment, "demo-cart", json!({"spec": {"replicas": 7}}), "/spec/replicas"),
        (
            Kind::Deployment,
            "demo-user",
            json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}}),
            "/metadata/labels",
        ),
        (
            Kind::StatefulSet,
            "demo-redis",
            json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "me"}}}),
            "/metadata/labels",
        ),
        (Kind::ConfigMap, "demo-gateway", json!({"data": {"nginx.conf": "mine"}}), "/data/nginx.conf"),
        (Kind::Secret, "demo-cart", json!({"data": {"DATABASE_URL": "bWluZQ=="}}), "/data/DATABASE_URL"),
        (Kind::NetworkPolicy, "demo-redis", json!({"spec": {"ingress": [{}]}}), "/spec/ingress"),
        (Kind::Ingress, "demo-gateway", json!({"spec": {"ingressClassName": "mine"}}), "/spec/ingressClassName"),
        (
            Kind::Service,
            "demo-order",
            json!({"spec": {"selector": {"app.kubernetes.io/name": "other"}}}),
            "/spec/selector",
        ),
    ];
    for (kind, name, patch, path) in cases {
        let api = api(&world, kind);
        let at = |object: DynamicObject| serde_json::to_value(object).expect("JSON").pointer(path).cloned();
        let before = at(api.get(name).await.expect("the child"));
        let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("to patch");
        assert_ne!(at(patched), before);
        eventually(&format!("{kind} {name} {path} to be repaired"), || async {
            let now = at(api.get(name).await.expect("the child"));
            if now == before { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    }
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_put_in_the_place_of_ours_goes_and_leaves_nothing_behind() {
    let world = World::new("drifted-key").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    // A port is known by its number: with another one it is theirs, and has the name of ours.
    for name in ["demo-order", "demo-redis"] {
        let services = api(&world, Kind::Service);
        let ports = |object: &DynamicObject| object.data["spec"]["ports"].clone();
        let before = ports(&services.get(name).await.expect("the child"));
        let mut theirs = before.clone();
        theirs[0]["port"] = json!(9);
        let patch = Patch::Merge(json!({"spec": {"ports": theirs}}));
        let patched = services.patch(name, &PatchParams::default(), &patch).await.expect("to patch");
        assert_ne!(ports(&patched), before);
        eventually(&format!("the ports of {name} to be repaired"), || async {
            let service = services.get(name).await.expect("the child");
            let now = ports(&service);
            let owners = service.metadata.managed_fields.unwrap_or_default();
            let clash = owners.iter().any(|owner| owner.manager.as_deref() == Some("shopkeeper-clash"));
            if now == before && !clash { Ok(()) } else { Err(format!("{now} {clash}")) }
        })
        .await;
    }
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drifted_while_the_operator_was_away_is_repaired() {
    let world = World::new("drifted-away").await;
    let first = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    first.stop().await;
    let deployments = api(&world, Kind::Deployment);
    let patch = json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 10}}}});
    deployments.patch("demo-cart", &PatchParams::default(), &Patch::Merge(patch)).await.expect("to patch");
    api(&world, Kind::Service).delete("demo-user", &DeleteParams::default()).await.expect("to delete");
    let second = world.operator();
    eventually("the drift to be repaired", || async {
        let grace = deployments.get("demo-cart").await.expect("the child").data["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].clone();
        let service = api(&world, Kind::Service).get_opt("demo-user").await.expect("an answer").is_some();
        if grace == json!(35) && service { Ok(()) } else { Err(format!("{grace} {service}")) }
    })
    .await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_another_address_rolls_the_gateway() {
    let world = World::new("readdressed").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let deployments = api(&world, Kind::Deployment);
    let template = |object: DynamicObject| object.data["spec"]["template"]["metadata"]["annotations"].clone();
    let before = template(deployments.get("demo-gateway").await.expect("the gateway"));
    api(&world, Kind::Service).delete("demo-cart", &DeleteParams::default()).await.expect("to delete");
    eventually("the gateway to be rolled", || async {
        let now = template(deployments.get("demo-gateway").await.expect("the gateway"));
        if now == before { Err("the same".to_owned()) } else { Ok(()) }
    })
    .await;
    operator.stop().await;
}
