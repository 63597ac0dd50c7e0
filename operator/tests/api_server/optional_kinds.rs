//! Kinds that a cluster need not know: a Store that asks for one says so, and has it as soon as the cluster knows it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, CustomResourceExt,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_local::ApiServer;
use shopkeeper_operator::kind::Kind;

use crate::support::{Mishap, Mishaps, World, condition, config_of, eventually};

pub async fn put(crds: &Api<CustomResourceDefinition>, crd: &CustomResourceDefinition) {
    crds.create(&PostParams::default(), crd).await.expect("a CRD");
    let name = crd.metadata.name.clone().expect("a name");
    await_condition(crds.clone(), &name, is_crd_established()).await.expect("an established CRD");
}

/// As much of a CRD as it takes to know a kind.
pub fn crd(kind: Kind) -> CustomResourceDefinition {
    let resource = kind.resource();
    let open = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let version = json!({"name": resource.version, "served": true, "storage": true, "schema": open, "subresources": {"status": {}}});
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("{}.{}", resource.plural, resource.group),
            // Groups of Kubernetes itself ask for this.
            "annotations": {"api-approved.kubernetes.io": "unapproved, as much as a test needs"},
        },
        "spec": {
            "group": resource.group, "scope": "Namespaced", "versions": [version],
            "names": {"kind": resource.kind, "plural": resource.plural},
        },
    }))
    .expect("a CRD")
}

fn api(world: &World, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource())
}

