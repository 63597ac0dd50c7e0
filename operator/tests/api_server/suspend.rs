//! A shop that is suspended, and comes back.

use std::collections::BTreeMap;

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use shopkeeper_operator::kind::Kind;

use crate::support::{World, children, condition, eventually};

fn spec(suspend: bool) -> Value {
    json!({"suspend": suspend, "monitoring": {}, "demo": {"products": 1}, "profile": "Standard",
           "services": {"cart": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}}})
}

async fn replicas(world: &World) -> BTreeMap<String, i64> {
    let found = children(&world.client, &world.namespace).await.into_iter();
    let workloads = found.filter(|((kind, _), _)| matches!(kind, Kind::Deployment | Kind::StatefulSet));
    workloads.map(|((_, name), child)| (name, child.object.data["spec"]["replicas"].as_i64().unwrap_or(-1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_shop_has_no_pods_keeps_its_data_and_comes_back() {
    let world = World::new("suspended").await;
    let operator = world.operator();
    world.apply("demo", spec(false)).await;
    world.ready("demo").await;
    world.until("demo", "MonitoringReady", "True").await;
    let kept = async || {
        let found = children(&world.client, &world.namespace).await.into_iter();
        let kept = found.filter(|((kind, _), _)| {
            matches!(kind, Kind::PersistentVolumeClaim | Kind::Secret | Kind::ConfigMap | Kind::Service | Kind::Job)
        });
        kept.map(|(key, child)| (key, child.object.metadata.uid)).collect::<BTreeMap<_, _>>()
    };
    let before = kept().await;

    world.apply("demo", spec(true)).await;
    eventually("everything to rest", || async {
        let store = world.store("demo").await;
        let progressing = condition(&store, "Progressing").expect("Progressing");
        if progressing.reason == "Suspended" {
            Ok(())
        } else {
            Err(format!("{progressing:?} {:?}", replicas(&world).await))
        }
    })
    .await;
    let store = world.store("demo").await;
    for type_ in ["Ready", "DatabaseReady", "RedisReady", "ServicesReady", "MonitoringReady"] {
        let condition = condition(&store, type_).expect("a condition");
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "Suspended"), "{type_}");
    }
    assert_eq!(condition(&store, "Degraded").expect("Degraded").status, "False");
    assert!(replicas(&world).await.values().all(|count| *count == 0), "{:?}", replicas(&world).await);
    assert_eq!(kept().await, before);

    world.apply("demo", spec(false)).await;
    world.ready("demo").await;
    world.until("demo", "MonitoringReady", "True").await;
    let back = replicas(&world).await;
    // The autoscaler, of which there is none here, would have more than one at once.
    assert_eq!((back["demo-cart"], back["demo-catalog"], back["demo-postgres"]), (1, 2, 1), "{back:?}");
    assert_eq!((back["demo-prometheus"], back["demo-jaeger"]), (1, 1), "{back:?}");
    assert_eq!(kept().await, before, "nothing was migrated or seeded again");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_and_redis_rest_only_after_what_they_serve() {
    let world = World::new("suspended-in-order").await;
    let operator = world.operator();
    world.apply("demo", spec(false)).await;
    world.ready("demo").await;
    // From here on nobody plays the other controllers, so pods stay until the test says that they have gone.
    world.players.rest().await;
    world.apply("demo", spec(true)).await;
    eventually("the services to be told to go", || async {
        let now = replicas(&world).await;
        let told = ["cart", "catalog", "order", "user", "gateway"].iter().all(|it| now[&format!("demo-{it}")] == 0);
        if told { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    let store = world.until("demo", "Progressing", "True").await;
    assert_eq!(condition(&store, "Progressing").expect("Progressing").reason, "Suspending");
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &Kind::Deployment.resource());
    let gone = json!({"status": {"replicas": 0, "updatedReplicas": 0, "readyReplicas": 0, "availableReplicas": 0}});
    for name in ["cart", "catalog", "order", "user", "gateway"] {
        let now = replicas(&world).await;
        assert_eq!((now["demo-postgres"], now["demo-redis"]), (1, 1), "while {name} has pods");
        let name = format!("demo-{name}");
        deployments.patch_status(&name, &PatchParams::default(), &Patch::Merge(&gone)).await.expect("a status");
    }
    eventually("database and Redis to be told to go", || async {
        let now = replicas(&world).await;
        if (now["demo-postgres"], now["demo-redis"]) == (0, 0) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    operator.stop().await;
}
