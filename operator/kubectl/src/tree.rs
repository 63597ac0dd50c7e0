//! What belongs to a Store, as a tree. Pure: from objects to what is shown.

mod health;
mod pod;
mod text;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::Serialize;
use serde_json::Value;
use shopkeeper_plan::{MANAGED_BY, MANAGED_BY_LABEL};

use crate::{fetch::Object, seen::Seen};
use health::Health;

pub(crate) use text::text;

/// An object with what belongs to it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    kind: String,
    name: String,
    #[serde(flatten)]
    health: Health,
    created: Option<Timestamp>,
    children: Vec<Node>,
}

/// A Store with all that belongs to it.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// How many `ReplicaSets` are not shown.
    pub(crate) left_out: usize,
}

/// Which `ReplicaSets` are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplicaSets {
    /// All of them.
    All,
    /// Those that have pods, or are to have some.
    WithPods,
}

impl Tree {
    /// What belongs to the Store: what it owns, what the operator made to outlive it, as volumes, and what those own. Others may have the
    /// same label.
    pub(crate) fn of(store: Seen, objects: &[Object], shown: ReplicaSets) -> Self {
        let health = Health::of_store(&store);
        let store = Object::from(store);
        let all = objects.len();
        let objects: Vec<&Object> =
            objects.iter().filter(|object| shown == ReplicaSets::All || !is_without_pods(object)).collect();
        let left_out = all - objects.len();
        let outlives = |object: &&&Object| owner(object).is_none() && is_by_operator(object);
        let own = owned_by(&store, &objects);
        let outliving = objects.iter().filter(outlives).map(|object| node(object, &objects));
        let mut children: Vec<Node> = own.into_iter().chain(outliving).collect();
        // In the order in which they came, which is that of their kinds.
        let place = |node: &Node| objects.iter().position(|it| it.kind == node.kind && name(it) == node.name.as_str());
        children.sort_by_key(place);
        Self { root: Node { health, children, ..node(&store, &[]) }, left_out }
    }
}

fn node(object: &Object, objects: &[&Object]) -> Node {
    Node {
        kind: object.kind.clone(),
        name: name(object).to_owned(),
        health: Health::of(object),
        created: object.metadata.creation_timestamp.as_ref().map(|time| time.0),
        children: owned_by(object, objects),
    }
}

fn owned_by(owner_: &Object, objects: &[&Object]) -> Vec<Node> {
    let Some(uid) = &owner_.metadata.uid else { return Vec::new() };
    let owned = objects.iter().filter(|object| owner(object).is_some_and(|it| it.uid == *uid));
    owned.map(|object| node(object, objects)).collect()
}

/// Who controls an object, or else the first of its owners.
fn owner(object: &Object) -> Option<&OwnerReference> {
    let owners = object.metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true)).or(owners.first())
}

fn is_by_operator(object: &Object) -> bool {
    let labels = object.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(MANAGED_BY_LABEL)).is_some_and(|by| by == MANAGED_BY)
}

/// Whether it is a `ReplicaSet` of a former version, or of something that is scaled to nothing.
fn is_without_pods(object: &Object) -> bool {
    let none = |path: &str| object.data.pointer(path).and_then(Value::as_i64).unwrap_or_default() == 0;
    object.kind == "ReplicaSet" && none("/spec/replicas") && none("/status/replicas")
}

fn name(object: &Object) -> &str {
    object.metadata.name.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
