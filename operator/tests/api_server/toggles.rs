//! Features that are turned on and off.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use shopkeeper_operator::kind::Kind;

use crate::support::{Operator, World, children, condition, eventually};

async fn has(world: &World, kind: Kind, name: &str) -> bool {
    children(&world.client, &world.namespace).await.contains_key(&(kind, name.to_owned()))
}

async fn until_gone(world: &World, kind: Kind, name: &str) {
    eventually(&format!("{kind} {name} to go"), || async {
        if has(world, kind, name).await { Err("still there".to_owned()) } else { Ok(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_feature_leaves_behind_is_removed() {
    let world = World::new("toggles").await;
    let operator = world.operator();
    let full = json!({
        "profile": "Standard", "demo": {"products": 1},
        "services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}}, "gateway": {"ingress": {}},
    });
    world.apply("demo", full).await;
    world.ready("demo").await;
    assert!(has(&world, Kind::HorizontalPodAutoscaler, "demo-cart").await);
    assert!(has(&world, Kind::PodDisruptionBudget, "demo-gateway").await);
    assert!(has(&world, Kind::NetworkPolicy, "demo-shop").await);
    assert!(has(&world, Kind::Ingress, "demo-gateway").await);
    let jobs =
        children(&world.client, &world.namespace).await.into_keys().filter(|(kind, _)| *kind == Kind::Job).count();
    assert_eq!(jobs, 2);

    let redis = Secret {
        metadata: kube::api::ObjectMeta { name: Some("my-redis".into()), ..Default::default() },
        data: Some([("url".to_owned(), ByteString(b"redis://elsewhere:6379".to_vec()))].into()),
        ..Secret::default()
    };
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    secrets.create(&PostParams::default(), &redis).await.expect("a Secret");
    let little = json!({"redis": {"external": {"secretRef": {"name": "my-redis"}}}, "networkPolicies": false});
    world.apply("demo", little).await;
    world.ready("demo").await;
    for (kind, name) in [
        (Kind::HorizontalPodAutoscaler, "demo-cart"),
        (Kind::PodDisruptionBudget, "demo-gateway"),
        (Kind::StatefulSet, "demo-redis"),
        (Kind::Service, "demo-redis"),
        (Kind::Secret, "demo-redis"),
        (Kind::NetworkPolicy, "demo-shop"),
        (Kind::NetworkPolicy, "demo-postgres"),
        (Kind::Ingress, "demo-gateway"),
    ] {
        until_gone(&world, kind, name).await;
    }
    let left: Vec<String> = children(&world.client, &world.namespace)
        .await
        .into_keys()
        .filter(|(kind, _)| *kind == Kind::Job)
        .map(|(_, name)| name)
        .collect();
    assert!(left.iter().all(|name| name.contains("-migrate-")), "{left:?}");
    assert!(has(&world, Kind::PersistentVolumeClaim, "demo-postgres").await);
    assert!(has(&world, Kind::Secret, "demo-database").await);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_referenced_secret_rolls_its_users() {
    let world = World::new("referenced").await;
    let operator = world.operator();
    world.apply("demo", json!({"redis": {"external": {"secretRef": {"name": "my-redis"}}}})).await;
    let store = world.until("demo", "Ready", "False").await;
    assert_eq!(condition(&store, "Degraded").expect("Degraded").reason, "SecretMissing");
    assert!(condition(&store, "Ready").expect("Ready").message.contains("my-redis"));

    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let secret = |url: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "my-redis"}, "stringData": {"url": url}});
    secrets
        .patch("my-redis", &PatchParams::apply("test"), &Patch::Apply(secret("redis://one:6379")))
        .await
        .expect("a Secret");
    world.ready("demo").await;
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
    let template = |object: DynamicObject| object.data["spec"]["template"]["metadata"]["annotations"].clone();
    let before = template(deployments.get("demo-cart").await.expect("the cart"));
    secrets
        .patch("my-redis", &PatchParams::apply("test"), &Patch::Apply(secret("redis://two:6379")))
        .await
        .expect("a Secret");
    eventually("the cart to be rolled", || async {
        let now = template(deployments.get("demo-cart").await.expect("the cart"));
        if now == before { Err("the same".to_owned()) } else { Ok(()) }
    })
    .await;
    operator.stop().await;
}

/// How often the spec of each Deployment was changed.
async fn generations(world: &World) -> BTreeMap<String, i64> {
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
    let all = deployments.list(&ListParams::default()).await.expect("the Deployments");
    all.into_iter().map(|it| (it.name_any(), it.metadata.generation.unwrap_or_default())).collect()
}

/// Waits until something was reconciled that came after this.
async fn until_looked_at_again(operator: &Operator, before: u64) {
    eventually("another reconcile", || async {
        if operator.reconciles() > before { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_that_is_brought_in_rolls_the_pods_that_have_it_once_and_no_others() {
    let world = World::new("brought-in").await;
    let config_maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
    let put = async |data: Value, labels: Value| {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "banner", "labels": labels}, "data": data});
        config_maps.patch("banner", &PatchParams::apply("test"), &Patch::Apply(object)).await.expect("a ConfigMap");
    };
    let operator = world.operator();
    let template = json!({"spec": {
        "volumes": [
            {"name": "banner", "configMap": {"name": "banner"}},
            {"name": "policies", "configMap": {"name": "demo-cache-policy"}},
        ],
        "containers": [{"name": "cart", "volumeMounts": [{"name": "banner", "mountPath": "/banner"}]}],
    }});
    let spec = |ttl: &str| json!({"services": {"cart": {"podTemplate": template}}, "cache": {"policies": {"products": {"ttl": ttl}}}});
    world.apply("demo", spec("1m")).await;
    world.ready("demo").await;
    // It comes, changes, and gets a label.
    for (data, labels, changes) in [("one", json!({}), 1), ("two", json!({}), 1), ("two", json!({"a": "b"}), 0)] {
        let (before, reconciles) = (generations(&world).await, operator.reconciles());
        put(json!({"text": data}), labels).await;
        until_looked_at_again(&operator, reconciles).await;
        let expected: BTreeMap<_, _> = before
            .into_iter()
            .map(|(name, it)| if name == "demo-cart" { (name, it + changes) } else { (name, it) })
            .collect();
        eventually("the cart to be rolled", || async {
            let now = generations(&world).await;
            if now == expected { Ok(()) } else { Err(format!("{now:?}, not {expected:?}")) }
        })
        .await;
        world.ready("demo").await;
        assert_eq!(generations(&world).await, expected);
    }
    // One of the operator's own is followed by the pods while they run.
    let before = generations(&world).await;
    let policies = async || config_maps.get("demo-cache-policy").await.expect("the policies").data;
    let former = policies().await;
    world.apply("demo", spec("2m")).await;
    eventually("the other policy", || async {
        if policies().await == former { Err("not there".to_owned()) } else { Ok(()) }
    })
    .await;
    world.ready("demo").await;
    // Looked at again, with the other policy there: twice, as the first may be the end of what wrote it.
    for value in ["c", "d"] {
        let reconciles = operator.reconciles();
        put(json!({"text": "two"}), json!({"a": value})).await;
        until_looked_at_again(&operator, reconciles).await;
    }
    assert_eq!(generations(&world).await, before);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_store_is_left_alone_until_it_goes_on() {
    let world = World::new("paused").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let pause = |value: serde_json::Value| json!({"metadata": {"annotations": {"shopkeeper.dev/paused": value}}});
    world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(pause(json!("true")))).await.expect("to pause");
    world.until("demo", "Paused", "True").await;
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
    deployments.delete("demo-cart", &kube::api::DeleteParams::default()).await.expect("to delete");
    let store = world.until("demo", "ServicesReady", "False").await;
    assert!(condition(&store, "ServicesReady").expect("ServicesReady").message.contains("cart not there"));
    assert!(deployments.get_opt("demo-cart").await.expect("an answer").is_none());
    world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(pause(json!(null)))).await.expect("to go on");
    world.ready("demo").await;
    assert!(deployments.get_opt("demo-cart").await.expect("an answer").is_some());
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_autoscaling_on_keeps_the_number_of_pods() {
    let world = World::new("autoscaling-on").await;
    let operator = world.operator();
    world.apply("demo", json!({"services": {"cart": {"replicas": 3}}})).await;
    world.ready("demo").await;
    world.apply("demo", json!({"services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}}})).await;
    world.ready("demo").await;
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
    let replicas = async || deployments.get("demo-cart").await.expect("the cart").data["spec"]["replicas"].clone();
    assert!(has(&world, Kind::HorizontalPodAutoscaler, "demo-cart").await);
    assert_eq!(replicas().await, json!(3));
    // What the autoscaler sets stays.
    let scale = json!({"spec": {"replicas": 5}});
    deployments.patch("demo-cart", &PatchParams::default(), &Patch::Merge(scale)).await.expect("to scale");
    world
        .apply(
            "demo",
            json!({"profile": "Standard", "services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}}}),
        )
        .await;
    world.ready("demo").await;
    assert_eq!(replicas().await, json!(5));
    // And turned off again, the Store says how many there are.
    world.apply("demo", json!({"services": {"cart": {"replicas": 2}}})).await;
    world.ready("demo").await;
    assert_eq!(replicas().await, json!(2));
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_rolls_the_gateway_and_nothing_else() {
    let world = World::new("certificate").await;
    let operator = world.operator();
    world.apply("demo", json!({"gateway": {"tls": {"secretName": "shop-tls"}}})).await;
    let store = world.until("demo", "Ready", "False").await;
    assert!(condition(&store, "Ready").expect("Ready").message.contains("shop-tls"));
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    let put = async |certificate: &str| {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop-tls"},
                            "stringData": {"tls.crt": certificate, "tls.key": "key"}});
        secrets.patch("shop-tls", &PatchParams::apply("test"), &Patch::Apply(secret)).await.expect("a Secret");
    };
    put("first").await;
    let store = world.ready("demo").await;
    assert_eq!(store.status.and_then(|it| it.endpoints).expect("endpoints").public, "https://shop.localhost");
    let templates = async || {
        let found = children(&world.client, &world.namespace).await.into_iter();
        let templates = found.filter(|((kind, _), _)| matches!(kind, Kind::Deployment | Kind::StatefulSet));
        templates.map(|((_, name), child)| (name, child.object.data["spec"]["template"].clone())).collect::<Vec<_>>()
    };
    let before = templates().await;
    put("second").await;
    eventually("the gateway to be rolled", || async {
        let now = templates().await;
        let changed: Vec<_> =
            before.iter().zip(&now).filter(|(before, now)| before != now).map(|(it, _)| &it.0).collect();
        if changed == ["demo-gateway"] { Ok(()) } else { Err(format!("{changed:?}")) }
    })
    .await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_template_that_weakens_pods_is_told_and_nothing_is_made_of_it() {
    let world = World::new("pod-template").await;
    let operator = world.operator();
    let with = |spec: serde_json::Value| json!({"services": {"cart": {"podTemplate": {"spec": spec}}}});
    world.apply("demo", with(json!({"hostNetwork": true}))).await;
    let store = world.until("demo", "Ready", "False").await;
    let ready = condition(&store, "Ready").expect("Ready");
    assert_eq!(ready.reason, "InvalidSpec");
    assert!(ready.message.starts_with("spec.services.cart.podTemplate.spec.hostNetwork: "), "{}", ready.message);
    world
        .apply("demo", with(json!({"containers": [{"name": "cart", "env": [{"name": "DATABASE_URL", "value": "x"}]}]})))
        .await;
    eventually("the variable to be refused", || async {
        let said = condition(&world.store("demo").await, "Ready").expect("Ready").message;
        if said.contains("containers[cart].env[DATABASE_URL]") { Ok(()) } else { Err(said) }
    })
    .await;
    let sidecar = json!({"containers": [{"name": "beside", "image": "example.com/beside:1"}]});
    world.apply("demo", with(sidecar)).await;
    world.ready("demo").await;
    operator.stop().await;
}
