//! From a Store to a shop.

use serde_json::json;
use shopkeeper_operator::kind::Kind;

use crate::support::{World, children, condition, kubectl};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_becomes_a_whole_shop() {
    let world = World::new("whole-shop").await;
    let operator = world.operator().await;
    world.apply("demo", json!({"demo": {"products": 100, "users": true}, "profile": "Standard"})).await;
    let store = world.ready("demo").await;

    let found = children(&world.client, &world.namespace).await;
    let names = |kind: Kind| -> Vec<&str> { found.keys().filter(|(it, _)| *it == kind).map(|(_, name)| name.as_str()).collect() };
    assert_eq!(names(Kind::Deployment), ["demo-cart", "demo-catalog", "demo-gateway", "demo-order", "demo-user"]);
    assert_eq!(names(Kind::StatefulSet), ["demo-postgres", "demo-redis"]);
    assert_eq!(
        names(Kind::Service),
        ["demo-cart", "demo-catalog", "demo-gateway", "demo-order", "demo-postgres", "demo-redis", "demo-user"]
    );
    assert_eq!(names(Kind::PersistentVolumeClaim), ["demo-postgres"]);
    assert_eq!(names(Kind::PodDisruptionBudget).len(), 5);
    assert_eq!(names(Kind::Job).len(), 2);

    let status = store.status.clone().expect("a status");
    assert_eq!(status.services.len(), 5);
    assert_eq!(status.versions.expect("versions").shop, "v1");
    assert_eq!(condition(&store, "Degraded").expect("Degraded").status, "False");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_children_but_a_kept_volume_belong_to_the_store() {
    let world = World::new("ownership").await;
    let operator = world.operator().await;
    world.apply("demo", json!({})).await;
    let store = world.ready("demo").await;
    for ((kind, name), child) in children(&world.client, &world.namespace).await {
        let owners = child.object.metadata.owner_references.unwrap_or_default();
        if kind == Kind::PersistentVolumeClaim {
            assert!(owners.is_empty(), "{name}");
        } else {
            assert_eq!(owners.len(), 1, "{kind} {name}");
            assert_eq!(Some(&owners[0].uid), store.metadata.uid.as_ref());
        }
    }
    world.apply("demo", json!({"dataRetention": "Delete"})).await;
    let volume = (Kind::PersistentVolumeClaim, "demo-postgres".to_owned());
    let owned = |wanted: usize| {
        let (client, namespace, volume) = (world.client.clone(), world.namespace.clone(), volume.clone());
        async move {
            crate::support::eventually("the volume's owner", || async {
                let found = children(&client, &namespace).await;
                let owners = found[&volume].object.metadata.owner_references.clone().unwrap_or_default().len();
                if owners == wanted { Ok(()) } else { Err(format!("{owners} owners")) }
            })
            .await;
        }
    };
    owned(1).await;
    world.apply("demo", json!({"dataRetention": "Retain"})).await;
    owned(0).await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_refused_under_pod_security_restricted() {
    let world = World::new("restricted").await;
    let operator = world.operator().await;
    world.apply("demo", json!({"demo": {"products": 1, "users": true}})).await;
    world.ready("demo").await;
    // A pod is refused when it is made, which nobody does here; a dry run of each template as a pod asks the same question.
    for ((kind, name), child) in children(&world.client, &world.namespace).await {
        let template = &child.object.data["spec"]["template"];
        if template["spec"]["containers"].is_null() {
            continue;
        }
        let mut spec = template["spec"].clone();
        if spec["restartPolicy"].is_null() {
            spec["restartPolicy"] = json!("Always");
        }
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("x-{name}"), "namespace": world.namespace}, "spec": spec});
        let file = tempfile(&pod.to_string());
        let output = kubectl().await.args(["create", "--dry-run=server", "-f"]).arg(file.as_path()).output().expect("kubectl");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("would violate"), "{kind} {name}: {said}");
    }
    operator.stop().await;
}

struct Temporary(std::path::PathBuf);

impl Temporary {
    fn as_path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn tempfile(content: &str) -> Temporary {
    let path = std::env::temp_dir().join(format!("shopkeeper-test-{}-{}.json", std::process::id(), content.len()));
    std::fs::write(&path, content).expect("a file");
    Temporary(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_store_is_told_and_does_not_stop_the_others() {
    use kube::{Api, api::{DynamicObject, Patch, PatchParams}, core::ApiResource};
    let world = World::new("unreadable").await;
    // A CRD that lets everything pass, under another name for the same kind, is not possible; a value that only Rust refuses is:
    // the API server takes a duration that is longer than can be counted.
    let stores: Api<DynamicObject> =
        Api::namespaced_with(world.client.clone(), &world.namespace, &ApiResource::erase::<shopkeeper_api::Store>(&()));
    let bad = json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": "bad"},
                     "spec": {"redis": {"managed": {"maxMemory": "999999999999Pi"}}, "services": {"order": {"lifecycle": {"deleteAfter": "999999999h"}}}}});
    let operator = world.operator().await;
    stores.patch("bad", &PatchParams::apply("test"), &Patch::Apply(bad)).await.expect("the API server takes it");
    world.apply("good", json!({})).await;
    world.ready("good").await;
    operator.stop().await;
}
