//! All objects that may belong to a Store.

use futures::future::join_all;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, ListParams, ObjectMeta},
};
use serde_json::Value;
use shopkeeper_plan::{Cluster, HTTPRoute, INSTANCE_LABEL, PrometheusRule, ServiceMonitor};

use super::{Shops, is_not_found};
use crate::{error::Error, seen::Seen};

/// An object of whatever kind.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) metadata: ObjectMeta,
    /// All of it but its metadata. Nothing, for kinds of which more is nobody's business here.
    pub(crate) data: Value,
}

/// What was found, in the order in which it is shown.
#[derive(Debug, Default)]
pub(crate) struct Children {
    pub(crate) objects: Vec<Object>,
    /// Kinds that the user may not list.
    pub(crate) forbidden: Vec<String>,
}

/// The kinds, in the order in which they are shown.
fn kinds() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<StatefulSet>(&()),
        ApiResource::erase::<Cluster>(&()),
        ApiResource::erase::<ReplicaSet>(&()),
        ApiResource::erase::<CronJob>(&()),
        ApiResource::erase::<Job>(&()),
        ApiResource::erase::<Pod>(&()),
        ApiResource::erase::<HorizontalPodAutoscaler>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<Ingress>(&()),
        ApiResource::erase::<HTTPRoute>(&()),
        ApiResource::erase::<NetworkPolicy>(&()),
        ApiResource::erase::<PersistentVolumeClaim>(&()),
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<Secret>(&()),
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<ServiceMonitor>(&()),
        ApiResource::erase::<PrometheusRule>(&()),
    ]
}

/// Whether of this kind only metadata is fetched: its content is large, or secret, and says nothing of how it is.
fn is_content_left(kind: &str) -> bool {
    matches!(kind, "ConfigMap" | "Secret")
}

impl Shops {
    /// All objects with a Store's label. Which of them are its own is seen by their owners.
    pub(crate) async fn children(&self, store: &Seen) -> Result<Children, Error> {
        let selected = ListParams::default().labels(&format!("{INSTANCE_LABEL}={}", store.name()));
        let kinds = kinds();
        let lists = join_all(kinds.iter().map(|kind| self.listed(kind, &selected))).await;
        let mut children = Children::default();
        for (kind, list) in kinds.iter().zip(lists) {
            match list {
                Ok(mut objects) => children.objects.append(&mut objects),
                Err(kube::Error::Api(status)) if status.is_forbidden() => children.forbidden.push(kind.plural.clone()),
                // Not every cluster knows every kind.
                Err(error) if is_not_found(&error) => {}
                Err(error) => return Err(self.error(error, "list", &kind.plural)),
            }
        }
        self.add_pods_of_clusters(&mut children).await?;
        Ok(children)
    }

    /// `CloudNativePG` labels the pods of its `Cluster` in its own way.
    async fn add_pods_of_clusters(&self, children: &mut Children) -> Result<(), Error> {
        let clusters: Vec<String> = children
            .objects
            .iter()
            .filter(|object| object.kind == "Cluster")
            .filter_map(|object| object.metadata.name.clone())
            .collect();
        if clusters.is_empty() {
            return Ok(());
        }
        let selected = ListParams::default().labels(&format!("cnpg.io/cluster in ({})", clusters.join(",")));
        let pods = ApiResource::erase::<Pod>(&());
        match self.listed(&pods, &selected).await {
            Ok(found) => {
                let known = |pod: &Object| children.objects.iter().any(|it| it.metadata.uid == pod.metadata.uid);
                let new: Vec<Object> = found.into_iter().filter(|pod| !known(pod)).collect();
                children.objects.extend(new);
            }
            // Which is told already.
            Err(kube::Error::Api(status)) if status.is_forbidden() => {}
            Err(error) => return Err(self.error(error, "list", &pods.plural)),
        }
        Ok(())
    }

    async fn listed(&self, resource: &ApiResource, selected: &ListParams) -> kube::Result<Vec<Object>> {
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, resource);
        let kind = &resource.kind;
        let mut objects: Vec<Object> = if is_content_left(kind) {
            let listed = api.list_metadata(selected).await?.items.into_iter();
            listed.map(|it| Object { kind: kind.clone(), metadata: it.metadata, data: Value::Null }).collect()
        } else {
            let listed = api.list(selected).await?.items.into_iter();
            listed.map(|it| Object { kind: kind.clone(), metadata: it.metadata, data: it.data }).collect()
        };
        objects.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
        Ok(objects)
    }
}

impl From<Seen> for Object {
    fn from(Seen(DynamicObject { metadata, data, .. }): Seen) -> Self {
        Self { kind: "Store".into(), metadata, data }
    }
}
