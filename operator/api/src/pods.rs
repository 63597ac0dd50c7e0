//! What can be said of the pods of every part of the shop.

use std::collections::BTreeMap;

use kube::{KubeSchema, core::Rule};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PodSecurity, Quantity};

/// What can be said of the pods of every part of the shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pods {
    // Boxes, as nearly all of the twenty parts of a Store say nothing of it, and the operator holds many Stores.
    /// CPU and memory of each pod. Default: from the profile, amount by amount. Example: `{requests: {cpu: 250m}, limits: {memory: 256Mi}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Box<ComputeResources>>,
    /// Where the pods may run. Default: anywhere, spread over nodes as far as there are several. Example: `{nodeSelector: {disk: fast}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Box<Scheduling>>,
    /// As whom the pods run, as far as it can be chosen under Pod Security `restricted`. Default: as the images are made for, see there.
    /// Example: `{runAsUser: 1000680000}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<Box<PodSecurity>>,
    /// What else the pods have: laid over what the operator makes, containers by their names. Default: nothing. Example:
    /// `{metadata: {annotations: {example.com/team: shop}}, spec: {terminationGracePeriodSeconds: 60}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<Box<PodTemplate>>,
}

/// CPU and memory of a container. What is left out comes from the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComputeResources {
    /// What the scheduler sets aside. Default: from the profile. Example: `{cpu: 100m, memory: 64Mi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<ResourceAmounts>,
    /// What the container may not exceed. Default: from the profile, or the request where that is more. Example: `{memory: 256Mi}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ResourceAmounts>,
}

/// An amount of CPU and of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceAmounts {
    /// CPU. Default: from the profile. Example: `250m` for a quarter of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity>,
    /// Memory. Default: from the profile. Example: `64Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity>,
}

/// Where pods may run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scheduling {
    /// Labels that a node must have. Default: none. Example: `{disk: fast}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the pods put up with. Default: none. Example: `[{key: dedicated, value: shop, effect: NoSchedule}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    // As in a pod: a toleration has no name, and may leave out whatever would tell it from another.
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub tolerations: Vec<Toleration>,
    /// Rules about nodes and other pods, as in a pod's `affinity`. Default: none. Example:
    /// `{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [arm64]}]}]}}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub affinity: Option<Value>,
    /// How the pods of this part are spread; they and no others are counted. Default: over nodes as far as possible,
    /// `[{topologyKey: kubernetes.io/hostname}]`; `[]` for no spreading at all. Example: `[{topologyKey: topology.kubernetes.io/zone,
    /// whenUnsatisfiable: DoNotSchedule}]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["topologyKey".into(), "whenUnsatisfiable".into()]))]
    pub topology_spread_constraints: Option<Vec<Spread>>,
    /// Priority class of the pods. Default: the cluster's own default. Example: `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
}

/// A taint of nodes that pods put up with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = (
        "has(self.key) || self.operator == 'Exists'",
        "a toleration without a key is for all taints: write operator: Exists, or a key"
    ),
    validation = (
        "!has(self.value) || self.operator == 'Equal'",
        "operator Exists takes no value: leave value out, or write operator: Equal"
    ),
    validation = (
        "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
        "tolerationSeconds is for effect NoExecute only: write effect: NoExecute or leave tolerationSeconds out"
    )
)]
pub struct Toleration {
    /// Key of the taint. Default: all keys, with operator `Exists`. Example: `dedicated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 317))]
    pub key: Option<String>,
    /// Whether the taint's value counts. Default: `Equal`, it does. Example: `Exists`.
    #[serde(default)]
    pub operator: TolerationOperator,
    /// Value of the taint. Default: the empty one. Example: `shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub value: Option<String>,
    /// Effect of the taint. Default: all effects. Example: `NoSchedule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TaintEffect")]
    pub effect: Option<TaintEffect>,
    /// For effect `NoExecute`: how long the pods stay after the taint came. Default: for ever. Example: `300`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub toleration_seconds: Option<i64>,
}

/// Whether a taint's value counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TolerationOperator {
    /// Key and value must be those of the taint.
    #[default]
    Equal,
    /// The key is enough.
    Exists,
}

impl TolerationOperator {
    /// The word that Kubernetes uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "Equal",
            Self::Exists => "Exists",
        }
    }
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// New pods do not come.
    NoSchedule,
    /// New pods come only when they must.
    PreferNoSchedule,
    /// New pods do not come and old ones go.
    NoExecute,
}

