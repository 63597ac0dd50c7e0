//! What the operator's chart makes.

use std::{collections::BTreeSet, process::Command};

use serde::Deserialize as _;
use serde_json::Value;

/// One thing that somebody is allowed: a verb on a resource of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub group: String,
    pub resource: String,
    pub verb: String,
}

/// The documents of the chart with these `--set` values, as the release `shopkeeper` in `shopkeeper-system`.
pub fn chart(mut helm: Command, values: &[&str]) -> Vec<Value> {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/shopkeeper");
    helm.args(["template", "shopkeeper", chart, "--namespace", "shopkeeper-system", "--kube-version", "1.34.0"]);
    for value in values {
        helm.args(["--set", value]);
    }
    let output = helm.output().expect("helm");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    serde_yaml_ng::Deserializer::from_str(&text)
        .map(|document| Value::deserialize(document).expect("a document"))
        .filter(|document| !document.is_null())
        .collect()
}

/// What a role allows, one by one.
pub fn rules(role: &Value) -> BTreeSet<Rule> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(ToOwned::to_owned)).collect()
    };
    let mut all = BTreeSet::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    all.insert(Rule { group: group.clone(), resource: resource.clone(), verb });
                }
            }
        }
    }
    all
}
