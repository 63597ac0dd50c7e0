//! From a Store to a shop.

use k8s_openapi::api::{core::v1::ConfigMap, events::v1::Event};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceValidation, JSONSchemaProps,
};
use kube::{
    Api, CustomResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde_json::json;
use shopkeeper_api::Store;
use shopkeeper_local::ApiServer;
use shopkeeper_operator::kind::Kind;

use crate::support::{World, children, condition, config_of, eventually, kubectl};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_becomes_a_whole_shop() {
    let world = World::new("whole-shop").await;
    let operator = world.operator();
    world.apply("demo", json!({"demo": {"products": 100, "users": true}, "profile": "Standard"})).await;
    let store = world.ready("demo").await;

    let found = children(&world.client, &world.namespace).await;
    let names = |kind: Kind| -> Vec<&str> {
        found.keys().filter(|(it, _)| *it == kind).map(|(_, name)| name.as_str()).collect()
    };
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
    let operator = world.operator();
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
            eventually("the volume's owner", || async {
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
    let operator = world.operator();
    let database = json!({"managed": {"backup": {}}});
    world.apply("demo", json!({"demo": {"products": 1, "users": true}, "database": database})).await;
    world.ready("demo").await;
    // A pod is refused when it is made, which nobody does here; a dry run of each template as a pod asks the same question.
    for ((kind, name), child) in children(&world.client, &world.namespace).await {
        let spec = &child.object.data["spec"];
        let template = if kind == Kind::CronJob { &spec["jobTemplate"]["spec"]["template"] } else { &spec["template"] };
        if template["spec"]["containers"].is_null() {
            continue;
        }
        let mut spec = template["spec"].clone();
        if spec["restartPolicy"].is_null() {
            spec["restartPolicy"] = json!("Always");
        }
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("x-{name}"), "namespace": world.namespace}, "spec": spec});
        let file = tempfile(&pod.to_string());
        let output =
            kubectl().await.args(["create", "--dry-run=server", "-f"]).arg(file.as_path()).output().expect("kubectl");
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

/// The CRD without a single rule, as an older or a tampered one might be.
pub fn lax_crd() -> CustomResourceDefinition {
    let mut crd = Store::crd();
    for version in &mut crd.spec.versions {
        // There is no field that could be selected by.
        version.selectable_fields = None;
        version.schema = Some(CustomResourceValidation {
            open_api_v3_schema: Some(JSONSchemaProps {
                type_: Some("object".into()),
                x_kubernetes_preserve_unknown_fields: Some(true),
                ..JSONSchemaProps::default()
            }),
        });
    }
    crd
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_slipped_in_are_told_and_do_not_stop_the_others() {
    let server = ApiServer::start().await.expect("an API server");
    let world = World::on(config_of(&server).await, "slipped-in").await;
    let crds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    crds.create(&PostParams::default(), &lax_crd()).await.expect("a CRD");
    await_condition(crds, "stores.shopkeeper.dev", is_crd_established()).await.expect("an established CRD");

    let operator = world.operator();
    let resource = ApiResource::erase::<Store>(&());
    let stores: Api<DynamicObject> = Api::namespaced_with(world.client.clone(), &world.namespace, &resource);
    let put = async |name: &str, spec: serde_json::Value| {
        let store =
            json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": name}, "spec": spec});
        stores.patch(name, &PatchParams::apply("test"), &Patch::Apply(store)).await.expect("the API server takes it");
    };
    put("unreadable", json!({"profile": "Huge"})).await;
    put("contradictory", json!({"database": {"managed": {}, "external": {"secretRef": {"name": "db"}}}})).await;
    put("good", json!({})).await;
    world.ready("good").await;
    for (name, words) in
        [("unreadable", "Huge"), ("contradictory", "write exactly one of managed, external and cloudNativePg")]
    {
        eventually(&format!("{name} to be told"), || async {
            let status = stores.get(name).await.expect("the Store").data["status"].to_string();
            if status.contains("InvalidSpec") && status.contains(words) { Ok(()) } else { Err(status) }
        })
        .await;
    }
    let events: Api<Event> = Api::namespaced(world.client.clone(), &world.namespace);
    eventually("events about both", || async {
        let all = events.list(&ListParams::default()).await.expect("events").items;
        let about = |name: &str| {
            all.iter().any(|event| {
                event.reason.as_deref() == Some("InvalidSpec")
                    && event.regarding.as_ref().is_some_and(|it| it.name.as_deref() == Some(name))
            })
        };
        if about("unreadable") && about("contradictory") { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
    let configs: Api<ConfigMap> = Api::namespaced(world.client.clone(), &world.namespace);
    let document = configs.get("good-cache-policy").await.expect("the policies").data;
    put("good", json!({"cache": {"policies": {"products": {"ttl": "0s"}}}})).await;
    eventually("the bad policy to be told", || async {
        let status = stores.get("good").await.expect("the Store").data["status"].to_string();
        let told = ["InvalidPolicy", "spec.cache.policies.products: ttl must be more than nothing", "The pods keep"];
        if told.iter().all(|words| status.contains(words)) { Ok(()) } else { Err(status) }
    })
    .await;
    assert_eq!(configs.get("good-cache-policy").await.expect("the policies").data, document, "the last good ones stay");
    operator.stop().await;
}
