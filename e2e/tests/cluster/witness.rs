//! Follows a Store as `kubectl get store --watch` does, and holds what it says against what is so.

use futures::StreamExt as _;
use http::Request;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _, api::DynamicObject};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::kubernetes::{Scratch, condition, stores};

/// What was seen of a Store.
#[derive(Default)]
pub(crate) struct Seen {
    /// Versions of the Store.
    pub(crate) statuses: usize,
    /// Times that the shop was asked for products because its Store said that it is ready.
    pub(crate) asked: usize,
    /// What the Store said, and was not so.
    pub(crate) lies: Vec<String>,
}

/// A task that follows a Store.
pub(crate) struct Witness {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Seen>,
}

impl Witness {
    pub(crate) fn follow(scratch: &Scratch, store: &str) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let (client, namespace, name) = (scratch.client.clone(), scratch.name.clone(), store.to_owned());
        let task = tokio::spawn(async move {
            let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
            let mut versions = watcher(stores(&client, &namespace), config).default_backoff().applied_objects().boxed();
            let mut seen = Seen::default();
            loop {
                tokio::select! {
                    version = versions.next() => if let Some(Ok(store)) = version {
                        hold_against_the_world(&client, &namespace, &store, &mut seen).await;
                    },
                    _ = &mut stopped => return seen,
                }
            }
        });
        Self { stop, task }
    }

    pub(crate) async fn end(self) -> Seen {
        let _ = self.stop.send(());
        self.task.await.expect("the witness lives")
    }
}

async fn hold_against_the_world(client: &Client, namespace: &str, store: &DynamicObject, seen: &mut Seen) {
    seen.statuses += 1;
    seen.lies.extend(contradictions(store));
    if condition(store, "Ready") != "True" {
        return;
    }
    let answer = products(client, namespace, &store.name_any()).await;
    // What was said may have been taken back meanwhile; then nothing was proved.
    let now = stores(client, namespace).get(&store.name_any()).await;
    let still =
        now.is_ok_and(|now| condition(&now, "Ready") == "True" && now.resource_version() == store.resource_version());
    match answer {
        Ok(()) => seen.asked += 1,
        Err(answer) if still => seen.lies.push(format!("Ready, and yet: {answer}")),
        Err(_) => {}
    }
}

/// Asks the shop's gateway for products, by way of the API server.
async fn products(client: &Client, namespace: &str, store: &str) -> Result<(), String> {
    let uri = format!("/api/v1/namespaces/{namespace}/services/{store}-gateway:http/proxy/api/products?category=fruit");
    let request = Request::get(uri).body(Vec::new()).expect("a valid request");
    let answer: Value = client.request(request).await.map_err(|error| error.to_string())?;
    if answer["items"].as_array().is_some_and(|items| !items.is_empty()) { Ok(()) } else { Err(answer.to_string()) }
}

/// What one status says that does not go together.
fn contradictions(store: &DynamicObject) -> Vec<String> {
    let mut found = Vec::new();
    let is = |type_: &str| condition(store, type_) == "True";
    let generation = store.metadata.generation;
    let conditions = store.data.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    for condition in &conditions {
        let of = condition["observedGeneration"].as_i64();
        if of > generation {
            found.push(format!("{} speaks of generation {of:?}, which is not yet: {generation:?}", condition["type"]));
        }
        if condition["reason"].as_str().is_none_or(str::is_empty)
            || condition["message"].as_str().is_none_or(str::is_empty)
        {
            found.push(format!("{condition} gives no reason"));
        }
    }
    if is("Ready") {
        for needed in ["DatabaseReady", "ServicesReady"] {
            if !is(needed) {
                found.push(format!("Ready without {needed}: {conditions:?}"));
            }
        }
        let services = store.data.pointer("/status/services").and_then(Value::as_array).cloned().unwrap_or_default();
        for service in services {
            if service["ready"].as_i64() < service["desired"].as_i64() {
                found.push(format!("Ready with {service}"));
            }
        }
    }
    found
}
