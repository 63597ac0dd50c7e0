//! A namespace with a Store, and operators for it.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::{api::core::v1::Namespace, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{
    Api, Client, Config,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
    client::ClientBuilder,
};
use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_operator::{
    args::Settings,
    client::client,
    controller,
    metrics::Metrics,
    observed::{Observed, StoreName},
};
use shopkeeper_plan::{ImageDefaults, MonitoringImages};
use tokio::{sync::oneshot, task::JoinHandle};
use tower::timeout::TimeoutLayer;

use super::{Mishaps, Players, cluster::config};

/// A namespace of a test's own.
pub struct World {
    pub config: Config,
    pub client: Client,
    pub namespace: String,
    pub players: Players,
    /// Where the pods answer which cache policies they run.
    pub pod_port: u16,
    /// Whether the port is settled, since a pod listens on it.
    pub pods_begun: bool,
}

/// An operator that runs inside the test.
pub struct Operator {
    pub metrics: Metrics,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl World {
    pub async fn new(name: &str) -> Self {
        Self::on(config().await, name).await
    }

    /// On another API server than the one that the tests share.
    pub async fn on(config: Config, name: &str) -> Self {
        let client = Client::try_from(config.clone()).expect("a client");
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let labels = [("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned())].into();
        let metadata = ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
        namespaces
            .create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() })
            .await
            .expect("a namespace");
        let players = Players::start(&client, name);
        Self { config, client, namespace: name.to_owned(), players, pod_port: 9090, pods_begun: false }
    }

    pub fn stores(&self) -> Api<Store> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A Store. What it is about is the shop itself, so that nothing watches it where the test does not say so.
    pub async fn apply(&self, name: &str, mut spec: Value) -> Store {
        if let Some(fields) = spec.as_object_mut() {
            fields.entry("monitoring").or_insert_with(|| json!({"enabled": false}));
        }
        let object =
            json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": name}, "spec": spec});
        self.stores().patch(name, &PatchParams::apply("test").force(), &Patch::Apply(object)).await.expect("a Store")
    }

    pub fn settings(&self) -> Settings {
        Settings {
            watch_namespaces: vec![self.namespace.clone()],
            concurrency: 4,
            rollouts_at_once: 5,
            reconcile_timeout: Duration::from_secs(30),
            resync: Duration::from_secs(600),
            reread: Duration::from_secs(1800),
            identity: "test".into(),
            pod_port: self.pod_port,
            hits_every: Duration::from_millis(200),
            operator_namespace: "shopkeeper-system".into(),
            operator_metrics: Some("shopkeeper-pods.shopkeeper-system.svc:9090".into()),
            images: ImageDefaults {
                registry: "shopkeeper.local".into(),
                tag: "v1".into(),
                postgres: "shopkeeper.local/postgres:15".into(),
                redis: "shopkeeper.local/redis:7".into(),
                nginx: "shopkeeper.local/nginx:1.22".into(),
                monitoring: monitoring_images(),
            },
        }
    }

    pub fn operator(&self) -> Operator {
        self.operator_at(self.config.clone())
    }

    /// An operator that reaches the API server in its own way.
    pub fn operator_at(&self, config: Config) -> Operator {
        let metrics = Metrics::new().expect("metrics");
        let client = client(config, &metrics).expect("a client");
        Operator::start(client, self.settings(), metrics)
    }

    /// An operator whose calls go wrong, and which waits for an answer only for a moment.
    pub fn operator_through(&self, mishaps: &Mishaps) -> Operator {
        self.operator_through_at(mishaps, self.config.clone())
    }

    /// The same in its own way.
    pub fn operator_through_at(&self, mishaps: &Mishaps, config: Config) -> Operator {
        Self::operator_through_with(mishaps, config, self.settings())
    }

    /// The same that was told something else.
    pub fn operator_through_with(mishaps: &Mishaps, mut config: Config, settings: Settings) -> Operator {
        let metrics = Metrics::new().expect("metrics");
        config.default_retry = false;
        let builder = ClientBuilder::try_from(config).expect("a client").with_layer(mishaps);
        // As the operator's own client, but less patient.
        let client = builder.with_layer(&TimeoutLayer::new(Duration::from_secs(5))).build();
        Operator::start(client, settings, metrics)
    }

    pub async fn store(&self, name: &str) -> Store {
        self.stores().get(name).await.expect("the Store")
    }

    /// Waits until the Store is Ready at its current generation.
    pub async fn ready(&self, name: &str) -> Store {
        self.until(name, "Ready", "True").await
    }

    /// Waits until a condition of the Store, at its current generation, has a status.
    pub async fn until(&self, name: &str, type_: &str, status: &str) -> Store {
        let what = format!("{name} to have {type_}={status}");
        eventually(&what, || async {
            let store = self.stores().get(name).await.map_err(|error| error.to_string())?;
            let found = condition(&store, type_);
            let current = found
                .as_ref()
                .is_some_and(|it| it.status == status && it.observed_generation == store.metadata.generation);
            if current { Ok(store) } else { Err(format!("{:?}", store.status)) }
        })
        .await
    }
}

impl Operator {
    pub fn start(client: Client, settings: Settings, metrics: Metrics) -> Self {
        let observed = Arc::new(Observed::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let end = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(controller::run(client, settings, metrics.clone(), observed, end));
        Self { metrics, stop, task }
    }

    pub fn writes(&self) -> u64 {
        self.metrics.total_writes()
    }

    pub fn reconciles(&self) -> u64 {
        self.metrics.reconciles.with_label_values(&["store", "ok"]).get()
    }

    /// Reconciles of whatever outcome.
    pub fn all_reconciles(&self) -> u64 {
        self.metrics.seconds.of(&["store"]).count()
    }

    /// Stores that wait for another try.
    pub fn waiting(&self) -> i64 {
        self.metrics.in_backoff.get()
    }

    /// Stops in an orderly way.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("an orderly end");
    }

    /// Stops as a killed process does.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Images of all that watches a shop.
fn monitoring_images() -> MonitoringImages {
    let image = |name: &str| format!("shopkeeper.local/{name}:1");
    MonitoringImages {
        prometheus: image("prometheus"),
        alertmanager: image("alertmanager"),
        grafana: image("grafana"),
        jaeger: image("jaeger"),
        redis_exporter: image("redis-exporter"),
        postgres_exporter: image("postgres-exporter"),
        locust: image("locust"),
        pg_admin: image("pgadmin"),
        redis_commander: image("redis-commander"),
    }
}

/// All figures of an operator as Prometheus gets them; of those about single Stores, only the ones about this one, if there is one.
pub fn figures(metrics: &Metrics, store: Option<&StoreName>) -> String {
    metrics.page(store, &http::HeaderMap::new()).expect("figures").text
}

pub fn condition(store: &Store, type_: &str) -> Option<Condition> {
    store.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_).cloned()
}

/// Tries until it succeeds; says what it saw last when it never does.
pub async fn eventually<T, F: Future<Output = Result<T, String>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let started = Instant::now();
    loop {
        match check().await {
            Ok(value) => return value,
            Err(seen) if started.elapsed() > Duration::from_secs(120) => {
                panic!("waited in vain for {what}; last seen: {seen}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}
