//! Each profile brought up, changed field by field, broken and repaired, while its Store is watched as `kubectl get store --watch` does:
//! what it says is held against the cluster, and against the shop behind its gateway, at each moment.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::kubernetes::{Scratch, client, condition, eventually, no_scratch_is_left, ready, stores};
use crate::witness::Witness;

const LIMIT: Duration = Duration::from_secs(180);
const STORE: &str = "tried";

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_laptops_shop_tells_the_truth_from_its_first_moment_through_every_change_and_fault() {
    a_shop_tells_the_truth("Laptop", 1).await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_standard_shop_tells_the_truth_from_its_first_moment_through_every_change_and_fault() {
    a_shop_tells_the_truth("Standard", 2).await;
}

#[tokio::test]
#[ignore = "needs the cluster of `make up`"]
async fn a_highly_available_shop_tells_the_truth_from_its_first_moment_through_every_change_and_fault() {
    a_shop_tells_the_truth("HighAvailability", 3).await;
    // Another one beside it while it ends may be too much for a small node.
    no_scratch_is_left(&client().await).await;
}

async fn a_shop_tells_the_truth(profile: &str, replicas: i32) {
    let client = client().await;
    let scratch = Scratch::new(&client).await;
    // Requests that are large enough for a cluster of many nodes don't fit beside the sample shop on one.
    let small = json!({"resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}});
    let services = json!({"catalog": small, "cart": small, "order": small, "user": small});
    let demo = json!({"products": 80, "users": true});
    let spec = json!({"profile": profile, "services": services, "demo": demo, "monitoring": {"enabled": false}});
    scratch.store(STORE, spec).await;
    let witness = Witness::follow(&scratch, STORE);
    let took = ready(&client, &scratch.name, STORE, LIMIT).await;
    println!("{profile}: ready {:.1} s after it was applied", took.as_secs_f64());
    for service in ["catalog", "cart", "order", "user", "gateway"] {
        assert_eq!(
            deployment(&scratch, service).await.spec.and_then(|spec| spec.replicas),
            Some(replicas),
            "{service}"
        );
    }

    changed_field_by_field(&scratch, replicas).await;
    broken_and_repaired(&scratch).await;

    let seen = witness.end().await;
    println!(
        "{profile}: {} statuses seen, {} of them Ready with the shop asked behind them",
        seen.statuses, seen.asked
    );
    assert!(seen.asked > 0, "the shop was never asked while its Store said that it is ready");
    assert!(seen.lies.is_empty(), "the Store said what was not so: {:#?}", seen.lies);
    scratch.remove().await;
}

/// A change, and what the cluster must then be like.
struct Change {
    what: &'static str,
    patch: Value,
    child: &'static str,
    path: &'static str,
    expected: Value,
}

fn changes(replicas: i32) -> Vec<Change> {
    let change = |what, patch, child, path, expected| Change { what, patch, child, path, expected };
    vec![
        change(
            "one replica more",
            json!({"services": {"cart": {"replicas": replicas + 1}}}),
            "cart",
            "/spec/replicas",
            json!(replicas + 1),
        ),
        change(
            "and back to the profile's number",
            json!({"services": {"cart": {"replicas": null}}}),
            "cart",
            "/spec/replicas",
            json!(replicas),
        ),
        change(
            "more memory",
            json!({"services": {"user": {"resources": {"limits": {"memory": "300Mi"}}}}}),
            "user",
            "/spec/template/spec/containers/0/resources/limits/memory",
            json!("300Mi"),
        ),
        change(
            "a node of a kind",
            json!({"services": {"order": {"scheduling": {"nodeSelector": {"kubernetes.io/os": "linux"}}}}}),
            "order",
            "/spec/template/spec/nodeSelector/kubernetes.io~1os",
            json!("linux"),
        ),
    ]
}

async fn changed_field_by_field(scratch: &Scratch, replicas: i32) {
    for Change { what, patch, child, path, expected } in changes(replicas) {
        change(scratch, &patch).await;
        eventually(what, LIMIT, || async {
            let found = serde_json::to_value(deployment(scratch, child).await).ok()?;
            (found.pointer(path) == Some(&expected)).then_some(())
        })
        .await;
        let took = ready(&scratch.client, &scratch.name, STORE, LIMIT).await;
        println!("  {what}: in place, and ready again after {:.1} s", took.as_secs_f64());
    }
}

async fn broken_and_repaired(scratch: &Scratch) {
    // A version that does not exist: the former pods serve on, and the Store says why nothing moves.
    change(scratch, &json!({"images": {"order": "shopkeeper.local/order:no-such-version"}})).await;
    until(scratch, "Ready", "False").await;
    let (message, _) = eventually("the Store says that the image can't be had", LIMIT, || async {
        let store = stores(&scratch.client, &scratch.name).get(STORE).await.ok()?;
        let conditions = store.data.pointer("/status/conditions")?.as_array()?;
        let ready = conditions.iter().find(|it| it["type"] == "Ready" && it["reason"] == "ImagePullFailed")?;
        ready["message"].as_str().filter(|text| text.contains("no-such-version")).map(str::to_owned)
    })
    .await;
    println!("  an image that does not exist: {message}");
    change(scratch, &json!({"images": {"order": null}})).await;
    ready(&scratch.client, &scratch.name, STORE, LIMIT).await;

    // A service that is taken away.
    let api = Api::<Deployment>::namespaced(scratch.client.clone(), &scratch.name);
    api.delete(&format!("{STORE}-catalog"), &DeleteParams::foreground()).await.expect("a Deployment can be deleted");
    until(scratch, "Ready", "False").await;
    let took = ready(&scratch.client, &scratch.name, STORE, LIMIT).await;
    println!("  the catalog deleted: ready again after {:.1} s", took.as_secs_f64());

    // A database that is taken away.
    let pod = format!("{STORE}-postgres-0");
    let pods = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(scratch.client.clone(), &scratch.name);
    pods.delete(&pod, &DeleteParams::default()).await.expect("a pod can be deleted");
    until(scratch, "DatabaseReady", "False").await;
    let took = ready(&scratch.client, &scratch.name, STORE, LIMIT).await;
    println!("  the database's pod deleted: ready again after {:.1} s", took.as_secs_f64());
}

async fn change(scratch: &Scratch, spec: &Value) {
    let api = stores(&scratch.client, &scratch.name);
    let patch = Patch::Merge(json!({"spec": spec}));
    api.patch(STORE, &PatchParams::default(), &patch).await.expect("the change is accepted");
}

async fn until(scratch: &Scratch, type_: &str, status: &str) {
    let api = stores(&scratch.client, &scratch.name);
    eventually(&format!("{type_} is {status}"), LIMIT, || async {
        let store = api.get(STORE).await.ok()?;
        (condition(&store, type_) == status).then_some(())
    })
    .await;
}

async fn deployment(scratch: &Scratch, service: &str) -> Deployment {
    let api: Api<Deployment> = Api::namespaced(Client::clone(&scratch.client), &scratch.name);
    api.get(&format!("{STORE}-{service}")).await.expect("the Deployment is there")
}
