use serde_json::json;

use super::*;
use crate::{
    fetch::{Failure, Missing},
    paint::Paint,
};

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// An object that the operator made, with its name as its uid.
fn object(kind: &str, name: &str, owner: Option<&str>, data: Value) -> Object {
    let owners =
        owner.map(|uid| json!([{"apiVersion": "v1", "kind": "Any", "name": uid, "uid": uid, "controller": true}]));
    let metadata = json!({
        "name": name, "uid": name, "creationTimestamp": "2026-01-01T09:00:00Z", "ownerReferences": owners,
        "labels": {"app.kubernetes.io/instance": "demo", "app.kubernetes.io/managed-by": "shopkeeper"},
    });
    Object { kind: kind.into(), metadata: serde_json::from_value(metadata).unwrap(), data }
}

/// A Store with this condition `Ready`.
fn store_that_is(ready: &str, reason: &str) -> Value {
    json!({
        "metadata": {
            "name": "demo", "namespace": "shop", "uid": "demo", "generation": 3, "creationTimestamp": "2026-01-01T09:00:00Z",
        },
        "spec": {},
        "status": {"observedGeneration": 3, "conditions": [{
            "type": "Ready", "status": ready, "reason": reason, "message": "", "lastTransitionTime": "2026-01-01T11:55:00Z",
        }]},
    })
}

fn store() -> Seen {
    Seen(serde_json::from_value(store_that_is("False", "ServicesNotReady")).unwrap())
}

fn pods(wanted: i64, ready: i64) -> Value {
    json!({"spec": {"replicas": wanted}, "status": {"replicas": wanted, "readyReplicas": ready}})
}

fn pod(reason: &str) -> Value {
    json!({"spec": {"containers": [{}]}, "status": {"phase": "Running", "containerStatuses": [
        {"ready": false, "state": {"waiting": {"reason": reason}}}]}})
}

