//! What is wrong with a plan, in words: nothing, if it can be applied and belongs to its Store.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shopkeeper_api::{DataRetention, Quantity, Store};

use crate::{
    fixture::{all_containers, demo, list, objects, planned, pod, template},
    restricted,
};

/// What is wrong with the objects of a Store's plan.
pub(super) fn complaints(store: &Store, objects: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for object in objects {
        let name = format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
        let about = [of_metadata(store, object), of_name(object), of_pods(store, object), of_amounts(object)];
        wrong.extend(about.into_iter().flatten().map(|problem| format!("{name}: {problem}")));
        if !seen.insert(name.clone()) {
            wrong.push(format!("{name}: it is there twice"));
        }
    }
    wrong
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Those of the problems that there are.
fn problems<const N: usize>(all: [(&str, bool); N]) -> Vec<String> {
    all.into_iter().filter(|(_, right)| !right).map(|(problem, _)| problem.to_owned()).collect()
}

fn of_metadata(store: &Store, object: &Value) -> Vec<String> {
    let metadata = &object["metadata"];
    let labels = &metadata["labels"];
    // Figures always go with the Store.
    let is_of_data = object["kind"] == "PersistentVolumeClaim" && labels["app.kubernetes.io/name"] != "prometheus";
    let holds_data = is_of_data || object["kind"] == "Cluster";
    let is_kept = holds_data && store.spec.data_retention == DataRetention::Retain;
    let owner = &metadata["ownerReferences"];
    let has_owner = list(owner).len() == 1
        && owner[0]["kind"] == "Store"
        && owner[0]["controller"] == true
        && owner[0]["uid"].as_str() == store.metadata.uid.as_deref();
    problems([
        ("it is in another namespace", metadata["namespace"].as_str() == store.metadata.namespace.as_deref()),
        ("it has no label of its part", !text(&labels["app.kubernetes.io/name"]).is_empty()),
        (
            "it is not the Store's by its label",
            labels["app.kubernetes.io/instance"].as_str() == store.metadata.name.as_deref(),
        ),
        ("it is not the operator's by its label", labels["app.kubernetes.io/managed-by"] == "shopkeeper"),
        ("it does not go with the Store", is_kept || has_owner),
        ("it goes with the Store", !is_kept || owner.is_null()),
    ])
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn of_name(object: &Value) -> Vec<String> {
    let name = text(&object["metadata"]["name"]);
    // What their pods and Jobs are called is longer by this.
    let more = if object["kind"] == "StatefulSet" || object["kind"] == "CronJob" { 11 } else { 0 };
    problems([("its name is no DNS label", is_label(name)), ("its name is too long", name.len() + more <= 63)])
}

fn of_pods(store: &Store, object: &Value) -> Vec<String> {
    let (Some(template), Some(pod)) = (template(object), pod(object)) else { return Vec::new() };
    let selected = &object["spec"]["selector"]["matchLabels"];
    let has_label = |(key, value): (&String, &Value)| template["metadata"]["labels"][key] == *value;
    let mut wrong = restricted::violations(pod);
    wrong.extend(problems([
        ("its selector misses its own pods", selected.as_object().is_none_or(|labels| labels.iter().all(has_label))),
        ("its pods have a token", pod["automountServiceAccountToken"] == false),
        ("its pods have another account", pod["serviceAccountName"].as_str() == store.metadata.name.as_deref()),
        ("its pods are not the Store's by their label", {
            template["metadata"]["labels"]["app.kubernetes.io/instance"].as_str() == store.metadata.name.as_deref()
        }),
    ]));
    wrong.extend(twice("volumes", &pod["volumes"], "name"));
    let containers: Vec<&Value> = all_containers(pod).collect();
    wrong.extend(twice("containers", &json!(containers), "name"));
    for container in containers {
        let volumes = list(&pod["volumes"]);
        let mounts = list(&container["volumeMounts"]);
        let missing = mounts.iter().filter(|mount| !volumes.iter().any(|volume| volume["name"] == mount["name"]));
        wrong.extend(missing.map(|mount| format!("there is no volume {}", mount["name"])));
        wrong.extend(twice("variables", &container["env"], "name"));
        wrong.extend(twice("mounts", &container["volumeMounts"], "mountPath"));
        wrong.extend(twice("ports", &container["ports"], "containerPort"));
        if text(&container["image"]).is_empty() {
            wrong.push(format!("{} has no image", container["name"]));
        }
    }
    wrong
}

/// What is there twice in a list, by one of its fields.
fn twice(what: &str, all: &Value, field: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let again = list(all).iter().map(|it| it[field].to_string()).filter(|it| !seen.insert(it.clone()));
    again.map(|it| format!("of its {what} {it} is there twice")).collect()
}

/// Amounts that are none, and requests that are greater than their limits.
fn of_amounts(value: &Value) -> Vec<String> {
    let amount = |value: &Value| text(value).parse::<Quantity>().ok();
    let mut wrong = Vec::new();
    let Value::Object(fields) = value else { return list(value).iter().flat_map(of_amounts).collect() };
    for (name, field) in fields {
        match (name.as_str(), field) {
            ("requests" | "limits", Value::Object(amounts)) => {
                let none = amounts.values().filter(|it| amount(it).is_none());
                wrong.extend(none.map(|it| format!("{it} is no amount")));
            }
            ("sizeLimit", it) if amount(it).is_none() => wrong.push(format!("{it} is no amount")),
            _ => wrong.extend(of_amounts(field)),
        }
    }
    for kind in ["cpu", "memory"] {
        let of = |part: &str| amount(&value[part][kind]).map(|it| it.millis());
        if let (Some(request), Some(limit)) = (of("requests"), of("limits"))
            && request > limit
        {
            wrong.push(format!("it asks for more {kind} than it may have"));
        }
    }
    wrong
}

#[test]
fn what_is_wrong_with_a_plan_is_found() {
    let store = demo();
    let good = objects(&planned(&store));
    assert_eq!(complaints(&store, &good), [] as [String; 0]);
    let at = good.iter().position(|it| it["kind"] == "Deployment" && it["metadata"]["name"] == "demo-cart");
    let at = at.expect("the cart");
    let container = "/spec/template/spec/containers/0";
    for (place, value, problem) in [
        ("/metadata/namespace", json!("other"), "another namespace"),
        ("/metadata/labels/app.kubernetes.io~1name", json!(""), "no label of its part"),
        ("/metadata/labels/app.kubernetes.io~1instance", json!("other"), "not the Store's by its label"),
        ("/metadata/labels/app.kubernetes.io~1managed-by", json!("other"), "not the operator's by its label"),
        ("/metadata/ownerReferences", json!([]), "does not go with the Store"),
        ("/kind", json!("PersistentVolumeClaim"), "it goes with the Store"),
        ("/metadata/name", json!("Demo-cart"), "no DNS label"),
        ("/metadata/name", json!("a".repeat(64)), "too long"),
        ("/metadata/name", json!("demo-order"), "there twice"),
        ("/spec/selector/matchLabels/app.kubernetes.io~1name", json!("other"), "misses its own pods"),
        ("/spec/template/spec/automountServiceAccountToken", json!(true), "have a token"),
        ("/spec/template/spec/serviceAccountName", json!("default"), "another account"),
        ("/spec/template/metadata/labels/app.kubernetes.io~1instance", json!("other"), "pods are not the Store's"),
        ("/spec/template/spec/volumes", json!([]), "there is no volume"),
        ("/spec/template/spec/volumes", json!([{"name": "a"}, {"name": "a"}]), "of its volumes"),
        ("/spec/template/spec/volumes", json!([{"emptyDir": {"sizeLimit": "much"}}]), "is no amount"),
        ("/spec/template/spec/containers", json!([{"name": "a"}, {"name": "a"}]), "of its containers"),
        ("/spec/template/spec/securityContext/runAsNonRoot", json!(false), "runAsNonRoot"),
        (&format!("{container}/image"), json!(""), "has no image"),
        (&format!("{container}/env"), json!([{"name": "A"}, {"name": "A"}]), "of its variables"),
        (&format!("{container}/volumeMounts"), json!([{"mountPath": "/a"}, {"mountPath": "/a"}]), "of its mounts"),
        (&format!("{container}/ports"), json!([{"containerPort": 1}, {"containerPort": 1}]), "of its ports"),
        (&format!("{container}/resources/limits/memory"), json!("much"), "is no amount"),
        (&format!("{container}/resources/limits/memory"), json!("1Mi"), "asks for more memory than it may have"),
    ] {
        let mut all = good.clone();
        *all[at].pointer_mut(place).expect("a place") = value;
        let said = complaints(&store, &all).join("; ");
        assert!(said.contains(problem), "{place}: {said:?}");
    }
}
