//! What the schema says of each field to those who read it.

use serde_json::Value;

use super::schema;

/// Every field below a schema with its path; what Kubernetes defines itself is left out.
fn fields(path: &str, schema: &Value, found: &mut Vec<(String, String)>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        found.push((path.clone(), property["description"].as_str().unwrap_or_default().to_owned()));
        fields(&path, property, found);
        fields(&path, &property["items"], found);
    }
}

#[test]
fn every_field_is_documented() {
    let mut all = Vec::new();
    for part in ["spec", "status"] {
        assert!(schema()["properties"][part]["description"].is_string(), "{part}");
        fields(part, &schema()["properties"][part], &mut all);
    }
    assert!(all.len() > 300, "{}", all.len());
    let blank: Vec<_> = all.iter().filter(|(_, text)| text.trim().is_empty()).map(|(path, _)| path).collect();
    assert!(blank.is_empty(), "{blank:#?}");
}

#[test]
fn every_field_of_the_spec_says_its_default_and_shows_an_example() {
    let mut all = Vec::new();
    fields("spec", &schema()["properties"]["spec"], &mut all);
    let mut lacking: Vec<_> = Vec::new();
    for word in ["Default: ", "Example:"] {
        lacking.extend(all.iter().filter(|(_, text)| !text.contains(word)).map(|(path, _)| format!("{path}: {word}")));
    }
    assert!(lacking.is_empty(), "{lacking:#?}");
}

/// What the schema fills in must be what the description says.
#[test]
fn the_default_in_the_schema_is_the_one_in_the_description() {
    fn check(path: &str, schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let text = property["description"].as_str().unwrap_or_default();
            let default = match &property["default"] {
                Value::String(default) => Some(default.clone()),
                Value::Bool(_) | Value::Number(_) => Some(property["default"].to_string()),
                _ => None,
            };
            if let Some(default) = default {
                let said = text.split("Default: ").nth(1).unwrap_or_default().trim_start_matches(['`', '"']);
                assert!(said.starts_with(&default), "{path} has the default {default}, but says: {text}");
            }
            check(&path, property);
            check(&path, &property["items"]);
        }
    }
    check("spec", &schema()["properties"]["spec"]);
}