fn objects() -> Vec<Object> {
    vec![
        object("Deployment", "demo-cart", Some("demo"), pods(1, 0)),
        object("Deployment", "demo-user", Some("demo"), pods(1, 1)),
        object("ReplicaSet", "demo-cart-1", Some("demo-cart"), pods(0, 0)),
        object("ReplicaSet", "demo-cart-2", Some("demo-cart"), pods(1, 0)),
        object(
            "Job",
            "demo-migrate-1",
            Some("demo"),
            json!({"status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}}),
        ),
        object("Pod", "demo-cart-2-x", Some("demo-cart-2"), pod("ImagePullBackOff")),
        object("PersistentVolumeClaim", "demo-postgres", None, json!({"status": {"phase": "Bound"}})),
        object("Secret", "demo-credentials", Some("demo"), Value::Null),
    ]
}

#[test]
fn a_store_is_drawn_with_all_that_belongs_to_it() {
    let tree = Tree::of(store(), &objects(), ReplicaSets::WithPods);
    let expected = "\
NAME                                    READY  REASON            AGE
Store/demo                              False  ServicesNotReady  3h
├─ Deployment/demo-cart                 0/1                      3h
│  └─ ReplicaSet/demo-cart-2            0/1                      3h
│     └─ Pod/demo-cart-2-x              0/1    ImagePullBackOff  3h
├─ Deployment/demo-user                 1/1                      3h
├─ Job/demo-migrate-1                   1/1    Complete          3h
├─ PersistentVolumeClaim/demo-postgres         Bound             3h
└─ Secret/demo-credentials                                       3h

1 ReplicaSet without pods not shown: --all shows them

not shown, as you may not list them here: configmaps

not shown, or not all of them, as they could not be listed:
  the API server does not list jobs: too slow
";
    let message = "the API server does not list jobs: too slow".to_owned();
    let missing = Missing {
        not_listed: vec!["configmaps".to_owned()],
        failed: vec![Failure { resource: "jobs".to_owned(), message }],
    };
    assert_eq!(text(&tree, &missing, Paint::PLAIN, now()), expected);
}

#[test]
fn what_has_no_pods_is_shown_when_it_is_asked_for() {
    let tree = Tree::of(store(), &objects(), ReplicaSets::All);
    let names: Vec<_> = tree.root.children[0].children.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((names, tree.left_out), (vec!["demo-cart-1", "demo-cart-2"], 0));
}

#[test]
fn what_others_have_labelled_in_the_same_way_is_not_the_stores() {
    let mut theirs = object("ConfigMap", "theirs", None, Value::Null);
    theirs.metadata.labels.as_mut().unwrap().insert(MANAGED_BY_LABEL.into(), "Helm".into());
    let of_a_former_one = object("Service", "demo-user", Some("a Store of this name that is gone"), Value::Null);
    let tree = Tree::of(store(), &[theirs, of_a_former_one], ReplicaSets::WithPods);
    assert!(tree.root.children.is_empty(), "{:?}", tree.root.children);
}

#[test]
fn every_kind_tells_how_it_is_in_its_own_way() {
    let told = |kind: &str, data: Value| {
        let Health { ready, reason, well } = Health::of(&object(kind, "it", None, data));
        (ready.unwrap_or_default(), reason.unwrap_or_default(), well)
    };
    let is = |ready: &str, reason: &str, well: Option<bool>| (ready.to_owned(), reason.to_owned(), well);
    assert_eq!(told("StatefulSet", json!({"spec": {}, "status": {"readyReplicas": 1}})), is("1/1", "", Some(true)));
    let stuck = json!({"spec": {"replicas": 2}, "status": {"readyReplicas": 1, "conditions": [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}});
    assert_eq!(told("Deployment", stuck), is("1/2", "ProgressDeadlineExceeded", Some(false)));
    let quota = json!({"spec": {"replicas": 1}, "status": {"conditions": [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}]}});
    assert_eq!(told("ReplicaSet", quota), is("0/1", "FailedCreate", Some(false)));
    let failed = json!({"status": {"failed": 5, "conditions": [
        {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}});
    assert_eq!(told("Job", failed), is("0/1", "BackoffLimitExceeded", Some(false)));
    assert_eq!(told("Job", json!({"spec": {"suspend": true}})), is("0/1", "Suspended", None));
    assert_eq!(told("Job", json!({})), is("0/1", "Running", None));
    assert_eq!(told("CronJob", json!({"spec": {"schedule": "0 3 * * *"}})), is("", "0 3 * * *", None));
    assert_eq!(told("CronJob", json!({"spec": {"schedule": "0 3 * * *", "suspend": true}})), is("", "Suspended", None));
    let budget = json!({"status": {"currentHealthy": 1, "desiredHealthy": 2}});
    assert_eq!(told("PodDisruptionBudget", budget), is("1/2", "", Some(false)));
    let scaler = json!({"status": {"currentReplicas": 2, "desiredReplicas": 4, "conditions": [
        {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}]}});
    assert_eq!(told("HorizontalPodAutoscaler", scaler), is("2/4", "FailedGetResourceMetric", None));
    let cluster = json!({"spec": {"instances": 3}, "status": {"readyInstances": 2, "phase": "Creating a new replica"}});
    assert_eq!(told("Cluster", cluster), is("2/3", "Creating a new replica", Some(false)));
    assert_eq!(told("PersistentVolumeClaim", json!({"status": {"phase": "Pending"}})), is("", "Pending", None));
    assert_eq!(told("Service", json!({"spec": {}})), is("", "", None));
}

#[test]
fn what_is_about_to_go_says_so() {
    let mut going = object("Pod", "demo-cart-2-x", None, pod("Running"));
    going.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T11:00:00Z")).unwrap();
    assert_eq!(Health::of(&going).reason.as_deref(), Some("Terminating"));
}

#[test]
fn the_store_itself_is_as_its_status_shows() {
    let told = |ready: &str, reason: &str, change: fn(&mut Value)| {
        let mut store = store_that_is(ready, reason);
        change(&mut store);
        let Health { ready, reason, well } = Health::of_store(&Seen(serde_json::from_value(store).unwrap()));
        (ready.unwrap_or_default(), reason.unwrap_or_default(), well)
    };
    let is = |ready: &str, reason: &str, well: Option<bool>| (ready.to_owned(), reason.to_owned(), well);
    let paused = |store: &mut Value| store["metadata"]["annotations"] = json!({"shopkeeper.dev/paused": "true"});
    let suspended = |store: &mut Value| store["spec"]["suspend"] = json!(true);
    let going = |store: &mut Value| store["metadata"]["deletionTimestamp"] = json!("2026-01-01T11:59:00Z");
    let changed = |store: &mut Value| store["metadata"]["generation"] = json!(4);
    assert_eq!(told("True", "Ready", |_| ()), is("True", "Ready", Some(true)));
    assert_eq!(told("False", "PodsCrashing", |_| ()), is("False", "PodsCrashing", Some(false)));
    assert_eq!(told("True", "Ready", paused), is("True", "Ready (paused)", Some(true)));
    assert_eq!(told("False", "Suspended", suspended), is("False", "Suspended", None));
    assert_eq!(told("True", "Ready", going), is("False", "Terminating", None));
    assert_eq!(told("True", "Ready", changed), is("False", "of an older spec", None));
    assert_eq!(told("False", "Seeding", changed), is("False", "Seeding (of an older spec)", Some(false)));
    let unseen = |store: &mut Value| store["status"] = Value::Null;
    assert_eq!(told("True", "Ready", unseen), is("False", "not looked at yet", None));
    let unreadable = |store: &mut Value| store["status"]["conditions"] = json!("fine");
    assert_eq!(told("True", "Ready", unreadable), is("", "unreadable status", None));
}
