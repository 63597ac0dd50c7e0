//! The settings for kube-state-metrics speak of fields that there are.

use std::collections::BTreeSet;

use kube::CustomResourceExt;
use serde_json::{Value, json};
use shopkeeper_api::Store;

use super::{documents, of_kind, read, rendered};

const SETTINGS: &str = "charts/shopkeeper/files/kube-state-metrics.yaml";
const PAGE: &str = "docs/src/kube-state-metrics.md";

/// What kube-state-metrics reads a number from, though the schema says that it is text.
const NUMBERS_AS_TEXT: [&str; 2] = ["status", "hitRatio"];

/// The schema of a Store, with what every object has and no definition tells.
fn schema() -> Value {
    let crd = serde_json::to_value(Store::crd()).expect("JSON");
    let mut schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    let (text, time) = (json!({"type": "string"}), json!({"type": "string", "format": "date-time"}));
    schema["properties"]["metadata"] = json!({"properties": {
        "name": text, "namespace": text, "generation": {"type": "integer"}, "creationTimestamp": time, "deletionTimestamp": time,
    }});
    schema
}

/// The only resource that is told of.
fn resource() -> Value {
    let settings = documents(&read(SETTINGS)).remove(0);
    assert_eq!(settings["kind"], "CustomResourceStateMetrics");
    let resources = settings["spec"]["resources"].as_array().expect("resources");
    assert_eq!(resources.len(), 1);
    resources[0].clone()
}

fn metrics(resource: &Value) -> &Vec<Value> {
    resource["metrics"].as_array().expect("metrics")
}

/// The one of `gauge` and `info` that a metric has.
fn each(metric: &Value) -> &Value {
    let each = &metric["each"];
    let name = each["type"].as_str().expect("a type").to_lowercase();
    assert!(["gauge", "info"].contains(&name.as_str()) && each[&name].is_object(), "{metric}");
    &each[&name]
}

/// The schema of what a path leads to.
fn follow<'a>(schema: &'a Value, path: &Value) -> &'a Value {
    path.as_array().into_iter().flatten().fold(schema, |at, part| {
        let found = part.as_str().and_then(|part| at["properties"].get(part));
        found.unwrap_or_else(|| panic!("{part} of {path} is not in the definition of a Store"))
    })
}

/// The schema of one of those that a path leads to: of a list, each is told of.
fn one<'a>(schema: &'a Value, path: &Value) -> &'a Value {
    let found = follow(schema, path);
    if found["type"] == "array" { &found["items"] } else { found }
}

#[test]
fn every_path_for_kube_state_metrics_leads_to_a_field_of_a_store() {
    let (schema, resource) = (schema(), resource());
    let labels = |of: &Value| of["labelsFromPath"].as_object().cloned().unwrap_or_default();
    let mut count = 0;
    for path in labels(&resource).values() {
        assert_eq!(follow(&schema, path)["type"], "string", "{path}");
    }
    for metric in metrics(&resource) {
        let each = each(metric);
        let told = one(&schema, &each["path"]);
        for path in labels(each).values() {
            let kind = &follow(told, path)["type"];
            assert_eq!(kind, "string", "{path} of {metric}");
            count += 1;
        }
        follow(told, &each["valueFrom"]);
    }
    assert!(count > 15, "they are found: {count}");
}

#[test]
fn what_kube_state_metrics_counts_is_a_number() {
    let (schema, resource) = (schema(), resource());
    for metric in metrics(&resource).iter().filter(|metric| metric["each"]["type"] == "Gauge") {
        let gauge = each(metric);
        let leaf = follow(one(&schema, &gauge["path"]), &gauge["valueFrom"]);
        let last = [&gauge["valueFrom"], &gauge["path"]].into_iter().find_map(|path| path.as_array()?.last());
        let is_known = last.and_then(Value::as_str).is_some_and(|name| NUMBERS_AS_TEXT.contains(&name));
        let is_number = ["integer", "number", "boolean"].iter().any(|kind| leaf["type"] == *kind);
        assert!(is_number || leaf["format"] == "date-time" || is_known, "{metric} is {leaf}");
    }
}

#[test]
fn every_figure_of_kube_state_metrics_is_in_its_page_and_the_other_way_round() {
    let resource = resource();
    let prefix = resource["metricNamePrefix"].as_str().expect("a prefix");
    let names =
        metrics(&resource).iter().map(|metric| format!("{prefix}_{}", metric["name"].as_str().expect("a name")));
    let names: BTreeSet<String> = names.collect();
    assert_eq!(names.len(), metrics(&resource).len(), "a name is there twice");
    let page = read(PAGE);
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    assert_eq!(names, rows.map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_ships_the_settings_for_kube_state_metrics_when_it_is_asked_to() {
    let chart = async |arguments: &[&str]| documents(&rendered("charts/shopkeeper", "shopkeeper", arguments).await);
    let is_about = |document: &&Value| document["metadata"]["name"] == "shopkeeper-kube-state-metrics";
    assert_eq!(chart(&[]).await.iter().filter(is_about).count(), 0);

    let set = "kubeStateMetrics.create=true,kubeStateMetrics.namespace=monitoring,kubeStateMetrics.serviceAccount=ksm,\
               kubeStateMetrics.labels.grafana=yes";
    let made: Vec<Value> = chart(&["--set", set]).await.iter().filter(is_about).cloned().collect();
    let map = of_kind(&made, "ConfigMap");
    assert_eq!(map["metadata"]["namespace"], "monitoring");
    assert_eq!(map["metadata"]["labels"]["grafana"], "yes");
    let settings = documents(map["data"]["config.yaml"].as_str().expect("settings"));
    assert_eq!(settings, documents(&read(SETTINGS)));
    let rules = &of_kind(&made, "ClusterRole")["rules"];
    assert_eq!(rules[0], json!({"apiGroups": ["shopkeeper.dev"], "resources": ["stores"], "verbs": ["list", "watch"]}));
    let subjects = &of_kind(&made, "ClusterRoleBinding")["subjects"];
    assert_eq!(*subjects, json!([{"kind": "ServiceAccount", "name": "ksm", "namespace": "monitoring"}]));
}
