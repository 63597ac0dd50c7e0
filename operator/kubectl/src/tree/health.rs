//! How an object is, in few words, as far as its own status tells.

use serde::Serialize;
use serde_json::Value;

use super::pod;
use crate::{fetch::Object, picture::Picture, seen::Seen};

/// How an object is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// How many of how many, or whether.
    pub(crate) ready: Option<String>,
    /// Why, or in which phase.
    pub(crate) reason: Option<String>,
    /// Whether that is as it should be; nothing where it cannot be said.
    pub(crate) well: Option<bool>,
}

impl Health {
    /// How a Store is: the same as its status shows.
    pub(crate) fn of_store(store: &Seen) -> Self {
        match Picture::of(store) {
            Ok(picture) => Self {
                ready: Some(if picture.is_ready() { "True" } else { "False" }.to_owned()),
                reason: picture.reason(),
                well: picture.is_well(),
            },
            // What belongs to it can be drawn all the same.
            Err(_) => Self { reason: Some("unreadable status".to_owned()), ..Self::default() },
        }
    }

    pub(crate) fn of(object: &Object) -> Self {
        let data = &object.data;
        if object.metadata.deletion_timestamp.is_some() {
            return Self { ready: None, reason: Some("Terminating".into()), well: None };
        }
        match object.kind.as_str() {
            "Deployment" => {
                Self { reason: false_reason(data, &["Progressing", "Available"]), ..replicas(data, "/spec/replicas") }
            }
            "ReplicaSet" => Self { reason: failure(data), ..replicas(data, "/spec/replicas") },
            "StatefulSet" => replicas(data, "/spec/replicas"),
            "Cluster" => Self {
                reason: text(data, "/status/phase"),
                ..counted(number(data, "/status/readyInstances"), number(data, "/spec/instances"))
            },
            "Pod" => pod::health(data),
            "Job" => job(data),
            "CronJob" if data.pointer("/spec/suspend") == Some(&Value::Bool(true)) => {
                Self { reason: Some("Suspended".into()), ..Self::default() }
            }
            "CronJob" => Self { reason: text(data, "/spec/schedule"), ..Self::default() },
            "PersistentVolumeClaim" => {
                let phase = text(data, "/status/phase");
                // One that nobody mounts yet may wait for who does.
                let well = phase.as_deref().and_then(|phase| match phase {
                    "Bound" => Some(true),
                    "Lost" => Some(false),
                    _ => None,
                });
                Self { ready: None, well, reason: phase }
            }
            "HorizontalPodAutoscaler" => Self {
                reason: false_reason(data, &["AbleToScale", "ScalingActive"]),
                ready: pair(number(data, "/status/currentReplicas"), number(data, "/status/desiredReplicas")),
                well: None,
            },
            "PodDisruptionBudget" => {
                counted(number(data, "/status/currentHealthy"), number(data, "/status/desiredHealthy"))
            }
            _ => Self::default(),
        }
    }
}

/// Pods that are ready, of those that are wanted: one, where nothing is said.
fn replicas(data: &Value, wanted: &str) -> Health {
    counted(number(data, "/status/readyReplicas"), number(data, wanted).or(Some(1)))
}

fn counted(ready: Option<i64>, wanted: Option<i64>) -> Health {
    let Some(wanted) = wanted else { return Health::default() };
    let ready = ready.unwrap_or_default();
    Health { ready: pair(Some(ready), Some(wanted)), reason: None, well: Some(ready >= wanted) }
}

fn pair(some: Option<i64>, all: Option<i64>) -> Option<String> {
    all.map(|all| format!("{}/{all}", some.unwrap_or_default()))
}

fn job(data: &Value) -> Health {
    let done = pair(number(data, "/status/succeeded"), number(data, "/spec/completions").or(Some(1)));
    let holds = |type_: &str| condition(data, type_).filter(|it| it["status"] == "True");
    let (reason, well) = if holds("Complete").is_some() {
        (Some("Complete".to_owned()), Some(true))
    } else if let Some(failed) = holds("Failed") {
        (text(failed, "/reason").or(Some("Failed".to_owned())), Some(false))
    } else if data.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        (Some("Suspended".to_owned()), None)
    } else {
        (Some("Running".to_owned()), None)
    };
    Health { ready: done, reason, well }
}

/// Why one of these conditions does not hold.
fn false_reason(data: &Value, types: &[&str]) -> Option<String> {
    let found = types.iter().filter_map(|type_| condition(data, type_)).find(|it| it["status"] == "False");
    found.and_then(|condition| text(condition, "/reason"))
}

/// Why pods cannot be made, as for a quota.
fn failure(data: &Value) -> Option<String> {
    text(condition(data, "ReplicaFailure").filter(|it| it["status"] == "True")?, "/reason")
}

pub(super) fn condition<'a>(data: &'a Value, type_: &str) -> Option<&'a Value> {
    data.pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == type_)
}

pub(super) fn text(data: &Value, path: &str) -> Option<String> {
    data.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

pub(super) fn number(data: &Value, path: &str) -> Option<i64> {
    data.pointer(path).and_then(Value::as_i64)
}
