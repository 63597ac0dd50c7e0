//! The cluster beside the shop: the Store, which is changed, and the pods one by one, behind the gateway's back.

pub mod faults;

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::client::Body;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

/// How long the cluster is given for what it is asked.
const LIMIT: Duration = Duration::from_secs(60);

/// Pause between looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Why the cluster did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is none in reach.
    #[error("no cluster in reach; `eval \"$(make -s env)\"` puts one into the shell")]
    None(#[source] kube::Error),
    /// A request to the API server failed.
    #[error("the API server refused: {what}")]
    Refused {
        /// What it was asked.
        what: &'static str,
        /// What it said.
        #[source]
        source: Box<kube::Error>,
    },
    /// A pod gave no answer that can be read.
    #[error("pod {pod} gives no answer to {path}: {answer}")]
    Pod {
        /// The pod.
        pod: String,
        /// The path.
        path: String,
        /// What came instead.
        answer: String,
    },
    /// Something did not come about in time.
    #[error("not within {LIMIT:?}: {0}")]
    Late(String),
}

/// A Store on a cluster.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    namespace: String,
    store: String,
}

/// One pod of a service.
#[derive(Clone, Debug)]
pub struct Replica {
    /// The pod.
    pub pod: String,
}

/// What one pod answered.
#[derive(Clone, Debug)]
pub struct ReplicaAnswer {
    /// The body.
    pub body: Value,
    /// What a cache did for it, if one did.
    pub cache_status: Option<String>,
}

fn refused(what: &'static str) -> impl FnOnce(kube::Error) -> ClusterError {
    move |source| ClusterError::Refused { what, source: Box::new(source) }
}

impl Cluster {
    /// The Store of this name on the cluster that KUBECONFIG leads to.
    pub async fn connect(namespace: &str, store: &str) -> Result<Self, ClusterError> {
        let client = Client::try_default().await.map_err(ClusterError::None)?;
        Ok(Self { client, namespace: namespace.to_owned(), store: store.to_owned() })
    }

