//! Each list says how several may own what is in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema;

/// Every list below a schema with its path.
fn lists<'a>(path: &str, schema: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    if schema["type"] == "array" {
        found.push((path.to_owned(), schema));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        lists(&format!("{path}.{name}"), property, found);
    }
    for (sign, inner) in [("[]", &schema["items"]), (".*", &schema["additionalProperties"])] {
        if inner.is_object() {
            lists(&format!("{path}{sign}"), inner, found);
        }
    }
}

fn is_scalar(schema: &Value) -> bool {
    ["string", "integer", "boolean"].iter().any(|it| schema["type"] == *it) && schema["nullable"] != true
}

/// What the API server wants of a field by which entries are told apart.
fn is_key(item: &Value, key: &str) -> bool {
    let field = &item["properties"][key];
    let required = item["required"].as_array().is_some_and(|all| all.iter().any(|it| it == key));
    is_scalar(field) && (required || !field["default"].is_null())
}

#[test]
fn every_list_says_how_several_may_own_it() {
    let schema = schema();
    let mut all = Vec::new();
    lists("", schema, &mut all);
    let mut whole = BTreeSet::new();
    for (path, list) in &all {
        match list["x-kubernetes-list-type"].as_str() {
            Some("map") => {
                let keys: Vec<&str> = list["x-kubernetes-list-map-keys"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                assert!(!keys.is_empty() && keys.iter().all(|key| is_key(&list["items"], key)), "{path}: {keys:?}");
            }
            Some("set") => assert!(is_scalar(&list["items"]), "{path}"),
            Some("atomic") => {
                whole.insert(path.rsplit('.').next().unwrap_or_default().to_owned());
            }
            other => panic!("{path} does not say whether it is a map, a set or atomic: {other:?}"),
        }
    }
    assert!(all.len() > 40, "{} lists", all.len());
    // One owner for the whole of it, where nothing tells the entries apart.
    assert_eq!(whole, BTreeSet::from(["parentRefs", "tolerations"].map(ToOwned::to_owned)));
}

#[test]
fn pull_secrets_are_told_apart_by_their_names() {
    let schema = schema();
    let secrets = &schema["properties"]["spec"]["properties"]["images"]["properties"]["pullSecrets"];
    assert_eq!(secrets["x-kubernetes-list-map-keys"], serde_json::json!(["name"]));
}
