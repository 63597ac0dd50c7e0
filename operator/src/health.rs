//! How a child is, as far as its own status tells.

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::{CronJob, Job},
    core::v1::PodTemplateSpec,
};
use kube::core::DynamicObject;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shopkeeper_api::Storage;

use crate::kind::Kind;

/// How a child is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// This kind has no health.
    Inert,
    /// Pods that should run.
    Workload(Box<Workload>),
    /// Something that runs once.
    Job(JobState),
    /// Something that runs by the clock: when it came to a good end last.
    Schedule(Option<Timestamp>),
    /// One time that it ran.
    Run(Box<Run>),
    /// Room for data, as it was asked for.
    Volume(Box<Storage>),
}

/// Pods that should run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// How many are wanted.
    pub desired: i32,
    /// How many are ready.
    pub ready: i32,
    /// How many there are, ready or not.
    pub pods: i32,
    /// Whether all of them run what was asked for last.
    pub rolled_out: bool,
    /// Why the rollout does not come to an end.
    pub stuck: Option<String>,
    /// Image of the first container.
    pub image: Option<String>,
}

impl Workload {
    /// Whether as many pods as wanted are ready and up to date.
    pub fn is_healthy(&self) -> bool {
        self.rolled_out && self.ready >= self.desired
    }

    /// The same where there are pods at all: where somebody has scaled it to none, nothing is wanting and nothing answers.
    pub fn serves(&self) -> bool {
        self.desired > 0 && self.is_healthy()
    }
}

/// How far a Job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Not at its end.
    Running,
    /// Done.
    Complete,
    /// Given up.
    Failed(String),
}

/// One time that something ran by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Name of the `CronJob` that it is a run of.
    pub of: String,
    /// Whether it was given up.
    pub failed: Option<Failure>,
}

/// A run that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Why, in the Job's words.
    pub why: String,
}

/// Reads a child's health from its status.
pub fn health(kind: Kind, object: &DynamicObject) -> Health {
    match kind {
        Kind::Deployment => {
            typed(object).map_or(Health::Inert, |it: Deployment| Health::Workload(Box::new(deployment(&it))))
        }
        Kind::StatefulSet => {
            typed(object).map_or(Health::Inert, |it: StatefulSet| Health::Workload(Box::new(stateful_set(&it))))
        }
        Kind::Cluster => Health::Workload(Box::new(cluster(object))),
        Kind::Job => typed(object).map_or(Health::Inert, |it: Job| match run(&it) {
            Some(run) => Health::Run(Box::new(run)),
            None => Health::Job(job(&it)),
        }),
        Kind::CronJob => typed(object).map_or(Health::Inert, |it: CronJob| Health::Schedule(last_success(&it))),
        Kind::PersistentVolumeClaim => volume(object).map_or(Health::Inert, |it| Health::Volume(Box::new(it))),
        _ => Health::Inert,
    }
}

fn typed<K: DeserializeOwned>(object: &DynamicObject) -> Option<K> {
    let mut value = object.data.clone();
    value["metadata"] = serde_json::to_value(&object.metadata).ok()?;
    serde_json::from_value(value).ok()
}

fn image(template: &PodTemplateSpec) -> Option<String> {
    template.spec.as_ref()?.containers.first()?.image.clone()
}

fn deployment(it: &Deployment) -> Workload {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let desired = spec.replicas.unwrap_or(1);
    let current = status.observed_generation.unwrap_or(0) >= it.metadata.generation.unwrap_or(0);
    // Either its pods take too long, or they cannot even be made: a quota, a policy of the namespace.
    let stuck = status.conditions.iter().flatten().find(|condition| match condition.type_.as_str() {
        "Progressing" => condition.reason.as_deref() == Some("ProgressDeadlineExceeded"),
        "ReplicaFailure" => condition.status == "True",
        _ => false,
    });
    Workload {
        desired,
        ready: status.available_replicas.unwrap_or(0),
        pods: status.replicas.unwrap_or(0),
        rolled_out: current
            && status.updated_replicas.unwrap_or(0) >= desired
            && status.replicas.unwrap_or(0) <= status.updated_replicas.unwrap_or(0),
        stuck: stuck.map(|condition| condition.message.clone().unwrap_or_default()),
        image: image(&spec.template),
    }
}

fn stateful_set(it: &StatefulSet) -> Workload {
    let spec = it.spec.clone().unwrap_or_default();
    let status = it.status.clone().unwrap_or_default();
    let current = status.observed_generation.unwrap_or(0) >= it.metadata.generation.unwrap_or(0);
    Workload {
        desired: spec.replicas.unwrap_or(1),
        ready: status.ready_replicas.unwrap_or(0),
        pods: status.replicas,
        rolled_out: current && status.current_revision == status.update_revision,
        stuck: None,
        image: image(&spec.template),
    }
}

/// As CloudNativePG tells it.
fn cluster(it: &DynamicObject) -> Workload {
    let (spec, status) = (&it.data["spec"], &it.data["status"]);
    let count = |value: &Value| value.as_i64().and_then(|count| i32::try_from(count).ok());
    let conditions = status["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    Workload {
        desired: count(&spec["instances"]).unwrap_or(1),
        ready: count(&status["readyInstances"]).unwrap_or(0),
        pods: count(&status["readyInstances"]).unwrap_or(0),
        rolled_out: ready.is_some_and(|condition| condition["status"] == "True"),
        stuck: None,
        image: spec["imageName"].as_str().map(ToOwned::to_owned),
    }
}

/// What a Job is of a `CronJob`, whoever began it.
fn run(it: &Job) -> Option<Run> {
    let owner = it.metadata.owner_references.iter().flatten().find(|owner| owner.kind == "CronJob")?;
    let mut conditions = it.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let failed = conditions.find(|condition| condition.type_ == "Failed" && condition.status == "True");
    let at = failed.and_then(|condition| condition.last_transition_time.as_ref()).map(|time| time.0);
    let failed = match (job(it), at) {
        (JobState::Failed(why), Some(at)) => Some(Failure { at, why }),
        _ => None,
    };
    Some(Run { of: owner.name.clone(), failed })
}

fn last_success(it: &CronJob) -> Option<Timestamp> {
    it.status.as_ref()?.last_successful_time.as_ref().map(|time| time.0)
}

fn volume(it: &DynamicObject) -> Option<Storage> {
    let spec = &it.data["spec"];
    let size = spec["resources"]["requests"]["storage"].as_str()?.parse().ok()?;
    Some(Storage { size, storage_class_name: spec["storageClassName"].as_str().map(ToOwned::to_owned) })
}

fn job(it: &Job) -> JobState {
    let conditions = it.status.as_ref().and_then(|status| status.conditions.as_ref());
    for condition in conditions.into_iter().flatten().filter(|condition| condition.status == "True") {
        match condition.type_.as_str() {
            "Complete" => return JobState::Complete,
            "Failed" => {
                let parts = [condition.reason.as_deref(), condition.message.as_deref()];
                return JobState::Failed(parts.into_iter().flatten().collect::<Vec<_>>().join(": "));
            }
            _ => {}
        }
    }
    JobState::Running
}
