//! What the operator answers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// State of the shop as the operator last saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// What holds and what does not. `Ready` is the summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// Where the shop answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
    /// What runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
    /// The services one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub services: Vec<ServiceStatus>,
    /// The caches one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub cache: Vec<CacheStatus>,
}

/// Where the shop answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Address for customers.
    pub public: String,
    /// Address inside the cluster.
    pub internal: String,
}

/// What runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// Version of the operator that wrote this status.
    pub operator: String,
    /// Version (image tag) of the shop's services that is wanted.
    pub shop: String,
}

/// One service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Name of the service.
    pub name: String,
    /// Pods that are ready.
    pub ready: i32,
    /// Pods that are wanted.
    pub desired: i32,
    /// Version (image tag) of the pods, of the newest ones while a rollout runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// One cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatus {
    /// Name of the cache, as in `spec.cache.policies`.
    pub name: String,
    /// How it is filled and kept fresh.
    pub pattern: String,
    /// How long an entry is fresh.
    pub ttl: String,
    /// How many of the running pods of the cache's service have these policies: `2/3`.
    pub pods_applied: String,
}

/// The conditions of a Store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConditionType {
    /// The shop as a whole can be used, at the version that the spec asks for.
    Ready,
    /// Something is on its way to what the spec asks for.
    Progressing,
    /// Something failed and needs attention or another try.
    Degraded,
    /// The database answers.
    DatabaseReady,
    /// Redis answers. The shop works without it, slower.
    RedisReady,
    /// Every service and the gateway has its pods ready.
    ServicesReady,
    /// Every running pod of the services has the cache policies that the spec asks for.
    CachePolicyApplied,
    /// The operator leaves this Store alone.
    Paused,
}

impl ConditionType {
    /// The name in the status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Progressing => "Progressing",
            Self::Degraded => "Degraded",
            Self::DatabaseReady => "DatabaseReady",
            Self::RedisReady => "RedisReady",
            Self::ServicesReady => "ServicesReady",
            Self::CachePolicyApplied => "CachePolicyApplied",
            Self::Paused => "Paused",
        }
    }
}
