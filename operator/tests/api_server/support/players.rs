//! Plays the controllers that are not there: says that pods are ready and Jobs are done.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, StatefulSet},
        batch::v1::Job,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{sync::Mutex, task::JoinHandle};

/// What the players say about Jobs.
#[derive(Debug)]
pub struct Players {
    pub migrations_fail: Arc<AtomicBool>,
    resting: Arc<Mutex<bool>>,
    tasks: [JoinHandle<()>; 3],
}

impl Drop for Players {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Players {
    pub fn start(client: &Client, namespace: &str) -> Self {
        let migrations_fail = Arc::new(AtomicBool::new(false));
        let fail = migrations_fail.clone();
        let resting = Arc::new(Mutex::new(false));
        let rests = || resting.clone();
        let tasks = [
            tokio::spawn(play(Api::<StatefulSet>::namespaced(client.clone(), namespace), rests(), stateful_set)),
            tokio::spawn(play(Api::<Deployment>::namespaced(client.clone(), namespace), rests(), deployment)),
            tokio::spawn(play(Api::<Job>::namespaced(client.clone(), namespace), rests(), move |it| job(it, &fail))),
        ];
        Self { migrations_fail, resting, tasks }
    }

    /// Nothing is said from now on.
    pub async fn rest(&self) {
        *self.resting.lock().await = true;
    }
}

/// Gives each object that comes or changes the status that it should have, if it has not.
async fn play<K>(api: Api<K>, resting: Arc<Mutex<bool>>, status: impl Fn(&K) -> Option<Value>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let mut changes = Box::pin(changes(&api));
    while let Some(object) = changes.next().await {
        let Some(status) = status(&object) else { continue };
        let patch = Patch::Merge(json!({"status": status}));
        let name = object.name_any();
        let rests = resting.lock().await;
        if *rests {
            return;
        }
        // The API server may be away for a moment; what is gone needs no status.
        while let Err(error) = api.patch_status(&name, &PatchParams::default(), &patch).await {
            if matches!(&error, kube::Error::Api(answer) if answer.is_not_found()) {
                break;
            }
            eprintln!("the status of {name} could not be played yet: {error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

fn changes<K>(api: &Api<K>) -> impl Stream<Item = K> + use<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let events = watcher(api.clone(), watcher::Config::default()).default_backoff().applied_objects();
    // A watch that broke is begun again by itself.
    events.into_stream().filter_map(|object| std::future::ready(object.ok()))
}

fn stateful_set(set: &StatefulSet) -> Option<Value> {
    let generation = set.metadata.generation;
    let told = set.status.as_ref().and_then(|status| status.observed_generation);
    let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    (told != generation).then(|| {
        json!({
            "observedGeneration": generation, "replicas": replicas, "readyReplicas": replicas,
            "currentRevision": "a", "updateRevision": "a",
        })
    })
}

fn deployment(deployment: &Deployment) -> Option<Value> {
    let generation = deployment.metadata.generation;
    let told = deployment.status.as_ref().and_then(|status| status.observed_generation);
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    (told != generation).then(|| {
        json!({
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas, "availableReplicas": replicas,
        })
    })
}

fn job(job: &Job, migrations_fail: &AtomicBool) -> Option<Value> {
    if job.status.as_ref().is_some_and(|status| status.conditions.is_some()) {
        return None;
    }
    let now = Timestamp::now();
    let condition = |type_: &str| json!({"type": type_, "status": "True", "reason": "Played", "message": "played", "lastTransitionTime": now});
    Some(if migrations_fail.load(Ordering::Relaxed) && job.name_any().contains("-migrate-") {
        json!({"startTime": now, "failed": 1, "conditions": [condition("FailureTarget"), condition("Failed")]})
    } else {
        json!({"startTime": now, "completionTime": now, "succeeded": 1,
               "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]})
    })
}
