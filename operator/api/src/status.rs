//! What the operator answers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
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
    /// Share of the answers that the caches had, of all of them together, while anything was asked for of late: `0.93`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_ratio: Option<String>,
    /// The cache policies that the pods should run, and how many do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_policy: Option<CachePolicyStatus>,
    /// The caches one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub cache: Vec<CacheStatus>,
    /// The backups of a database that the operator runs, once there was one, or one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupStatus>,
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
    /// Version (image tag) of the database that runs, if the operator or CloudNativePG runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Version (image tag) of the Redis that runs, if the operator runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<String>,
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

/// The cache policies that the pods should run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CachePolicyStatus {
    /// Generation of the spec in which they changed last.
    pub generation: i64,
    /// Hash of their document, as pods acknowledge it.
    pub hash: String,
    /// How many of the running pods have them: `2/3`.
    pub pods_applied: String,
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
    /// Share of the answers that it had, while it was asked for anything of late: `0.93`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_ratio: Option<String>,
    /// How many of the running pods of the cache's service have these policies: `2/3`.
    pub pods_applied: String,
}

/// The backups of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// When the newest one was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_time: Option<Time>,
    /// The run that failed last, until another one succeeds or its Job is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<BackupFailure>,
}

/// A backup that was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupFailure {
    /// When it was given up.
    pub time: Time,
    /// The Job that was to make it.
    pub job: String,
    /// What the Job says; its pods' logs say more.
    pub message: String,
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
    /// All that watches the shop runs. The shop goes on without it.
    MonitoringReady,
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
            Self::MonitoringReady => "MonitoringReady",
            Self::CachePolicyApplied => "CachePolicyApplied",
            Self::Paused => "Paused",
        }
    }
}
