//! The kinds of children, as they are watched and written.

use std::fmt;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use kube::core::ApiResource;
use shopkeeper_plan::{Cluster, HTTPRoute, PrometheusRule, ServiceMonitor};
use strum::{EnumIter, EnumString, IntoStaticStr};

/// A kind of child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, EnumString, IntoStaticStr)]
pub enum Kind {
    /// Account of the pods.
    ServiceAccount,
    /// Settings.
    ConfigMap,
    /// Credentials.
    Secret,
    /// Volumes.
    PersistentVolumeClaim,
    /// Names and addresses.
    Service,
    /// Database and Redis.
    StatefulSet,
    /// Services and gateway.
    Deployment,
    /// Migration and demo data.
    Job,
    /// Backups of the database.
    CronJob,
    /// How many pods may go at a time.
    PodDisruptionBudget,
    /// What sets the number of pods.
    HorizontalPodAutoscaler,
    /// Which connections are let through.
    NetworkPolicy,
    /// A way in from outside.
    Ingress,
    /// Another one, by the Gateway API.
    HTTPRoute,
    /// A database that CloudNativePG runs.
    Cluster,
    /// Where figures are, for the Prometheus Operator.
    ServiceMonitor,
    /// Recording rules and alerts, for the Prometheus Operator.
    PrometheusRule,
}

impl Kind {
    /// Whether a cluster need not know this kind.
    pub const fn is_optional(self) -> bool {
        matches!(self, Self::HTTPRoute | Self::Cluster | Self::ServiceMonitor | Self::PrometheusRule)
    }

    /// How the API server calls this kind.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::PersistentVolumeClaim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
            Self::CronJob => ApiResource::erase::<CronJob>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::HTTPRoute => ApiResource::erase::<HTTPRoute>(&()),
            Self::Cluster => ApiResource::erase::<Cluster>(&()),
            Self::ServiceMonitor => ApiResource::erase::<ServiceMonitor>(&()),
            Self::PrometheusRule => ApiResource::erase::<PrometheusRule>(&()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.into())
    }
}

/// One child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildRef {
    /// Its namespace. First, so that the children in one stand together in what is ordered.
    pub namespace: String,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ChildRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
