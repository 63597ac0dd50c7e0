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
use serde::Serialize;
use serde_json::Value;
use shopkeeper_plan::{Cluster, HTTPRoute, INSTANCE_LABEL, PrometheusRule, ServiceMonitor};

use super::{CLUSTER_LABEL, Shops, is_not_found};
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
    pub(crate) missing: Missing,
}

/// Kinds of which there may be more than is shown.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Missing {
    /// Those that the user may not list.
    pub(crate) not_listed: Vec<String>,
    /// Those that could not be listed for another reason.
    pub(crate) failed: Vec<Failure>,
}

/// A kind that could not be listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    pub(crate) resource: String,
    /// Why, as a sentence that names the kind.
    pub(crate) message: String,
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

impl Missing {
    /// Notes that a kind is missing, each kind once.
    fn add(&mut self, shops: &Shops, kind: &ApiResource, error: kube::Error) {
        let resource = kind.plural.clone();
        let is_told = self.not_listed.contains(&resource) || self.failed.iter().any(|it| it.resource == resource);
        // Not every cluster knows every kind.
        if is_told || is_not_found(&error) {
            return;
        }
        match shops.error(error, "list", &resource) {
            Error::Forbidden { .. } => self.not_listed.push(resource),
            error => self.failed.push(Failure { message: error.to_string(), resource }),
        }
    }
}

/// Whether of this kind only metadata is fetched: its content is large, or secret, and says nothing of how it is.
fn is_content_left(kind: &str) -> bool {
    matches!(kind, "ConfigMap" | "Secret")
}

impl Shops {
    /// All objects with a Store's label. Which of them are its own is seen by their owners. A kind that cannot be listed takes no other along.
    pub(crate) async fn children(&self, store: &Seen) -> Children {
        let selected = ListParams::default().labels(&format!("{INSTANCE_LABEL}={}", store.name()));
        let kinds = kinds();
        let lists = join_all(kinds.iter().map(|kind| self.listed(kind, &selected))).await;
        let mut children = Children::default();
        for (kind, list) in kinds.iter().zip(lists) {
            match list {
                Ok(mut objects) => children.objects.append(&mut objects),
                Err(error) => children.missing.add(self, kind, error),
            }
        }
        self.add_pods_of_clusters(&mut children).await;
        children
    }

    /// `CloudNativePG` labels the pods of its `Cluster` in its own way.
    async fn add_pods_of_clusters(&self, children: &mut Children) {
        let clusters: Vec<String> = children
            .objects
            .iter()
            .filter(|object| object.kind == "Cluster")
            .filter_map(|object| object.metadata.name.clone())
            .collect();
        if clusters.is_empty() {
            return;
        }
        let selected = ListParams::default().labels(&format!("{CLUSTER_LABEL} in ({})", clusters.join(",")));
        let pods = ApiResource::erase::<Pod>(&());
        match self.listed(&pods, &selected).await {
            Ok(found) => {
                let known = |pod: &Object| children.objects.iter().any(|it| it.metadata.uid == pod.metadata.uid);
                let new: Vec<Object> = found.into_iter().filter(|pod| !known(pod)).collect();
                children.objects.extend(new);
            }
            Err(error) => children.missing.add(self, &pods, error),
        }
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

#[cfg(test)]
mod tests {
    use http::Request;
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    /// The variants of the operator's `Kind`, as its source has them.
    fn made_by_the_operator() -> Vec<&'static str> {
        let source = include_str!("../../../src/kind.rs");
        let (_, rest) = source.split_once("pub enum Kind {").unwrap();
        let (variants, _) = rest.split_once('}').unwrap();
        let code = variants.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        code.filter_map(|line| line.strip_suffix(',')).collect()
    }

    #[test]
    fn every_kind_that_the_operator_makes_is_looked_for() {
        let mut expected: Vec<_> = made_by_the_operator().into_iter().chain(["Pod", "ReplicaSet"]).collect();
        assert!(expected.contains(&"Deployment"), "{expected:?}");
        expected.sort_unstable();
        let mut kinds: Vec<String> = kinds().into_iter().map(|it| it.kind).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, expected);
    }

    fn no(code: u16, reason: &str, message: &str) -> (u16, String) {
        (code, json!({"status": "Failure", "message": message, "reason": reason, "code": code}).to_string())
    }

    fn list(items: &Value) -> (u16, String) {
        (200, json!({"metadata": {}, "items": items}).to_string())
    }

    fn answer(request: &Request<Body>) -> (u16, String) {
        let query = request.uri().query().unwrap_or_default();
        match request.uri().path().rsplit('/').next() {
            Some("deployments") => list(&json!([{"metadata": {"name": "demo-cart", "uid": "d"}}])),
            Some("clusters") => list(&json!([{"metadata": {"name": "demo-postgres", "uid": "c"}}])),
            Some("pods") if query.contains("cnpg") => no(503, "ServiceUnavailable", "apiserver is shutting down"),
            Some("jobs") => no(500, "InternalError", "etcdserver: request timed out"),
            Some("secrets") => no(403, "Forbidden", "secrets is forbidden"),
            Some("httproutes") => (404, "404 page not found\n".into()),
            _ => list(&json!([])),
        }
    }

    #[tokio::test]
    async fn a_kind_that_cannot_be_listed_is_named_and_all_others_are_found() {
        let store = Seen(serde_json::from_value(json!({"metadata": {"name": "demo"}})).unwrap());
        let Children { objects, missing } = Shops::answered_by(answer).children(&store).await;
        let names: Vec<_> = objects.iter().filter_map(|it| it.metadata.name.as_deref()).collect();
        assert_eq!(names, ["demo-cart", "demo-postgres"]);
        let expected = json!({"notListed": ["secrets"], "failed": [
            {"resource": "jobs", "message": "the API server does not list jobs: etcdserver: request timed out"},
            {"resource": "pods", "message": "the API server does not list pods: apiserver is shutting down"}]});
        assert_eq!(serde_json::to_value(&missing).unwrap(), expected);
    }
}
