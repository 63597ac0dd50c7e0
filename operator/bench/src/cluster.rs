//! The API server, kwok, and the Stores.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, CustomResourceExt,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde_json::{Value, json};
use shopkeeper_api::Store;
use shopkeeper_local::{ApiServer, Kwok};

use crate::counters::Writes;

/// Where the operator lives.
pub(crate) const OPERATOR_NAMESPACE: &str = "shopkeeper-system";
/// What every Store is called; each is in a namespace of its own.
pub(crate) const STORE: &str = "demo";

/// The API server with kwok beside it.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) server: ApiServer,
    _kwok: Kwok,
    stores: usize,
    changes: AtomicUsize,
}

/// The namespace of a Store.
pub(crate) fn namespace(number: usize) -> String {
    format!("shop-{number:04}")
}

impl Cluster {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let server = ApiServer::start().await?;
        let config =
            Config::from_custom_kubeconfig(Kubeconfig::from_yaml(server.kubeconfig())?, &KubeConfigOptions::default())
                .await?;
        let client = Client::try_from(config)?;
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        crds.create(&PostParams::default(), &Store::crd()).await?;
        await_condition(crds, Store::crd_name(), is_crd_established()).await?;
        let kwok = Kwok::start(&server, include_str!("stages.yaml")).await?;
        let cluster = Self { client, server, _kwok: kwok, stores: 0, changes: AtomicUsize::new(0) };
        cluster.make_namespace(OPERATOR_NAMESPACE).await?;
        Ok(cluster)
    }

    async fn make_namespace(&self, name: &str) -> anyhow::Result<()> {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await?;
        Ok(())
    }

    /// How many Stores there are.
    pub(crate) const fn stores(&self) -> usize {
        self.stores
    }

    /// Makes Stores until there are so many.
    pub(crate) async fn grow_to(&mut self, count: usize) -> anyhow::Result<()> {
        let cluster = &*self;
        stream::iter(self.stores..count)
            .map(|number| async move {
                cluster.make_namespace(&namespace(number)).await?;
                // Figures are of the shop itself, and comparable with those of before there was any monitoring.
                cluster.apply(number, &json!({"monitoring": {"enabled": false}})).await.map(drop)
            })
            .buffer_unordered(8)
            .try_collect::<Vec<()>>()
            .await?;
        self.stores = self.stores.max(count);
        Ok(())
    }

    /// The Stores of a namespace.
    pub(crate) fn api(&self, number: usize) -> Api<Store> {
        Api::namespaced(self.client.clone(), &namespace(number))
    }

    /// Makes a Store, or gives it this spec.
    async fn apply(&self, number: usize, spec: &Value) -> anyhow::Result<Store> {
        let store = json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "metadata": {"name": STORE}, "spec": spec});
        let parameters = PatchParams::apply("operator-bench").force();
        Ok(self.api(number).patch(STORE, &parameters, &Patch::Apply(store)).await?)
    }

    /// Changes a Store; its generation afterwards, and when the change was sent.
    pub(crate) async fn change(&self, number: usize, patch: &Value) -> anyhow::Result<(i64, Instant)> {
        let sent = Instant::now();
        let store = self.api(number).patch(STORE, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok((store.metadata.generation.context("a generation")?, sent))
    }

    /// Changes the order service of a Store, to something that it never was before.
    pub(crate) async fn change_order(&self, number: usize) -> anyhow::Result<(i64, Instant)> {
        let milliseconds = 6_000 + self.changes.fetch_add(1, Ordering::Relaxed) % 8_000;
        let lifecycle = json!({"processingAfter": format!("{milliseconds}ms")});
        self.change(number, &json!({"spec": {"services": {"order": {"lifecycle": lifecycle}}}})).await
    }

    /// Writes so far.
    pub(crate) async fn writes(&self) -> anyhow::Result<Writes> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let metrics = self.client.request_text(request).await?;
        let writes = Writes::read(&metrics);
        ensure!(writes.total() > 0, "the API server counted nothing, so its counters have another name");
        Ok(writes)
    }
}