    fn stores(&self) -> Api<DynamicObject> {
        let kind = ApiResource {
            group: "shopkeeper.dev".into(),
            version: "v1alpha1".into(),
            api_version: "shopkeeper.dev/v1alpha1".into(),
            kind: "Store".into(),
            plural: "stores".into(),
        };
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind)
    }

    /// The Store as it is.
    pub async fn store(&self) -> Result<DynamicObject, ClusterError> {
        self.stores().get(&self.store).await.map_err(refused("to read the Store"))
    }

    /// Changes the Store, as `kubectl patch --type merge` does.
    pub async fn patch(&self, patch: &Value) -> Result<DynamicObject, ClusterError> {
        let patched = self.stores().patch(&self.store, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map_err(refused("to change the Store"))
    }

    /// Gives one cache another policy (null: the default), and waits until every pod says that it runs it; how long that took.
    pub async fn set_policy(&self, cache: &str, policy: &Value) -> Result<Duration, ClusterError> {
        let began = Instant::now();
        let patched = self.patch(&json!({"spec": {"cache": {"policies": {cache: policy}}}})).await?;
        let generation = patched.metadata.generation.unwrap_or_default();
        self.until("all pods have the policy", async || {
            let store = self.store().await?;
            let observed = store.data.pointer("/status/observedGeneration").and_then(Value::as_i64);
            Ok(observed.is_some_and(|observed| observed >= generation) && applied(&store))
        })
        .await?;
        Ok(began.elapsed())
    }

    /// Leaves the Store's children alone for a while, or no more.
    pub async fn pause(&self, paused: bool) -> Result<(), ClusterError> {
        let value = if paused { json!("true") } else { Value::Null };
        self.patch(&json!({"metadata": {"annotations": {"shopkeeper.dev/paused": value}}})).await.map(drop)
    }

    /// Stops Redis, or lets it start again, and waits for it. The Store must be paused, or the operator puts it right at once.
    pub async fn run_redis(&self, runs: bool) -> Result<(), ClusterError> {
        let api = Api::<StatefulSet>::namespaced(self.client.clone(), &self.namespace);
        let name = format!("{}-redis", self.store);
        let patch = json!({"spec": {"replicas": i32::from(runs)}});
        api.patch_scale(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(refused("to scale Redis"))?;
        self.until("Redis has started or stopped", async || {
            let status = api.get(&name).await.map_err(refused("to read Redis' StatefulSet"))?.status;
            let pods = self.pods("redis").await?.len();
            let ready = status.and_then(|status| status.ready_replicas).unwrap_or(0);
            Ok(if runs { ready == 1 } else { pods == 0 })
        })
        .await
    }

    /// The pods of a service that are ready and not about to end.
    pub async fn replicas(&self, service: &str) -> Result<Vec<Replica>, ClusterError> {
        let pods = self.pods(service).await?;
        Ok(pods.into_iter().filter(stands).map(|pod| Replica { pod: pod.name_any() }).collect())
    }

    /// The pods of a service, also those that start or end.
    async fn pods(&self, service: &str) -> Result<Vec<Pod>, ClusterError> {
        let labels = format!("app.kubernetes.io/instance={},app.kubernetes.io/name={service}", self.store);
        let pods = Api::<Pod>::namespaced(self.client.clone(), &self.namespace)
            .list(&ListParams::default().labels(&labels))
            .await
            .map_err(refused("to list pods"))?;
        Ok(pods.items)
    }

    /// How often the containers of a service were started again.
    pub async fn restarts(&self, service: &str) -> Result<Vec<(String, i32)>, ClusterError> {
        let api = Api::<Pod>::namespaced(self.client.clone(), &self.namespace);
        let mut restarts = Vec::new();
        for replica in self.replicas(service).await? {
            let pod = api.get(&replica.pod).await.map_err(refused("to read a pod"))?;
            let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
            restarts.push((replica.pod, containers.iter().map(|container| container.restart_count).sum()));
        }
        restarts.sort();
        Ok(restarts)
    }

    /// Asks one pod, by way of the API server, so that no gateway chooses another.
    pub async fn ask(&self, replica: &Replica, port: u16, path: &str) -> Result<ReplicaAnswer, ClusterError> {
        let unreadable = |answer: String| ClusterError::Pod { pod: replica.pod.clone(), path: path.to_owned(), answer };
        let uri = format!("/api/v1/namespaces/{}/pods/{}:{port}/proxy{path}", self.namespace, replica.pod);
        let request = http::Request::get(uri).body(Body::empty()).map_err(|error| unreadable(error.to_string()))?;
        let response = self.client.send(request).await.map_err(|error| unreadable(error.to_string()))?;
        let header = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
        let cache_status = header.map(str::to_owned);
        let body = response.into_body().collect().await.map_err(|error| unreadable(error.to_string()))?.to_bytes();
        let body = serde_json::from_slice(&body)
            .map_err(|_| unreadable(String::from_utf8_lossy(&body).chars().take(200).collect()))?;
        Ok(ReplicaAnswer { body, cache_status })
    }

    /// A figure of one cache, summed over the pods of a service: `loads`, `misses`, `redis_hits`...
    pub async fn figure(&self, service: &str, cache: &str, figure: &str) -> Result<i64, ClusterError> {
        let mut sum = 0;
        for replica in self.replicas(service).await? {
            let stats = self.ask(&replica, 9090, "/cache/stats").await?.body;
            let caches = stats["caches"].as_array().cloned().unwrap_or_default();
            let cache = caches.into_iter().find(|stats| stats["name"] == cache).unwrap_or_default();
            sum += cache[figure].as_i64().unwrap_or_default();
        }
        Ok(sum)
    }

    /// Waits until a look gives true.
    pub async fn until(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<bool, ClusterError>,
    ) -> Result<(), ClusterError> {
        let began = Instant::now();
        while !look().await? {
            if began.elapsed() > LIMIT {
                return Err(ClusterError::Late(what.to_owned()));
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }
}

/// Whether all pods run the Store's cache policies.
fn applied(store: &DynamicObject) -> bool {
    let conditions = store.data.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == "CachePolicyApplied");
    found.is_some_and(|condition| {
        condition["status"] == "True" && condition["observedGeneration"].as_i64() >= store.metadata.generation
    })
}

fn stands(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}
