use super::*;
use serde_json::json;
use shopkeeper_plan::INSTANCE_LABEL;

const AN_HOUR: Duration = Duration::from_secs(3600);

fn config_map(name: &str, value: &str) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {INSTANCE_LABEL: "demo"}},
        "data": {"key": value},
    }))
    .unwrap()
}

fn reference(name: &str) -> ChildRef {
    ChildRef { kind: Kind::ConfigMap, namespace: "shop".into(), name: name.into() }
}

fn store() -> StoreName {
    StoreName { namespace: "shop".into(), name: "demo".into() }
}

#[test]
fn a_child_that_vanished_while_the_watch_was_away_touches_its_store() {
    let observed = Observed::default();
    for event in
        [Event::Init, Event::InitApply(config_map("a", "1")), Event::InitApply(config_map("b", "1")), Event::InitDone]
    {
        observed.record(Kind::ConfigMap, event);
    }
    observed.record(Kind::ConfigMap, Event::Init);
    observed.record(Kind::ConfigMap, Event::InitApply(config_map("a", "1")));
    let touched = observed.record(Kind::ConfigMap, Event::InitDone);
    assert_eq!(touched, [store()]);
    assert_eq!(observed.get(&reference("b")), None);
}

#[test]
fn a_kind_that_the_cluster_does_not_know_holds_nothing_up() {
    let observed = Observed::default();
    for kind in Kind::iter().filter(|kind| !kind.is_optional()) {
        observed.record(kind, Event::Init);
        observed.record(kind, Event::InitDone);
    }
    assert!(!observed.is_synced());
    assert!(observed.record_presence(Kind::HTTPRoute, false));
    assert!(!observed.record_presence(Kind::HTTPRoute, false), "no news");
    for kind in Kind::iter().filter(|kind| kind.is_optional() && *kind != Kind::HTTPRoute) {
        observed.record_presence(kind, false);
    }
    assert!(observed.is_synced());
    assert!(!observed.knows(Kind::HTTPRoute));
    assert!(observed.record_presence(Kind::HTTPRoute, true));
    assert!(observed.knows(Kind::HTTPRoute) && observed.is_synced());
}

#[test]
fn a_child_is_settled_until_its_content_or_its_plan_changes() {
    let observed = Observed::default();
    observed.record(Kind::ConfigMap, Event::Apply(config_map("a", "1")));
    assert!(!observed.is_settled(&reference("a"), 1, AN_HOUR));
    observed.settle(&store(), reference("a"), 1, &config_map("a", "1"));
    assert!(observed.is_settled(&reference("a"), 1, AN_HOUR));
    assert!(!observed.is_settled(&reference("a"), 2, AN_HOUR));
    assert!(!observed.is_settled(&reference("a"), 1, Duration::ZERO), "the watches are not believed for ever");
    observed.record(Kind::ConfigMap, Event::Apply(config_map("a", "2")));
    assert!(!observed.is_settled(&reference("a"), 1, AN_HOUR));
}

#[test]
fn a_workload_is_not_rolled_out_before_the_watch_has_seen_what_was_applied() {
    let deployment = |version: &str| -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "demo-cart", "namespace": "shop", "uid": "u", "resourceVersion": version},
            "spec": {"replicas": 1, "template": {}, "selector": {}},
            "status": {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
        }))
        .unwrap()
    };
    let child = child_ref(Kind::Deployment, &deployment("1"));
    let observed = Observed::default();
    let rolled_out = || observed.workload(Kind::Deployment, &store(), "demo-cart").unwrap().rolled_out;
    observed.record(Kind::Deployment, Event::Apply(deployment("9")));
    assert!(rolled_out());
    observed.settle(&store(), child, 1, &deployment("10"));
    assert!(!rolled_out(), "what was seen is older than what was written");
    observed.record(Kind::Deployment, Event::Apply(deployment("10")));
    assert!(rolled_out());
}

#[test]
fn what_others_say_about_a_child_does_not_change_its_fingerprint() {
    let mut spoken_of = config_map("a", "1");
    spoken_of.metadata.resource_version = Some("7".into());
    spoken_of.data["status"] = json!({"phase": "Bound"});
    assert_eq!(fingerprint(&spoken_of), fingerprint(&config_map("a", "1")));
}

#[test]
fn a_child_that_is_missed_is_known_as_such_until_its_store_is_gone() {
    let observed = Observed::default();
    observed.record(Kind::ConfigMap, Event::Apply(config_map("a", "1")));
    observed.settle(&store(), reference("a"), 1, &config_map("a", "1"));
    observed.record(Kind::ConfigMap, Event::Delete(config_map("a", "1")));
    observed.retain(|_| true);
    assert!(observed.was_applied(&reference("a"), 1) && !observed.is_settled(&reference("a"), 1, AN_HOUR));
    observed.retain(|_| false);
    assert!(!observed.was_applied(&reference("a"), 1));
}

#[test]
fn nothing_is_kept_of_a_store_whose_children_are_gone() {
    let observed = Observed::default();
    for name in ["a", "b"] {
        observed.record(Kind::ConfigMap, Event::Apply(config_map(name, "1")));
        observed.record(Kind::ConfigMap, Event::Apply(config_map(name, "2")));
        // One that was applied and that no watch has told of yet.
        observed.settle(&store(), reference("c"), 1, &config_map("c", "1"));
    }
    assert_eq!(observed.lock().families.len(), 1);
    for name in ["a", "b"] {
        observed.record(Kind::ConfigMap, Event::Delete(config_map(name, "2")));
    }
    observed.retain(|_| false);
    let inner = observed.lock();
    assert!(inner.families.is_empty() && inner.children.is_empty() && inner.missed.is_empty(), "{inner:?}");
}

#[test]
fn a_store_owns_the_children_of_its_namespace_that_name_its_uid() {
    let observed = Observed::default();
    let owned = |name: &str, namespace: &str, uid: &str| {
        let mut object = config_map(name, "1");
        object.metadata.namespace = Some(namespace.into());
        object.metadata.owner_references = Some(vec![
            serde_json::from_value(
                json!({"apiVersion": "shopkeeper.dev/v1alpha1", "kind": "Store", "name": "demo", "uid": uid}),
            )
            .unwrap(),
        ]);
        object
    };
    for object in [owned("a", "shop", "1"), owned("b", "shop", "2"), owned("c", "shoq", "1"), owned("d", "sho", "1")] {
        observed.record(Kind::ConfigMap, Event::Apply(object));
    }
    let names: Vec<_> = observed.owned_by(&store(), "1").into_iter().map(|(child, _)| child.name).collect();
    assert_eq!(names, ["a"]);
}