impl TaintEffect {
    /// The word that Kubernetes uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// How pods are spread over nodes, zones or what else nodes are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spread {
    /// Label of nodes by whose values the pods are spread. Default: none, it must be written. Example: `topology.kubernetes.io/zone`.
    #[schemars(length(min = 1, max = 317))]
    pub topology_key: String,
    /// How many more pods one value may have than another. Default: 1. Example: `2`.
    #[serde(default = "max_skew")]
    #[schemars(range(min = 1, max = 100))]
    pub max_skew: i32,
    /// What becomes of a pod that would break this. Default: `ScheduleAnyway`, it runs all the same. Example: `DoNotSchedule`.
    #[serde(default)]
    pub when_unsatisfiable: WhenUnsatisfiable,
}

const fn max_skew() -> i32 {
    1
}

/// What becomes of a pod that would break a spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WhenUnsatisfiable {
    /// It runs all the same.
    #[default]
    ScheduleAnyway,
    /// It waits.
    DoNotSchedule,
}

impl WhenUnsatisfiable {
    /// The word that Kubernetes uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScheduleAnyway => "ScheduleAnyway",
            Self::DoNotSchedule => "DoNotSchedule",
        }
    }
}

/// What is laid over the pods that the operator makes.
///
/// What the operator needs for itself, and what keeps the pods restricted, is refused; see the book's page on the Store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodTemplate {
    /// Labels and annotations of the pods. Default: the operator's only. Example: `{annotations: {example.com/team: shop}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ExtraMetadata>,
    /// Parts of a Kubernetes pod's spec, laid over the operator's: `containers`, `initContainers` and `volumes` by their names,
    /// `terminationGracePeriodSeconds`, `dnsPolicy`, `dnsConfig`, `hostAliases`, `runtimeClassName` and `schedulerName`. Default: nothing.
    /// Example: `{containers: [{name: cart, env: [{name: RUST_LOG, value: debug}]}]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub spec: Option<Value>,
}

/// Labels and annotations beside those of the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtraMetadata {
    /// Labels. Keys of `shopkeeper.dev`, `app.kubernetes.io` and `kubernetes.io` are the operator's and Kubernetes' own. Default: none.
    /// Example: `{example.com/cost-centre: "4711"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "own_labels")]
    pub labels: BTreeMap<String, String>,
    /// Annotations. Keys of `shopkeeper.dev`, `app.kubernetes.io` and `kubernetes.io` are the operator's and Kubernetes' own. Default: none.
    /// Example: `{example.com/owner: shop-team}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "own_annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// Whether a key of a label or annotation is one that a user may set: not one of the operator's or of Kubernetes' own.
pub fn is_own_key(key: &str) -> bool {
    let reserved = ["shopkeeper.dev", "kubernetes.io", "k8s.io"];
    match key.split_once('/') {
        None => !key.is_empty(),
        Some((domain, _)) => {
            !reserved.iter().any(|it| domain == *it || domain.strip_suffix(it).is_some_and(|rest| rest.ends_with('.')))
        }
    }
}

const OWN_KEYS: &str = "write keys of your own, such as example.com/team: those of shopkeeper.dev, kubernetes.io and k8s.io belong to the operator \
                        and to Kubernetes";

fn own_labels(_: &mut SchemaGenerator) -> Schema {
    own_keys(63)
}

fn own_annotations(_: &mut SchemaGenerator) -> Schema {
    own_keys(4096)
}

/// A map of texts whose keys are the user's own.
fn own_keys(longest: u32) -> Schema {
    let rule = "self.all(key, !key.matches('^([^/]*[.])?(shopkeeper[.]dev|kubernetes[.]io|k8s[.]io)/'))";
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {"type": "string", "maxLength": longest},
        "x-kubernetes-validations": [Rule::new(rule).message(OWN_KEYS)],
    })
}

/// Content of a type that Kubernetes defines; the operator reads it, and says what is wrong with it.
fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_kubernetes_and_of_the_operator_are_not_the_users() {
        for key in ["shopkeeper.dev/paused", "app.kubernetes.io/name", "kubernetes.io/x", "networking.k8s.io/x", ""] {
            assert!(!is_own_key(key), "{key}");
        }
        for key in ["team", "example.com/team", "notkubernetes.io/x"] {
            assert!(is_own_key(key), "{key}");
        }
    }
}
