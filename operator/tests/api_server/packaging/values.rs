//! The values of the charts are told, all of them, from their comments and their schemas.

use std::{collections::BTreeSet, fmt::Write as _};

use kube::CustomResourceExt;
use serde_json::Value;
use shopkeeper_api::Store;

use super::{keep, read};

const CHARTS: [&str; 2] = ["charts/shopkeeper", "charts/store"];
const BEGIN: &str = "<!-- values: begin -->\n";
const END: &str = "<!-- values: end -->\n";

/// A value as `values.yaml` has it.
#[derive(Debug)]
struct Described {
    /// With dots.
    path: String,
    /// What is said above it and behind it.
    what: String,
    /// As it is written; nothing for what only has other values in it.
    default: String,
}

/// Reads a file in which each value is on a line of its own.
fn described(yaml: &str) -> Vec<Described> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for line in yaml.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() {
            comment.clear();
        } else if let Some(words) = text.strip_prefix("# ") {
            comment.push(words);
        } else {
            let (value, behind) = text.split_once(" # ").map_or((text, None), |(value, words)| (value, Some(words)));
            let (key, default) = value.split_once(':').expect("a key");
            open.retain(|(outer, _)| *outer < indent);
            open.push((indent, key));
            let path = open.iter().map(|(_, key)| *key).collect::<Vec<_>>().join(".");
            let what = comment.drain(..).chain(behind).map(str::trim).collect::<Vec<_>>().join(" ");
            found.push(Described { path, what, default: default.trim().to_owned() });
        }
    }
    found
}

fn schema(chart: &str) -> Value {
    serde_json::from_str(&read(&format!("{chart}/values.schema.json"))).expect("a schema")
}

fn follow<'a>(schema: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(schema, |at, name| &at["properties"][name])
}

fn type_of(schema: &Value) -> String {
    let words = |of: &Value, between: &str| {
        let all = of.as_array().into_iter().flatten().filter_map(Value::as_str);
        all.collect::<Vec<_>>().join(between)
    };
    if schema["enum"].is_array() {
        return format!("`{}`", words(&schema["enum"], "`, `"));
    }
    if schema["type"].is_array() {
        return words(&schema["type"], " or ");
    }
    let name = schema["type"].as_str().unwrap_or_default();
    if name == "array" {
        let items = schema["items"]["type"].as_str().map(|items| format!(" of {items}"));
        return format!("list{}", items.unwrap_or_default());
    }
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!("{name}, {least} to {most}"),
        (Some(least), None) => format!("{name}, at least {least}"),
        _ => name.to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}

fn table(chart: &str) -> String {
    let schema = schema(chart);
    let mut table = "| value | type | default | what it is |\n| --- | --- | --- | --- |\n".to_owned();
    for Described { path, what, default } in described(&read(&format!("{chart}/values.yaml"))) {
        if default.is_empty() && what.is_empty() {
            continue;
        }
        let (kind, default) = if default.is_empty() {
            (String::new(), String::new())
        } else {
            (type_of(follow(&schema, &path)), format!("`{default}`"))
        };
        // Writing into a text cannot fail.
        let _ = writeln!(table, "| `{path}` | {kind} | {} | {} |", cell(&default), cell(&what));
    }
    table
}

#[test]
fn the_tables_of_values_are_made_from_the_values() {
    for chart in CHARTS {
        let name = format!("{chart}/README.md");
        let page = read(&name);
        let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
        let (_, after) = rest.split_once(END).expect("where the table ends");
        keep(&name, &format!("{before}{BEGIN}{}{END}{after}", table(chart)));
    }
}

#[test]
fn every_value_says_what_it_is_and_has_a_schema() {
    for chart in CHARTS {
        let (schema, all) = (schema(chart), described(&read(&format!("{chart}/values.yaml"))));
        for Described { path, what, default } in &all {
            assert!(follow(&schema, path).is_object(), "{chart}: {path} is not in values.schema.json");
            assert!(!what.is_empty() || default.is_empty(), "{chart}: {path} does not say what it is");
        }
    }
}

/// The paths of all that a schema knows, down to what has no fields of its own.
fn known(path: &str, schema: &Value, found: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if field["properties"].is_object() {
            known(&below, field, found);
        } else {
            found.push(below);
        }
    }
}

#[test]
fn every_value_that_a_schema_knows_is_written_down_with_its_default() {
    for chart in CHARTS {
        let all = described(&read(&format!("{chart}/values.yaml")));
        let mut paths = Vec::new();
        known("", &schema(chart), &mut paths);
        for path in paths {
            // Helm's own, and what is passed on to the API server, which knows it better.
            if path == "global" || (chart == "charts/store" && path.starts_with("spec.")) {
                continue;
            }
            assert!(all.iter().any(|value| value.path == path), "{chart}: values.yaml does not have {path}");
        }
    }
}

#[test]
fn the_chart_of_a_store_knows_every_field_of_its_spec_and_no_other() {
    let names = |schema: &Value| -> BTreeSet<String> {
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let crd = serde_json::to_value(Store::crd()).expect("JSON");
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    assert_eq!(names(&schema("charts/store")["properties"]["spec"]), names(spec));
}

#[test]
fn a_comment_belongs_to_the_value_below_it_or_before_it() {
    let yaml =
        "# Of the file.\n\n# Of all.\nouter:\n  first: 1 # one\n  # Two,\n  # or more.\n  second: {a: b}\nlast: \"\"\n";
    let found: Vec<_> =
        described(yaml).into_iter().map(|it| format!("{}={} ({})", it.path, it.default, it.what)).collect();
    assert_eq!(
        found,
        ["outer= (Of all.)", "outer.first=1 (one)", "outer.second={a: b} (Two, or more.)", "last=\"\" ()"]
    );
}
