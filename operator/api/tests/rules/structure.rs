//! What the API server asks of a value besides the rules: its type, its bounds, and no other fields than there are.

use kube::core::cel::Validator;
use serde_json::{Map, Value, json};

/// The first thing about a value that does not fit its schema, with its place.
pub(crate) fn misfit(schema: &Value, value: &Value) -> Option<String> {
    at("", schema, value)
}

fn at(path: &str, schema: &Value, value: &Value) -> Option<String> {
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true && schema["properties"].is_null();
    if value.is_null() && schema["nullable"] == true || open && value.is_object() {
        return None;
    }
    wrong(schema, value).map(|problem| format!("{path}: {problem}")).or_else(|| match value {
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            let own = &schema["properties"][name];
            let inner = if own.is_null() { &schema["additionalProperties"] } else { own };
            at(&format!("{path}.{name}"), inner, field)
        }),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| at(&format!("{path}[{index}]"), &schema["items"], item))
        }
        _ => None,
    })
}

/// What is wrong with a value, whatever is in it.
fn wrong(schema: &Value, value: &Value) -> Option<String> {
    if let Some(expected) = schema["type"].as_str()
        && expected != type_of(value)
    {
        return Some(format!("{value} is no {expected}"));
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        return Some(format!("{value} is none of {}", schema["enum"]));
    }
    match value {
        Value::Number(number) => out_of_bounds(schema, number.as_f64()?, ("minimum", "maximum")),
        Value::String(text) => out_of_bounds(schema, length(text.chars().count()), ("minLength", "maxLength"))
            .or_else(|| (!matches(schema, value)).then(|| format!("{value} is not like {}", schema["pattern"]))),
        Value::Array(items) => out_of_bounds(schema, length(items.len()), ("minItems", "maxItems")),
        Value::Object(fields) => out_of_bounds(schema, length(fields.len()), ("minProperties", "maxProperties"))
            .or_else(|| missing(schema, fields))
            .or_else(|| unknown(schema, fields)),
        _ => None,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn length(length: usize) -> f64 {
    u32::try_from(length).map_or(f64::INFINITY, f64::from)
}

fn out_of_bounds(schema: &Value, number: f64, (least, most): (&str, &str)) -> Option<String> {
    if let Some(least) = schema[least].as_f64().filter(|least| number < *least) {
        return Some(format!("{number} is less than {least}"));
    }
    schema[most].as_f64().filter(|most| number > *most).map(|most| format!("{number} is more than {most}"))
}

/// Whether a text is like the pattern, asked as a rule would.
fn matches(schema: &Value, value: &Value) -> bool {
    let Some(pattern) = schema["pattern"].as_str() else { return true };
    let rule = json!({"rule": format!("self.matches('{pattern}')")});
    let schema = json!({"type": "string", "x-kubernetes-validations": [rule]});
    Validator::new().validate(&schema, value, None).is_ok()
}

fn missing(schema: &Value, fields: &Map<String, Value>) -> Option<String> {
    let mut required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.find(|name| !fields.contains_key(*name)).map(|name| format!("there must be a field {name}"))
}

fn unknown(schema: &Value, fields: &Map<String, Value>) -> Option<String> {
    let is_known = |name: &String| schema["additionalProperties"].is_object() || !schema["properties"][name].is_null();
    fields.keys().find(|name| !is_known(name)).map(|name| format!("there is no field {name}"))
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[a-z]*$"},
            "size": {"type": "integer", "minimum": 1, "maximum": 9},
            "kinds": {"type": "array", "maxItems": 1, "items": {"type": "string", "enum": ["A", "B"]}},
            "maybe": {"type": "boolean", "nullable": true},
            "free": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    });
    let fits = json!({"name": "abc", "size": 9, "kinds": ["B"], "maybe": null, "free": {"x": "y"}});
    assert_eq!(misfit(&schema, &fits), None);
    for (field, value, problem) in [
        ("name", json!(1), ".name: 1 is no string"),
        ("name", json!(""), ".name: 0 is less than 1"),
        ("name", json!("abcd"), ".name: 4 is more than 3"),
        ("name", json!("A"), ".name: \"A\" is not like \"^[a-z]*$\""),
        ("size", json!(10), ".size: 10 is more than 9"),
        ("size", json!(1.5), ".size: 1.5 is no integer"),
        ("kinds", json!(["C"]), ".kinds[0]: \"C\" is none of [\"A\",\"B\"]"),
        ("kinds", json!(["A", "B"]), ".kinds: 2 is more than 1"),
        ("size", json!(null), ".size: null is no integer"),
        ("free", json!({"x": 1}), ".free.x: 1 is no string"),
        ("more", json!(1), ": there is no field more"),
    ] {
        let mut wrong = fits.clone();
        wrong[field] = value;
        assert_eq!(misfit(&schema, &wrong).unwrap_or_default(), problem);
    }
    assert_eq!(misfit(&schema, &json!({})).unwrap_or_default(), ": there must be a field name");
}
