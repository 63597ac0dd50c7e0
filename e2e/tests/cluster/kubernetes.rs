//! The cluster as these tests see it: objects of any kind, and conditions that are awaited.

use std::future::Future;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, ObjectMeta, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::{Value, json};
use uuid::Uuid;

/// The namespace of the sample Store.
pub(crate) const SHOP: &str = "shop";
/// The sample Store.
pub(crate) const DEMO: &str = "demo";
/// Where the operator lives.
pub(crate) const OPERATOR: &str = "shopkeeper-system";

/// Where the gateway of the sample Store answers.
pub(crate) fn shop_url() -> String {
    std::env::var("SHOP_URL").unwrap_or_else(|_| "http://localhost:8080".to_owned())
}

pub(crate) async fn client() -> Client {
    Client::try_default().await.expect("KUBECONFIG leads to the cluster of `make up`")
}

/// The kinds of which a Store owns objects.
pub(crate) fn owned_kinds() -> Vec<ApiResource> {
    use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core, policy::v1 as policy};
    fn of<K: Resource<DynamicType = ()>>() -> ApiResource {
        ApiResource::erase::<K>(&())
    }
    vec![
        of::<core::ConfigMap>(),
        of::<core::Secret>(),
        of::<core::Service>(),
        of::<core::ServiceAccount>(),
        of::<apps::Deployment>(),
        of::<apps::StatefulSet>(),
        of::<batch::Job>(),
        of::<policy::PodDisruptionBudget>(),
    ]
}

pub(crate) fn objects(client: &Client, namespace: &str, kind: &ApiResource) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, kind)
}

/// Selects what belongs to a Store.
pub(crate) fn of_store(store: &str) -> ListParams {
    ListParams::default().labels(&format!("app.kubernetes.io/part-of=shopkeeper,app.kubernetes.io/instance={store}"))
}

pub(crate) fn stores(client: &Client, namespace: &str) -> Api<DynamicObject> {
    objects(client, namespace, &store_kind())
}

fn store_kind() -> ApiResource {
    ApiResource {
        group: "shopkeeper.dev".into(),
        version: "v1alpha1".into(),
        api_version: "shopkeeper.dev/v1alpha1".into(),
        kind: "Store".into(),
        plural: "stores".into(),
    }
}

/// The state of one condition of a Store, `Unknown` while it has none for its present generation.
pub(crate) fn condition(store: &DynamicObject, kind: &str) -> String {
    let current = store.data.pointer("/status/observedGeneration").and_then(Value::as_i64);
    let conditions = store.data.pointer("/status/conditions").and_then(Value::as_array);
    let found = conditions.into_iter().flatten().find(|condition| condition["type"] == kind);
    match (found, current == store.metadata.generation) {
        (Some(condition), true) => condition["status"].as_str().unwrap_or("Unknown").to_owned(),
        _ => "Unknown".to_owned(),
    }
}

/// Waits until a look at the world gives an answer, and tells how long that took; panics with `what` when the limit is reached.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> (T, Duration) {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return (seen, began.elapsed());
        }
        assert!(began.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until a Store says that it is ready.
pub(crate) async fn ready(client: &Client, namespace: &str, name: &str, limit: Duration) -> Duration {
    let api = stores(client, namespace);
    let look = || async {
        let store = api.get(name).await.ok()?;
        (condition(&store, "Ready") == "True").then_some(())
    };
    eventually(&format!("Store {namespace}/{name} is ready"), limit, look).await.1
}

/// The pods of a Store that run for good: those of Jobs come and go.
pub(crate) async fn standing_pods(client: &Client, namespace: &str, store: &str) -> Vec<Pod> {
    let pods =
        Api::<Pod>::namespaced(client.clone(), namespace).list(&of_store(store)).await.expect("pods can be listed");
    pods.items.into_iter().filter(|pod| !pod.owner_references().iter().any(|owner| owner.kind == "Job")).collect()
}

/// What the names of tests' own namespaces begin with.
const SCRATCH: &str = "e2e-";

/// A namespace of a test's own under Pod Security `restricted`, removed when the test says so.
pub(crate) struct Scratch {
    pub(crate) client: Client,
    pub(crate) name: String,
}

impl Scratch {
    pub(crate) async fn new(client: &Client) -> Self {
        let name = format!("{SCRATCH}{}", &Uuid::new_v4().simple().to_string()[..8]);
        let labels = [("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned())].into();
        let metadata = ObjectMeta { name: Some(name.clone()), labels: Some(labels), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let api = Api::<Namespace>::all(client.clone());
        api.create(&PostParams::default(), &namespace).await.expect("a namespace can be made");
        Self { client: client.clone(), name }
    }

    /// A small Store: one replica of each service, few products, no port on the node, nothing that watches it.
    pub(crate) async fn small_store(&self, name: &str, retention: &str) {
        let one = json!({"replicas": 1});
        let spec = json!({
            "services": {"catalog": one, "cart": one, "order": one, "user": one},
            "demo": {"products": 80, "users": true},
            "dataRetention": retention,
            "monitoring": {"enabled": false},
        });
        self.store(name, spec).await;
    }

    /// A Store as the spec says.
    pub(crate) async fn store(&self, name: &str, spec: Value) {
        let mut store = DynamicObject::new(name, &store_kind());
        store.data = json!({"spec": spec});
        stores(&self.client, &self.name).create(&PostParams::default(), &store).await.expect("a Store is accepted");
    }

    /// Begins to remove it, which takes as long as its pods take to end: see [`no_scratch_is_left`].
    pub(crate) async fn remove(self) {
        let api = Api::<Namespace>::all(self.client.clone());
        api.delete(&self.name, &DeleteParams::default()).await.expect("the namespace can be deleted");
    }
}

/// Waits until the namespaces that earlier tests removed are gone. What goes with them is written too, so whoever counts writes needs this.
/// One that a test left because it failed is in nobody's way.
pub(crate) async fn no_scratch_is_left(client: &Client) {
    let (began, limit) = (Instant::now(), Duration::from_secs(180));
    loop {
        let left = ending_scratch(client).await;
        if left.as_ref().is_ok_and(Vec::is_empty) {
            return;
        }
        assert!(began.elapsed() < limit, "the namespaces of earlier tests are not gone within {limit:?}: {left:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Names of the tests' namespaces that are on their way out.
async fn ending_scratch(client: &Client) -> kube::Result<Vec<String>> {
    let all = Api::<Namespace>::all(client.clone()).list_metadata(&ListParams::default()).await?;
    let ending = all.items.into_iter().filter(|it| it.metadata.deletion_timestamp.is_some());
    Ok(ending.map(|it| it.name_any()).filter(|name| name.starts_with(SCRATCH)).collect())
}
