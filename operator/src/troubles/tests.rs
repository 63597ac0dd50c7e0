use serde_json::{Value, json};
use shopkeeper_plan::{Component, INSTANCE_LABEL, NAME_LABEL};

use super::*;

fn store() -> StoreName {
    StoreName { namespace: "shop".into(), name: "demo".into() }
}

fn pod(component: &str, status: &Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("demo-{component}-1"), "namespace": "shop",
            "labels": {NAME_LABEL: component, INSTANCE_LABEL: "demo"},
        },
        "status": status,
    }))
    .unwrap()
}

fn container(state: &Value, last: &Value, restarts: i32) -> Value {
    json!({"containerStatuses": [{
        "name": "main", "image": "r/x:v9", "imageID": "", "ready": false, "restartCount": restarts, "state": state, "lastState": last,
    }]})
}

fn waiting(reason: &str, message: &str) -> Value {
    container(&json!({"waiting": {"reason": reason, "message": message}}), &json!({}), 0)
}

fn crashed(state: &Value, restarts: i32) -> Value {
    container(state, &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), restarts)
}

fn no_room(since: &str) -> Value {
    json!({"conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available",
        "lastTransitionTime": since,
    }]})
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[track_caller]
fn only(troubles: &Troubles, now: &str) -> Trouble {
    let found = troubles.of(&store(), at(now));
    let [trouble] = found.as_slice() else { panic!("{found:?}") };
    trouble.clone()
}

const NOW: &str = "2026-01-01T00:01:00Z";

#[test]
fn an_image_that_cannot_be_had_is_one_trouble_however_the_kubelet_puts_it() {
    let troubles = Troubles::default();
    assert_eq!(troubles.record(&Event::Apply(pod("cart", &waiting("ErrImagePull", "rpc error 1")))), [store()]);
    let first = only(&troubles, NOW);
    assert_eq!((first.cause, first.component), (Cause::ImagePullFailed, Component::Cart));
    assert!(first.message.contains("r/x:v9"), "{}", first.message);
    let again = pod("cart", &waiting("ImagePullBackOff", "back-off 20s"));
    assert!(troubles.record(&Event::Apply(again)).is_empty(), "nothing new is told");
    assert_eq!(only(&troubles, NOW), first);
}

#[test]
fn a_process_that_ends_again_and_again_is_a_trouble_also_while_it_runs_in_between() {
    let troubles = Troubles::default();
    troubles.record(&Event::Apply(pod("cart", &crashed(&json!({"running": {}}), 1))));
    assert!(troubles.of(&store(), at(NOW)).is_empty(), "once is no trouble");
    for state in [json!({"waiting": {"reason": "CrashLoopBackOff"}}), json!({"running": {}})] {
        troubles.record(&Event::Apply(pod("cart", &crashed(&state, 2))));
        let trouble = only(&troubles, NOW);
        assert_eq!(trouble.cause, Cause::PodsCrashing);
        assert!(trouble.message.contains("OOMKilled, exit code 137"), "{}", trouble.message);
    }
}

#[test]
fn a_pod_without_a_node_is_a_trouble_after_a_while_and_it_is_known_when() {
    let troubles = Troubles::default();
    troubles.record(&Event::Apply(pod("migrate", &no_room("2026-01-01T00:00:58Z"))));
    assert!(troubles.of(&store(), at(NOW)).is_empty());
    assert_eq!(troubles.next(&store(), at(NOW)), Some(Duration::from_secs(8)));
    assert_eq!(only(&troubles, "2026-01-01T00:01:08Z").cause, Cause::Unschedulable);
    assert_eq!(troubles.next(&store(), at("2026-01-01T00:01:08Z")), None);
}

#[test]
fn a_missing_secret_is_told_in_the_kubelets_words() {
    let troubles = Troubles::default();
    let status = waiting("CreateContainerConfigError", "secret \"x\" not found");
    troubles.record(&Event::Apply(pod("order", &status)));
    assert_eq!(only(&troubles, NOW).message, "container main cannot start: secret \"x\" not found");
}

#[test]
fn a_pod_that_is_well_gone_or_going_troubles_nobody() {
    let troubles = Troubles::default();
    let sick = pod("cart", &waiting("ErrImagePull", ""));
    troubles.record(&Event::Apply(sick.clone()));
    assert_eq!(troubles.record(&Event::Apply(pod("cart", &json!({"phase": "Running"})))), [store()]);
    assert!(troubles.of(&store(), at(NOW)).is_empty());

    troubles.record(&Event::Apply(sick.clone()));
    assert_eq!(troubles.record(&Event::Delete(sick.clone())), [store()]);
    assert!(troubles.of(&store(), at(NOW)).is_empty());

    let mut going = sick.clone();
    going.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
    troubles.record(&Event::Apply(going));
    assert!(troubles.of(&store(), at(NOW)).is_empty());

    troubles.record(&Event::Apply(sick));
    troubles.record(&Event::Init);
    assert_eq!(troubles.record(&Event::InitDone), [store()], "it went while nobody watched");
    assert!(troubles.of(&store(), at(NOW)).is_empty());
}

#[test]
fn each_component_has_one_trouble_and_the_worst_comes_first() {
    let troubles = Troubles::default();
    troubles.record(&Event::Apply(pod("cart", &crashed(&json!({"running": {}}), 5))));
    troubles.record(&Event::Apply(pod("user", &waiting("ErrImagePull", ""))));
    let mut second = pod("cart", &no_room("2020-01-01T00:00:00Z"));
    second.metadata.name = Some("demo-cart-2".into());
    troubles.record(&Event::Apply(second));
    let causes: Vec<_> = troubles.of(&store(), at(NOW)).iter().map(|it| (it.component, it.cause)).collect();
    assert_eq!(causes, [(Component::User, Cause::ImagePullFailed), (Component::Cart, Cause::PodsCrashing)]);
}
