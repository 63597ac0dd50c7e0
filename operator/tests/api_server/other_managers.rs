//! Others write to the same objects: what is the operator's is taken back, what is theirs stays.

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use shopkeeper_operator::kind::Kind;

use crate::support::{World, eventually};

fn api(world: &World, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource())
}

fn at(object: DynamicObject, path: &str) -> Option<Value> {
    serde_json::to_value(object).expect("JSON").pointer(path).cloned()
}

/// Another field manager applies, by force.
async fn seize(world: &World, kind: Kind, name: &str, fields: &Value) -> DynamicObject {
    let resource = kind.resource();
    let mut object = json!({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}});
    let Value::Object(fields) = fields else { panic!("fields") };
    for (field, value) in fields {
        if field == "metadata" {
            for (field, value) in value.as_object().expect("fields") {
                object["metadata"][field] = value.clone();
            }
        } else {
            object[field] = value.clone();
        }
    }
    let parameters = PatchParams::apply("somebody-else").force();
    api(world, kind).patch(name, &parameters, &Patch::Apply(object)).await.expect("to apply")
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_another_manager_took_by_force_are_taken_back() {
    let world = World::new("seized").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let container = json!([{"name": "cart", "image": "elsewhere.example/cart:evil"}]);
    let cases = [
        (Kind::Deployment, "demo-order", json!({"spec": {"replicas": 5}}), "/spec/replicas"),
        (
            Kind::Deployment,
            "demo-cart",
            json!({"spec": {"template": {"spec": {"containers": container}}}}),
            "/spec/template/spec/containers/0/image",
        ),
        (Kind::ConfigMap, "demo-gateway", json!({"data": {"nginx.conf": "theirs"}}), "/data/nginx.conf"),
        (
            Kind::Service,
            "demo-catalog",
            json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "theirs"}}}),
            "/metadata/labels/app.kubernetes.io~1part-of",
        ),
        (
            Kind::StatefulSet,
            "demo-redis",
            json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 1}}}}),
            "/spec/template/spec/terminationGracePeriodSeconds",
        ),
    ];
    for (kind, name, fields, path) in cases {
        let api = api(&world, kind);
        let before = at(api.get(name).await.expect("the child"), path);
        assert_ne!(at(seize(&world, kind, name, &fields).await, path), before, "{kind} {name}");
        eventually(&format!("{kind} {name} {path} to be taken back"), || async {
            let now = at(api.get(name).await.expect("the child"), path);
            if now == before { Ok(()) } else { Err(format!("{now:?}")) }
        })
        .await;
    }
    world.ready("demo").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_stays_also_when_the_operator_writes() {
    let world = World::new("added").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let theirs = json!({"labels": {"team": "shop"}, "annotations": {"backup.example/policy": "daily"}});
    let cases = [
        (Kind::Deployment, "demo-cart", json!({"metadata": theirs, "spec": {"revisionHistoryLimit": 3}})),
        (Kind::ConfigMap, "demo-gateway", json!({"metadata": theirs, "data": {"theirs.conf": "kept"}})),
        (Kind::Service, "demo-cart", json!({"metadata": theirs, "spec": {"sessionAffinity": "ClientIP"}})),
    ];
    for (kind, name, fields) in &cases {
        seize(&world, *kind, name, fields).await;
    }
    // The operator writes the Deployment and the gateway's settings itself.
    world
        .apply(
            "demo",
            json!({"services": {"cart": {"replicas": 3}}, "gateway": {"corsOrigins": ["https://app.example.com"]}}),
        )
        .await;
    let deployments = api(&world, Kind::Deployment);
    eventually("the operator to write", || async {
        let replicas = at(deployments.get("demo-cart").await.expect("the cart"), "/spec/replicas");
        if replicas == Some(json!(3)) { Ok(()) } else { Err(format!("{replicas:?}")) }
    })
    .await;
    world.ready("demo").await;
    for (kind, name, fields) in cases {
        let live = serde_json::to_value(api(&world, kind).get(name).await.expect("the child")).expect("JSON");
        assert!(shopkeeper_operator::covers::covers(&live, &fields), "{kind} {name} lost what was added: {live}");
    }
    operator.stop().await;
}
