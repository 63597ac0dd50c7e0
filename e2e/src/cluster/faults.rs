//! What a cluster does to its pods, on purpose and otherwise: updates that roll, pods that vanish, processes that are killed.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{Cluster, ClusterError, Replica, refused};

/// The services that have pods of their own.
pub const SERVICES: [&str; 4] = ["catalog", "cart", "order", "user"];

impl Cluster {
    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Runs every service with so many pods, and waits for them. What the Store said before comes back, for [`Cluster::give_back`].
    pub async fn replicate(&self, replicas: u32) -> Result<Value, ClusterError> {
        let before = self.store().await?.data["spec"]["services"].clone();
        let wanted = SERVICES.map(|service| (service.to_owned(), json!({"replicas": replicas})));
        self.patch(&json!({"spec": {"services": Value::Object(wanted.into_iter().collect())}})).await?;
        for service in SERVICES {
            self.settled(service, Some(replicas)).await?;
        }
        Ok(before)
    }

    /// Takes [`Cluster::replicate`] back.
    pub async fn give_back(&self, before: &Value) -> Result<(), ClusterError> {
        let were = SERVICES.map(|service| (service.to_owned(), json!({"replicas": before[service]["replicas"]})));
        self.patch(&json!({"spec": {"services": Value::Object(were.into_iter().collect())}})).await?;
        for service in SERVICES {
            self.settled(service, before[service]["replicas"].as_u64().and_then(|count| u32::try_from(count).ok()))
                .await?;
        }
        Ok(())
    }

    /// Replaces every pod of a component as an update does, as `kubectl rollout restart` asks for it; does not wait.
    pub async fn roll(&self, component: &str) -> Result<(), ClusterError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
        let template = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}});
        let patch = json!({"spec": {"template": template}});
        let name = format!("{}-{component}", self.store);
        let patched = self.deployments().patch(&name, &PatchParams::default(), &Patch::Strategic(&patch)).await;
        patched.map(drop).map_err(refused("to restart a Deployment"))
    }

    /// Waits until a component's pods are those that are wanted, all of them ready, and none is on its way out.
    pub async fn settled(&self, component: &str, replicas: Option<u32>) -> Result<(), ClusterError> {
        let (api, name) = (self.deployments(), format!("{}-{component}", self.store));
        self.until(&format!("the pods of {component} are as wanted"), async || {
            let deployment = api.get(&name).await.map_err(refused("to read a Deployment"))?;
            let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
            let asked_for = replicas.is_none_or(|replicas| wanted == i32::try_from(replicas).ok());
            let seen = deployment.status.as_ref().and_then(|status| status.observed_generation);
            let current = seen == deployment.metadata.generation;
            let status = deployment.status.unwrap_or_default();
            let all = [status.replicas, status.updated_replicas, status.available_replicas];
            let as_wanted = all.iter().all(|count| *count == wanted);
            // The Deployment hears a moment later of a pod that has gone than whoever counts them.
            let pods = [self.pods(component).await?.len(), self.replicas(component).await?.len()];
            let counted = pods.iter().all(|count| i32::try_from(*count).ok() == wanted);
            Ok(asked_for && current && as_wanted && counted)
        })
        .await
    }

    /// Removes a pod without a chance to say goodbye, as the loss of its node does.
    pub async fn vanish(&self, replica: &Replica) -> Result<(), ClusterError> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
        let at_once = DeleteParams::default().grace_period(0);
        pods.delete(&replica.pod, &at_once).await.map(drop).map_err(refused("to delete a pod"))
    }

    /// Kills the processes of a pod where they run, which must be this machine: `kill -9`.
    pub async fn crash(&self, replica: &Replica) -> Result<(), ClusterError> {
        let unseen = |answer: &str| ClusterError::Pod {
            pod: replica.pod.clone(),
            path: "its processes".to_owned(),
            answer: answer.to_owned(),
        };
        let api = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
        let pod = api.get(&replica.pod).await.map_err(refused("to read a pod"))?;
        let uid = pod.metadata.uid.ok_or_else(|| unseen("the pod has no uid"))?;
        let pids = processes(&uid);
        if pids.is_empty() {
            return Err(unseen("they can't be seen from here"));
        }
        let killed = Command::new("kill").arg("-9").args(pids.iter().map(u32::to_string)).status();
        if killed.is_ok_and(|status| status.success()) { Ok(()) } else { Err(unseen("they can't be killed from here")) }
    }
}

/// The processes of a pod, by their control groups, save the one that only holds its network.
fn processes(uid: &str) -> Vec<u32> {
    let spellings = [uid.to_owned(), uid.replace('-', "_")];
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let groups = read("cgroup");
        if spellings.iter().any(|uid| groups.contains(uid)) && read("comm").trim() != "pause" {
            found.push(pid);
        }
    }
    found
}