async fn until_reason(world: &World, name: &str, type_: &str, reason: &str) -> Store {
    eventually(&format!("{name} to have {type_} {reason}"), || async {
        let store = world.store(name).await;
        match condition(&store, type_) {
            Some(condition) if condition.reason == reason => Ok(store),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

async fn appears(api: &Api<DynamicObject>, name: &str) -> DynamicObject {
    eventually(&format!("{name} to be made"), || async {
        api.get_opt(name).await.map_err(|error| error.to_string())?.ok_or_else(|| "not there".to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_does_not_know_is_told_and_made_as_soon_as_it_does() {
    let server = ApiServer::start().await.expect("an API server");
    let world = World::on(config_of(&server).await, "optional").await;
    let crds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    put(&crds, &Store::crd()).await;
    let operator = world.operator();
    let route = |spec: Value| json!({"gateway": {"httpRoute": spec}});
    world.apply("routed", route(json!({"parentRefs": [{"name": "public", "namespace": "gateways"}]}))).await;
    world.apply("clustered", json!({"database": {"cloudNativePg": {"instances": 3}}})).await;
    world.apply("watched", json!({"monitoring": {}})).await;

    let store = until_reason(&world, "routed", "Degraded", "GatewayApiMissing").await;
    assert!(condition(&store, "Degraded").expect("Degraded").message.contains("install the Gateway API"));
    world.ready("routed").await;
    let store = until_reason(&world, "clustered", "DatabaseReady", "CloudNativePgMissing").await;
    let ready = condition(&store, "Ready").expect("Ready");
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "CloudNativePgMissing"));

    put(&crds, &crd(Kind::HTTPRoute)).await;
    put(&crds, &crd(Kind::Cluster)).await;
    let (routes, clusters) = (api(&world, Kind::HTTPRoute), api(&world, Kind::Cluster));
    let made = appears(&routes, "routed-gateway").await;
    assert_eq!(made.data["spec"]["parentRefs"], json!([{"name": "public", "namespace": "gateways"}]));
    assert_eq!(made.data["spec"]["hostnames"], json!(["shop.localhost"]));
    until_reason(&world, "routed", "Degraded", "AllWell").await;
    let made = appears(&clusters, "clustered-postgres").await;
    assert_eq!(
        (&made.data["spec"]["instances"], &made.data["spec"]["enableSuperuserAccess"]),
        (&json!(3), &json!(true))
    );
    assert!(made.metadata.owner_references.is_none(), "its volumes are retained");
    until_reason(&world, "clustered", "DatabaseReady", "NotReady").await;

    // What CloudNativePG would say when the first server answers.
    let answers =
        json!({"status": {"instances": 1, "readyInstances": 1, "conditions": [{"type": "Ready", "status": "False"}]}});
    clusters
        .patch_status("clustered-postgres", &PatchParams::default(), &Patch::Merge(answers))
        .await
        .expect("a status");
    let store = world.ready("clustered").await;
    let said = condition(&store, "DatabaseReady").expect("DatabaseReady").message;
    assert!(said.contains("1 of 3 servers"), "{said}");

    // Figures are collected by a Prometheus of the shop's own until there is one of the cluster's.
    let sets = api(&world, Kind::StatefulSet);
    appears(&sets, "watched-prometheus").await;
    until_reason(&world, "watched", "MonitoringReady", "AllReady").await;
    put(&crds, &crd(Kind::ServiceMonitor)).await;
    put(&crds, &crd(Kind::PrometheusRule)).await;
    let made = appears(&api(&world, Kind::ServiceMonitor), "watched").await;
    assert_eq!(made.data["spec"]["jobLabel"], "shopkeeper.dev/job");
    let made = appears(&api(&world, Kind::ServiceMonitor), "watched-operator").await;
    assert_eq!(made.data["spec"]["namespaceSelector"], json!({"matchNames": ["shopkeeper-system"]}));
    let made = appears(&api(&world, Kind::PrometheusRule), "watched").await;
    assert!(made.data["spec"]["groups"].as_array().is_some_and(|groups| !groups.is_empty()));
    eventually("the shop's own Prometheus to go", || async {
        match sets.get_opt("watched-prometheus").await.map_err(|error| error.to_string())? {
            None => Ok(()),
            Some(_) => Err("there".to_owned()),
        }
    })
    .await;
    let store = until_reason(&world, "watched", "MonitoringReady", "PrometheusElsewhere").await;
    assert_eq!(condition(&store, "Ready").expect("Ready").status, "True");

    // They are repaired like all others, and taken away when they are not asked for any more.
    let drift = json!({"spec": {"hostnames": ["evil.example.com"]}});
    routes.patch("routed-gateway", &PatchParams::default(), &Patch::Merge(drift)).await.expect("to patch");
    eventually("the route to be repaired", || async {
        let hostnames = routes.get("routed-gateway").await.expect("the route").data["spec"]["hostnames"].clone();
        if hostnames == json!(["shop.localhost"]) { Ok(()) } else { Err(hostnames.to_string()) }
    })
    .await;
    world.apply("routed", json!({})).await;
    eventually("the route to go", || async {
        if routes.get_opt("routed-gateway").await.expect("an answer").is_none() {
            Ok(())
        } else {
            Err("there".to_owned())
        }
    })
    .await;

    // And a kind that goes away again is told, too.
    world.apply("routed", route(json!({"parentRefs": [{"name": "public"}]}))).await;
    appears(&routes, "routed-gateway").await;
    crds.delete("httproutes.gateway.networking.k8s.io", &DeleteParams::default()).await.expect("to delete");
    until_reason(&world, "routed", "Degraded", "GatewayApiMissing").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_operator_that_takes_nothing_holds_nothing_else_up() {
    let server = ApiServer::start().await.expect("an API server");
    let world = World::on(config_of(&server).await, "refusing").await;
    let crds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    put(&crds, &Store::crd()).await;
    put(&crds, &crd(Kind::ServiceMonitor)).await;
    put(&crds, &crd(Kind::PrometheusRule)).await;
    let refused = ["/servicemonitors/", "/prometheusrules/"];
    let operator = world.operator_through(&Mishaps::new(move |request| {
        let is_one = refused.iter().any(|kind| request.uri().path().contains(kind));
        (request.method() == http::Method::PATCH && is_one).then_some(Mishap::InternalError)
    }));
    world.apply("watched", json!({"monitoring": {"prometheus": {"url": "http://prometheus.monitoring:9090"}}})).await;
    world.ready("watched").await;
    let deployments = api(&world, Kind::Deployment);
    for part in ["alertmanager", "grafana", "jaeger", "redis-exporter", "postgres-exporter"] {
        appears(&deployments, &format!("watched-{part}")).await;
    }
    eventually("it to be told", || async {
        let said = condition(&world.store("watched").await, "MonitoringReady").map(|it| it.message).unwrap_or_default();
        let names_one = ["ServiceMonitor", "PrometheusRule"].iter().any(|kind| said.contains(kind));
        if names_one { Ok(()) } else { Err(said) }
    })
    .await;
    operator.stop().await;
}
