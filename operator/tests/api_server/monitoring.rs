//! What watches a shop: made after it, told by itself, and never in its way.

use http::Method;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_operator::{kind::Kind, observed::StoreName};

use crate::{
    namespace_limits::allow_services,
    support::{Mishap, Mishaps, World, children, condition, eventually, figures},
};

const PARTS: [&str; 6] = ["alertmanager", "grafana", "jaeger", "postgres-exporter", "prometheus", "redis-exporter"];

async fn until_reason(world: &World, reason: &str) -> Store {
    eventually(&format!("MonitoringReady to say {reason}"), || async {
        let store = world.store("demo").await;
        match condition(&store, "MonitoringReady") {
            Some(condition) if condition.reason == reason => Ok(store),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

/// The shop does not notice.
#[track_caller]
fn is_open(store: &Store) {
    let status = |type_: &str| condition(store, type_).expect("a condition").status;
    assert_eq!((status("Ready").as_str(), status("Degraded").as_str()), ("True", "False"));
}

/// Names of the pods' owners that are not the shop itself.
async fn watching(world: &World) -> Vec<String> {
    let shop = ["catalog", "cart", "order", "user", "gateway", "postgres", "redis"].map(|it| format!("demo-{it}"));
    let found = children(&world.client, &world.namespace).await.into_keys();
    found
        .filter(|(kind, name)| matches!(kind, Kind::Deployment | Kind::StatefulSet) && !shop.contains(name))
        .map(|(_, name)| name)
        .collect()
}

async fn put_secret(world: &World, content: Value) {
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "telegram"}, "stringData": content});
    secrets.patch("telegram", &PatchParams::apply("test").force(), &Patch::Apply(secret)).await.expect("a Secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_with_the_shop_and_goes_without_a_trace_when_it_is_turned_off() {
    let world = World::new("monitoring").await;
    let operator = world.operator();
    world.apply("demo", json!({"monitoring": {}})).await;
    is_open(&world.ready("demo").await);
    until_reason(&world, "AllReady").await;
    let mut made = watching(&world).await;
    made.sort();
    assert_eq!(made, PARTS.map(|it| format!("demo-{it}")));

    let of = |namespace: &str| StoreName { namespace: namespace.to_owned(), name: "demo".into() };
    let text = figures(&operator.metrics, Some(&of(&world.namespace)));
    let labels = format!("namespace=\"{}\",store=\"demo\"", world.namespace);
    for line in [
        format!("operator_store_ready{{{labels}}} 1"),
        format!("operator_store_condition{{condition=\"MonitoringReady\",{labels}}} 1"),
        format!("operator_store_pods_desired{{component=\"jaeger\",{labels}}} 1"),
        format!("operator_store_pods_ready{{component=\"catalog\",{labels}}} 1"),
    ] {
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert!(!figures(&operator.metrics, Some(&of("elsewhere"))).contains("operator_store_ready{"));

    world.apply("demo", json!({})).await;
    until_reason(&world, "NothingAsked").await;
    eventually("all of it to be gone", || async {
        let found = children(&world.client, &world.namespace).await.into_keys();
        let words = ["-pods", "dashboards"].into_iter().chain(PARTS);
        let words: Vec<_> = words.collect();
        let left: Vec<_> = found.filter(|(_, name)| words.iter().any(|word| name.contains(word))).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    is_open(&world.store("demo").await);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_until_the_secret_is_there_and_another_token_replaces_one_pod() {
    let world = World::new("telegram").await;
    let operator = world.operator();
    let telegram = json!({"telegram": {"secretRef": {"name": "telegram"}}});
    world.apply("demo", json!({"monitoring": {"alertmanager": telegram}})).await;
    let store = until_reason(&world, "SecretMissing").await;
    let said = condition(&store, "MonitoringReady").expect("the condition").message;
    assert!(said.contains("Secret telegram is not there") && said.contains("all else is ready"), "{said}");
    is_open(&world.ready("demo").await);
    put_secret(&world, json!({"token": "1:first"})).await;
    eventually("the missing key to be told", || async {
        let said = condition(&world.store("demo").await, "MonitoringReady").expect("the condition").message;
        if said.contains("key chat") { Ok(()) } else { Err(said) }
    })
    .await;
    put_secret(&world, json!({"token": "1:first", "chat": "-100"})).await;
    until_reason(&world, "AllReady").await;

    let templates = async || {
        let found = children(&world.client, &world.namespace).await.into_iter();
        let with_pods = found.filter(|((kind, _), _)| matches!(kind, Kind::Deployment | Kind::StatefulSet));
        with_pods.map(|((_, name), child)| (name, child.object.data["spec"]["template"].clone())).collect::<Vec<_>>()
    };
    let before = templates().await;
    put_secret(&world, json!({"token": "1:second", "chat": "-100"})).await;
    eventually("Alertmanager to be replaced", || async {
        let now = templates().await;
        let changed: Vec<_> = before.iter().zip(&now).filter(|(was, is)| was != is).map(|(it, _)| &it.0).collect();
        if changed == ["demo-alertmanager"] { Ok(()) } else { Err(format!("{changed:?}")) }
    })
    .await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_leaves_no_room_for_it_is_told_and_the_shop_is_open() {
    let world = World::new("monitoring-quota").await;
    // Four services, the gateway, database and Redis.
    let quotas = allow_services(&world, "7").await;
    let operator = world.operator();
    world.apply("demo", json!({"monitoring": {}})).await;
    is_open(&world.ready("demo").await);
    is_open(&until_reason(&world, "QuotaExceeded").await);
    quotas.delete("few", &DeleteParams::default()).await.expect("to lift it");
    // It is tried again by itself, though later than what keeps a shop from being open.
    until_reason(&world, "AllReady").await;
    operator.stop().await;
}

/// An operator whose writes of one object are refused.
fn refusing(path: &'static str) -> Mishaps {
    Mishaps::new(move |request| {
        let is_it = request.method() == Method::PATCH && request.uri().path().ends_with(path);
        is_it.then_some(Mishap::InternalError)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_policy_of_it_that_can_not_be_made_is_told_and_the_shop_is_open() {
    let world = World::new("monitoring-policy").await;
    let operator = world.operator_through(&refusing("/networkpolicies/demo-jaeger"));
    world.apply("demo", json!({"monitoring": {}})).await;
    is_open(&world.ready("demo").await);
    let store = eventually("the policy to be told", || async {
        let store = world.store("demo").await;
        let said = condition(&store, "MonitoringReady").map(|it| it.message).unwrap_or_default();
        if said.contains("NetworkPolicy monitoring-policy/demo-jaeger") { Ok(store) } else { Err(said) }
    })
    .await;
    is_open(&store);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_its_settings_does_not_keep_it_from_resting() {
    let world = World::new("monitoring-rest").await;
    let operator = world.operator();
    world.apply("demo", json!({"monitoring": {}})).await;
    world.ready("demo").await;
    until_reason(&world, "AllReady").await;
    operator.stop().await;
    let operator = world.operator_through(&refusing("/configmaps/demo-prometheus"));
    world.apply("demo", json!({"suspend": true, "monitoring": {"prometheus": {"scrapeInterval": "5s"}}})).await;
    eventually("everything to rest", || async {
        match condition(&world.store("demo").await, "Progressing") {
            Some(condition) if condition.reason == "Suspended" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trouble_of_a_pod_that_watches_the_shop_is_told_there_and_nowhere_else() {
    let world = World::new("monitoring-trouble").await;
    let operator = world.operator();
    world.apply("demo", json!({"monitoring": {}})).await;
    world.ready("demo").await;
    until_reason(&world, "AllReady").await;
    let jaeger = {
        let deployments: Api<DynamicObject> =
            Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
        deployments.get("demo-jaeger").await.expect("Jaeger").data["spec"]["template"].clone()
    };
    let mut pod = json!({"metadata": jaeger["metadata"], "spec": jaeger["spec"]});
    pod["metadata"]["name"] = json!("demo-jaeger-1");
    pod["spec"]["nodeName"] = json!("nowhere");
    let pod: Pod = serde_json::from_value(pod).expect("a pod");
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), &world.namespace);
    pods.create(&PostParams::default(), &pod).await.expect("a pod that Pod Security lets in");
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
    let container =
        json!({"name": "jaeger", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": waiting});
    let status = json!({"status": {"phase": "Pending", "containerStatuses": [container]}});
    pods.patch_status("demo-jaeger-1", &PatchParams::default(), &Patch::Merge(status)).await.expect("a status");
    is_open(&until_reason(&world, "ImagePullFailed").await);
    pods.delete("demo-jaeger-1", &DeleteParams::default().grace_period(0)).await.expect("to delete");
    until_reason(&world, "AllReady").await;
    operator.stop().await;
}
