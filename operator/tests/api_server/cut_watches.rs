//! What happens while nothing reaches the operator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, Request};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
    client::Body,
};
use serde_json::json;
use shopkeeper_local::ApiServer;
use shopkeeper_operator::{args::Settings, kind::Kind};

use crate::support::{Mishap, Mishaps, Proxy, World, config, config_of, eventually, install_crd, shape, until_shaped};

fn api(world: &World, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind.resource())
}

/// Deletes two children and changes two others.
async fn vandalise(world: &World) {
    for (kind, name) in [(Kind::Service, "demo-user"), (Kind::Secret, "demo-cart")] {
        api(world, kind).delete(name, &DeleteParams::default()).await.expect("to delete");
    }
    let replicas = json!({"spec": {"replicas": 7}});
    api(world, Kind::Deployment)
        .patch("demo-order", &PatchParams::default(), &Patch::Merge(replicas))
        .await
        .expect("to change");
    let data = json!({"data": {"nginx.conf": "mine"}});
    api(world, Kind::ConfigMap)
        .patch("demo-gateway", &PatchParams::default(), &Patch::Merge(data))
        .await
        .expect("to change");
}

/// Waits until what [`vandalise`] did is repaired, content and all.
async fn until_repaired(world: &World) {
    eventually("the change to be repaired", || async {
        let config = api(world, Kind::ConfigMap).get("demo-gateway").await.map_err(|error| error.to_string())?;
        if config.data["data"]["nginx.conf"] == "mine" { Err("it is changed".to_owned()) } else { Ok(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_while_all_connections_are_cut_is_repaired_afterwards() {
    let proxy = Proxy::start(config().await).await;
    let world = World::new("cut").await;
    let operator = world.operator_at(proxy.config());
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let expected = shape(&world).await;
    proxy.cut();
    vandalise(&world).await;
    // A change of the Store itself while nobody hears of it.
    world.apply("demo", json!({"services": {"user": {"replicas": 2}}})).await;
    proxy.mend();
    world.ready("demo").await;
    world.apply("demo", json!({})).await;
    until_shaped(&world, &expected, "everything to be as before").await;
    until_repaired(&world).await;
    world.ready("demo").await;
    operator.stop().await;
}

/// Whether a call begins a watch, and does not only list.
fn is_watch(request: &Request<Body>) -> bool {
    request.uri().query().is_some_and(|query| query.contains("watch=true"))
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_that_come_back_too_late_begin_anew_and_miss_nothing() {
    let proxy = Proxy::start(config().await).await;
    let world = World::new("gone").await;
    let (late, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (is_late, count) = (late.clone(), refused.clone());
    let mishaps = Mishaps::new(move |request| {
        let gone = is_watch(request) && is_late.load(Ordering::SeqCst);
        gone.then(|| {
            // All of the watches hear it, some of them twice; then the API server goes on as ever.
            if count.fetch_add(1, Ordering::SeqCst) > 20 {
                is_late.store(false, Ordering::SeqCst);
            }
            Mishap::Gone
        })
    });
    let operator = world.operator_through_at(&mishaps, proxy.config());
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let expected = shape(&world).await;
    late.store(true, Ordering::SeqCst);
    proxy.cut();
    vandalise(&world).await;
    proxy.mend();
    until_shaped(&world, &expected, "everything to be as before").await;
    until_repaired(&world).await;
    assert!(refused.load(Ordering::SeqCst) > 13, "no watch was refused");
    operator.stop().await;
}

/// How much an operator has asked for.
#[derive(Clone, Default)]
struct Asked {
    /// How often a single ConfigMap was read.
    reads: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
}

impl Asked {
    fn note(&self, request: &Request<Body>) {
        if request.method() != Method::GET {
            self.writes.fetch_add(1, Ordering::SeqCst);
        } else if request.uri().path().contains("/configmaps/") {
            self.reads.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn until_read_again(&self) {
        let before = self.reads.load(Ordering::SeqCst);
        eventually("everything to be read again", || async {
            // Every shop has half a dozen of them.
            let now = self.reads.load(Ordering::SeqCst);
            if now >= before + 10 { Ok(()) } else { Err(format!("{before} -> {now}")) }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_watch_tells_is_read_again_from_time_to_time_and_put_right_and_nothing_is_written_otherwise() {
    let world = World::new("blind").await;
    let first = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    first.stop().await;
    // ConfigMaps are listed, and what becomes of them afterwards is never told.
    let asked = Asked::default();
    let noted = asked.clone();
    let blind = Mishaps::new(move |request| {
        noted.note(request);
        let watched = is_watch(request) && request.uri().path().ends_with("/configmaps");
        watched.then_some(Mishap::NoAnswer)
    });
    let second = Duration::from_secs(1);
    let settings = Settings { resync: second, reread: second, ..world.settings() };
    let operator = World::operator_through_with(&blind, world.config.clone(), settings);
    asked.until_read_again().await;
    let writes = asked.writes.load(Ordering::SeqCst);
    asked.until_read_again().await;
    asked.until_read_again().await;
    assert_eq!(asked.writes.load(Ordering::SeqCst), writes, "writes at rest");
    let data = json!({"data": {"nginx.conf": "mine"}});
    let config_maps = api(&world, Kind::ConfigMap);
    config_maps.patch("demo-gateway", &PatchParams::default(), &Patch::Merge(data)).await.expect("to change");
    until_repaired(&world).await;
    config_maps.delete("demo-postgres", &DeleteParams::default()).await.expect("to delete");
    eventually("what was deleted to come back", || async {
        let there = config_maps.get_opt("demo-postgres").await.expect("an answer").is_some();
        if there { Ok(()) } else { Err("not there".to_owned()) }
    })
    .await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_api_server_is_worked_with_as_before() {
    let mut server = ApiServer::start().await.expect("an API server");
    install_crd(&server);
    let world = World::on(config_of(&server).await, "restarted").await;
    let operator = world.operator();
    world.apply("demo", json!({})).await;
    world.ready("demo").await;
    let expected = shape(&world).await;

    server.restart().await.expect("it starts again");
    vandalise(&world).await;
    until_shaped(&world, &expected, "what was broken after the restart to be repaired").await;
    until_repaired(&world).await;

    // And once more in the middle of a rollout.
    world.apply("demo", json!({"images": {"tag": "v2"}})).await;
    server.restart().await.expect("it starts again");
    let store = world.ready("demo").await;
    assert_eq!(store.status.and_then(|status| status.versions).expect("versions").shop, "v2");
    operator.stop().await;
}
