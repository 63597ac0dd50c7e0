//! Volumes grow where their class lets them.

use k8s_openapi::api::{core::v1::PersistentVolumeClaim, storage::v1::StorageClass};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::support::{World, condition, eventually};

async fn class(world: &World, name: &str, grows: bool) {
    let classes: Api<StorageClass> = Api::all(world.client.clone());
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                       "provisioner": "example.com/none", "allowVolumeExpansion": grows});
    classes.patch(name, &PatchParams::apply("test"), &Patch::Apply(class)).await.expect("a class");
}

/// A Store whose volume is bound, as somebody who makes volumes would say.
async fn bound(world: &World, class: &str) -> Api<PersistentVolumeClaim> {
    world.apply("demo", spec("2Gi", class)).await;
    world.ready("demo").await;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(world.client.clone(), &world.namespace);
    let bound = json!({"status": {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce"]}});
    for name in ["demo-postgres", "demo-prometheus"] {
        claims.patch_status(name, &PatchParams::default(), &Patch::Merge(&bound)).await.expect("a bound claim");
    }
    claims
}

fn spec(size: &str, class: &str) -> serde_json::Value {
    let storage = json!({"size": size, "storageClassName": class});
    json!({"database": {"managed": {"storage": storage}}, "monitoring": {"prometheus": {"storage": storage}}})
}

async fn size(claims: &Api<PersistentVolumeClaim>, of: &str) -> String {
    let claim = claims.get(&format!("demo-{of}")).await.expect("the claim");
    let requests = claim.spec.and_then(|spec| spec.resources).and_then(|resources| resources.requests);
    requests.expect("requests")["storage"].0.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_grows_where_its_class_lets_it() {
    let world = World::new("grows").await;
    class(&world, "grows", true).await;
    let operator = world.operator();
    let claims = bound(&world, "grows").await;
    world.apply("demo", spec("3Gi", "grows")).await;
    let store = world.ready("demo").await;
    assert_eq!(condition(&store, "Degraded").expect("Degraded").status, "False");
    assert_eq!(size(&claims, "postgres").await, "3Gi");
    eventually("the volume of the figures to grow too", || async {
        let now = size(&claims, "prometheus").await;
        if now == "3Gi" { Ok(()) } else { Err(now) }
    })
    .await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_cannot_grow_is_told_and_the_rest_goes_on() {
    let world = World::new("fixed").await;
    class(&world, "fixed", false).await;
    let operator = world.operator();
    let claims = bound(&world, "fixed").await;
    let mut larger = spec("3Gi", "fixed");
    larger["services"] = json!({"cart": {"replicas": 2}});
    world.apply("demo", larger).await;
    let store = world.until("demo", "Degraded", "True").await;
    let degraded = condition(&store, "Degraded").expect("Degraded");
    assert_eq!(degraded.reason, "VolumeCannotGrow", "{}", degraded.message);
    assert!(degraded.message.contains("allowVolumeExpansion"), "{}", degraded.message);
    eventually("the second cart", || async {
        let store = world.ready("demo").await;
        let services = store.status.map(|status| status.services).unwrap_or_default();
        let desired = services.into_iter().find(|it| it.name == "cart").map(|it| it.desired);
        if desired == Some(2) { Ok(()) } else { Err(format!("{desired:?}")) }
    })
    .await;
    assert_eq!((size(&claims, "postgres").await, size(&claims, "prometheus").await), ("2Gi".into(), "2Gi".into()));
    eventually("the monitoring to tell it too, and the rest of it to go on", || async {
        let told = condition(&world.store("demo").await, "MonitoringReady").expect("MonitoringReady");
        let is_told = told.reason == "VolumeCannotGrow" && told.message.contains("demo-prometheus");
        if is_told { Ok(()) } else { Err(format!("{}: {}", told.reason, told.message)) }
    })
    .await;
    // As soon as the class lets it, the volume grows: the next look at the Store is enough.
    class(&world, "fixed", true).await;
    let label = json!({"metadata": {"labels": {"looked": "again"}}});
    world.stores().patch("demo", &PatchParams::default(), &Patch::Merge(label)).await.expect("a label");
    eventually("the volume to grow", || async {
        let now = (size(&claims, "postgres").await, size(&claims, "prometheus").await);
        let degraded = condition(&world.store("demo").await, "Degraded").expect("Degraded");
        let have_grown = now.0 == "3Gi" && now.1 == "3Gi";
        if have_grown && degraded.status == "False" { Ok(()) } else { Err(format!("{now:?} {}", degraded.message)) }
    })
    .await;
    operator.stop().await;
}
