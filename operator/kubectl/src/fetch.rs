//! All that is asked of the API server, in one namespace.

mod children;
#[cfg(test)]
mod fake;

use k8s_openapi::{
    NamespaceResourceScope,
    api::batch::v1::{CronJob, Job},
    api::core::v1::Pod,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DynamicObject, ListParams, ObjectList, Patch, PatchParams, PostParams},
};
use serde_json::Value;
use shopkeeper_plan::{Component, INSTANCE_LABEL, NAME_LABEL};

use crate::{
    args::StoreName,
    error::Error,
    seen::{Seen, resource},
};

#[cfg(test)]
pub(crate) use children::Failure;
pub(crate) use children::{Children, Missing, Object};

/// Label of `CloudNativePG` on the pods of a cluster, which have no others of ours.
pub(crate) const CLUSTER_LABEL: &str = "cnpg.io/cluster";

/// Who the plugin is in the fields that it sets.
const FIELD_MANAGER: &str = "kubectl-shopkeeper";

const STORES: &str = "stores";

/// The Stores of a namespace.
#[derive(Clone)]
pub(crate) struct Shops {
    client: Client,
    namespace: String,
}

impl Shops {
    pub(crate) fn new(client: Client, namespace: String) -> Self {
        Self { client, namespace }
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    fn stores(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource())
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn error(&self, error: kube::Error, verb: &'static str, resource: &str) -> Error {
        Error::of(error, verb, resource, &self.namespace)
    }

    /// The Store of this name; without a name, the only one.
    pub(crate) async fn store(&self, name: Option<&StoreName>) -> Result<Seen, Error> {
        let Some(name) = name else { return self.only().await };
        match self.stores().get(name.as_str()).await {
            Ok(store) => Ok(Seen(store)),
            Err(error) if is_not_found(&error) => Err(self.no_such(name).await),
            Err(error) => Err(self.error(error, "get", STORES)),
        }
    }

    async fn only(&self) -> Result<Seen, Error> {
        let mut all = self.all().await?.items;
        match (all.pop(), all.is_empty()) {
            (None, _) => Err(Error::NoStore(self.namespace.clone())),
            (Some(only), true) => Ok(Seen(only)),
            (Some(last), false) => {
                let there = all.iter().chain([&last]).map(ResourceExt::name_any).collect();
                Err(Error::SeveralStores { namespace: self.namespace.clone(), there })
            }
        }
    }

    async fn all(&self) -> Result<ObjectList<DynamicObject>, Error> {
        match self.stores().list(&ListParams::default()).await {
            Ok(all) => Ok(all),
            // A list is empty where there is nothing; it is not found only where nobody knows the kind.
            Err(error) if is_not_found(&error) => Err(Error::NotInstalled),
            Err(error) => Err(self.error(error, "list", STORES)),
        }
    }

    /// Why there is no Store of a name: the API server says the same of a name and of a kind that it does not know.
    async fn no_such(&self, name: &StoreName) -> Error {
        let there = match self.all().await {
            Err(Error::NotInstalled) => return Error::NotInstalled,
            Err(_) => None,
            Ok(all) => Some(all.items.iter().map(ResourceExt::name_any).collect()),
        };
        Error::NoSuchStore { name: name.to_string(), namespace: self.namespace.clone(), there }
    }

    /// Changes these fields of a Store and no others, whoever has set them.
    pub(crate) async fn patch(&self, store: &Seen, fields: &Value) -> Result<(), Error> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let patched = self.stores().patch(&store.name(), &params, &Patch::Merge(fields)).await;
        patched.map(drop).map_err(|error| self.error(error, "patch", STORES))
    }

    /// What makes a Store's backups by the clock, if anything does.
    pub(crate) async fn backups(&self, store: &Seen) -> Result<Option<CronJob>, Error> {
        let name = format!("{}-{}", store.name(), Component::Backup);
        self.api::<CronJob>().get_opt(&name).await.map_err(|error| self.error(error, "get", "cronjobs"))
    }

    pub(crate) async fn create(&self, job: &Job) -> Result<Job, Error> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        self.api().create(&params, job).await.map_err(|error| self.error(error, "create", "jobs"))
    }

    /// The pods of some parts of a Store; of all of them without a word about parts.
    pub(crate) async fn pods(&self, store: &Seen, parts: &[&str]) -> Result<Vec<Pod>, Error> {
        let mut selector = format!("{INSTANCE_LABEL}={}", store.name());
        if !parts.is_empty() {
            selector = format!("{selector},{NAME_LABEL} in ({})", parts.join(","));
        }
        let mut pods = self.pods_with(&selector).await?;
        if store.has_cluster() && (parts.is_empty() || parts.contains(&Component::Postgres.as_str())) {
            let of_cluster = format!("{CLUSTER_LABEL}={}-{}", store.name(), Component::Postgres);
            pods.extend(self.pods_with(&of_cluster).await?);
        }
        Ok(pods)
    }

    async fn pods_with(&self, selector: &str) -> Result<Vec<Pod>, Error> {
        let listed = self.api::<Pod>().list(&ListParams::default().labels(selector)).await;
        listed.map(|pods| pods.items).map_err(|error| self.error(error, "list", "pods"))
    }
}

/// Whether there is no such object, or no such kind: of that the API server gives no reason, but a line of text.
fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cluster_that_does_not_know_stores_is_told_from_one_without_any() {
        let shops = Shops::answered_by(|_| (404, "404 page not found\n".into()));
        for name in [None, Some(StoreName::from("demo"))] {
            let error = shops.store(name.as_ref()).await.unwrap_err();
            assert!(matches!(error, Error::NotInstalled), "{error}");
        }
    }
}
