//! Nothing is written when nothing is to be done.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::json;
use shopkeeper_operator::kind::Kind;

use crate::support::{Operator, World, children, eventually, figures};

async fn versions(world: &World) -> BTreeMap<(Kind, String), String> {
    children(&world.client, &world.namespace)
        .await
        .into_iter()
        .map(|(key, child)| (key, child.resource_version))
        .collect()
}

/// The children that are not as they were.
async fn changed_since(world: &World, before: &BTreeMap<(Kind, String), String>) -> Vec<(Kind, String)> {
    let now = versions(world).await.into_iter();
    now.filter(|(key, version)| before.get(key) != Some(version)).map(|(key, _)| key).collect()
}

/// Waits until nothing was reconciled or written for a while.
async fn calm(operator: &Operator) {
    eventually("calm", || async {
        let before = (operator.reconciles(), operator.writes());
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let after = (operator.reconciles(), operator.writes());
        if before == after { Ok(()) } else { Err(format!("{before:?} -> {after:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_reconcile_writes_nothing() {
    let world = World::new("second-reconcile").await;
    let operator = world.operator();
    world
        .apply(
            "demo",
            json!({"demo": {"products": 1}, "services": {"cart": {"resources": {"requests": {"cpu": "0.05"}}}}}),
        )
        .await;
    world.ready("demo").await;
    calm(&operator).await;
    let (writes, reconciles, before) = (operator.writes(), operator.reconciles(), versions(&world).await);
    let store_before = world.store("demo").await;
    // A label on the Store makes the operator look at everything again.
    let label = json!({"metadata": {"labels": {"touched": "yes"}}});
    world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(label)).await.expect("a label");
    eventually("another reconcile", || async {
        if operator.reconciles() > reconciles { Ok(()) } else { Err(format!("{reconciles}")) }
    })
    .await;
    calm(&operator).await;
    assert_eq!(operator.writes(), writes, "writes of the second reconcile");
    assert_eq!(versions(&world).await, before);
    assert_eq!(world.store("demo").await.status, store_before.status);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_of_what_belongs_to_a_store_is_few_looks_at_it() {
    let world = World::new("burst").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    calm(&operator).await;
    let (before, begun) = (operator.reconciles(), Instant::now());
    let services =
        Api::<DynamicObject>::namespaced_with(world.client.clone(), &world.namespace, &Kind::Service.resource());
    let mut moments = vec![begun];
    for number in 0..40 {
        // An annotation of somebody's own, which changes nothing that the operator cares about.
        let note = json!({"metadata": {"annotations": {"example.com/number": number.to_string()}}});
        services.patch("demo-cart", &PatchParams::default(), &Patch::Merge(note)).await.expect("annotated");
        moments.push(Instant::now());
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    calm(&operator).await;
    let looks = operator.reconciles() - before;
    // It is one burst, looked at twice a second, but where the machine was so slow that it became several.
    let pauses = moments.windows(2).filter(|pair| pair[1] - pair[0] > Duration::from_millis(60)).count();
    let halves = (moments[40] - begun).as_millis() / 500;
    let most = u64::try_from(pauses + 3).expect("few") + u64::try_from(halves).expect("few");
    assert!((1..=most).contains(&looks), "{looks} looks of at most {most}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_writes_nothing() {
    let world = World::new("restart").await;
    let first = world.operator();
    let spec = json!({
        "demo": {"products": 1, "users": true}, "profile": "Standard",
        "services": {
            "cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "resources": {"requests": {"cpu": "0.05"}, "limits": {"memory": "0.5Gi"}}},
            "user": {"scheduling": {
                "nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "dedicated", "effect": "NoSchedule"}],
                "topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone"}],
            }},
            "order": {"podTemplate": {
                "metadata": {"annotations": {"example.com/team": "shop"}},
                "spec": {
                    "volumes": [{"name": "spool", "emptyDir": {}}], "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
                    "containers": [
                        {"name": "order", "livenessProbe": {"failureThreshold": 5}, "volumeMounts": [{"name": "spool", "mountPath": "/spool"}]},
                        {"name": "beside", "image": "example.com/beside:1", "ports": [{"containerPort": 7000}], "resources": {"limits": {"cpu": "0.5"}}},
                    ],
                },
            }},
        },
        "metadata": {"labels": {"example.com/team": "shop"}, "annotations": {"example.com/owner": "me"}},
        "monitoring": {
            "tools": {"pgAdmin": {"enabled": true}, "redisCommander": {"enabled": true}},
            "alertmanager": {"telegram": {"secretRef": {"name": "telegram"}}},
        },
        "loadTest": {"enabled": true},
        "jobs": {"resources": {"limits": {"memory": "0.5Gi"}}},
        "images": {"pullSecrets": [{"name": "registry"}]},
        "database": {"managed": {"backup": {"schedule": "*/30 * * * *", "storage": {"size": "0.5Gi"}}}},
        "gateway": {
            "corsOrigins": ["https://app.example.com"], "service": {"type": "NodePort", "annotations": {"example.com/lb": "x"}},
            "tls": {"secretName": "shop-tls"}, "ingress": {"className": "nginx", "annotations": {"example.com/issuer": "x"}},
        },
    });
    world.apply("demo", spec).await;
    world.ready("demo").await;
    calm(&first).await;
    let before = versions(&world).await;
    first.stop().await;

    let second = world.operator();
    eventually("the restarted operator's first reconcile", || async {
        if second.reconciles() > 0 { Ok(()) } else { Err("none".into()) }
    })
    .await;
    calm(&second).await;
    assert_eq!(second.writes(), 0, "{}", figures(&second.metrics, None));
    assert_eq!(versions(&world).await, before);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_writes_only_what_it_touches() {
    let world = World::new("one-change").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    calm(&operator).await;
    let before = versions(&world).await;
    world.apply("demo", json!({"services": {"order": {"lifecycle": {"processingAfter": "6s"}}}})).await;
    eventually("the change", || async {
        if changed_since(&world, &before).await.is_empty() { Err("nothing changed".into()) } else { Ok(()) }
    })
    .await;
    world.ready("demo").await;
    calm(&operator).await;
    assert_eq!(changed_since(&world, &before).await, [(Kind::Deployment, "demo-order".to_owned())]);
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_cache_policy_writes_its_document_and_no_pod_template() {
    let world = World::new("one-policy").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    calm(&operator).await;
    let (before, writes) = (versions(&world).await, operator.writes());
    world.apply("demo", json!({"cache": {"policies": {"products": {"ttl": "1m"}}}})).await;
    world.until("demo", "CachePolicyApplied", "False").await;
    calm(&operator).await;
    assert_eq!(changed_since(&world, &before).await, [(Kind::ConfigMap, "demo-cache-policy".to_owned())]);
    assert_eq!(operator.writes() - writes, 2, "the document and the status");
    operator.stop().await;
}
