//! Plays the controllers that are not there: says that pods are ready and Jobs are done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
};
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;
use tokio::{sync::Mutex, task::JoinHandle};

/// What the players say about Jobs.
#[derive(Debug)]
pub struct Players {
    pub migrations_fail: Arc<AtomicBool>,
    resting: Arc<Mutex<bool>>,
    task: JoinHandle<()>,
}

impl Drop for Players {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Players {
    pub fn start(client: Client, namespace: String) -> Self {
        let migrations_fail = Arc::new(AtomicBool::new(false));
        let fail = migrations_fail.clone();
        let resting = Arc::new(Mutex::new(false));
        let rests = resting.clone();
        let task = tokio::spawn(async move {
            loop {
                let rests = rests.lock().await;
                if !*rests {
                    stateful_sets(&client, &namespace).await;
                    deployments(&client, &namespace).await;
                    jobs(&client, &namespace, &fail).await;
                }
                drop(rests);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { migrations_fail, resting, task }
    }

    /// Nothing is said from now on.
    pub async fn rest(&self) {
        *self.resting.lock().await = true;
    }
}

async fn stateful_sets(client: &Client, namespace: &str) {
    let api: Api<StatefulSet> = Api::namespaced(client.clone(), namespace);
    let Ok(found) = api.list(&ListParams::default()).await else { return };
    for set in found {
        let generation = set.metadata.generation;
        if set.status.as_ref().and_then(|status| status.observed_generation) == generation {
            continue;
        }
        let replicas = set.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let status = json!({"status": {
            "observedGeneration": generation, "replicas": replicas, "readyReplicas": replicas, "currentRevision": "a", "updateRevision": "a",
        }});
        let name = set.metadata.name.unwrap_or_default();
        let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
    }
}

async fn deployments(client: &Client, namespace: &str) {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let Ok(found) = api.list(&ListParams::default()).await else { return };
    for deployment in found {
        let generation = deployment.metadata.generation;
        if deployment.status.as_ref().and_then(|status| status.observed_generation) == generation {
            continue;
        }
        let replicas = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
        let status = json!({"status": {
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas, "availableReplicas": replicas,
        }});
        let name = deployment.metadata.name.unwrap_or_default();
        let _ = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await;
    }
}

async fn jobs(client: &Client, namespace: &str, migrations_fail: &AtomicBool) {
    let api: Api<Job> = Api::namespaced(client.clone(), namespace);
    let Ok(found) = api.list(&ListParams::default()).await else { return };
    for job in found {
        let name = job.metadata.name.clone().unwrap_or_default();
        if job.status.and_then(|status| status.conditions).is_some() {
            continue;
        }
        let now = Timestamp::now();
        let condition = |type_: &str| json!({"type": type_, "status": "True", "reason": "Played", "message": "played", "lastTransitionTime": now});
        let status = if migrations_fail.load(Ordering::Relaxed) && name.contains("-migrate-") {
            json!({"startTime": now, "failed": 1, "conditions": [condition("FailureTarget"), condition("Failed")]})
        } else {
            json!({"startTime": now, "completionTime": now, "succeeded": 1,
                   "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]})
        };
        let patched = api.patch_status(&name, &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await;
        if let Err(error) = patched {
            eprintln!("a Job's status could not be played: {error}");
        }
    }
}
