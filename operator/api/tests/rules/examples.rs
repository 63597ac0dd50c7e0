//! The examples in the descriptions of the fields are what the API server would take.

use kube::core::cel::{Validator, compile_schema};
use serde_json::{Map, Value};
use shopkeeper_api::StoreSpec;

use crate::{schema, store, structure::misfit};

/// What must stand beside an example that means nothing by itself: the end of its path, and the fields.
const BESIDE: [(&str, &str); 9] = [
    (".tolerations[].value", "{key: dedicated}"),
    (".tolerations[].effect", "{key: dedicated}"),
    (".tolerations[].tolerationSeconds", "{key: dedicated, effect: NoExecute}"),
    (".service.nodePort", "{type: NodePort}"),
    (".lifecycle.processingAfter", "{shippingAfter: 2h, deliveredAfter: 48h}"),
    (".lifecycle.shippingAfter", "{deliveredAfter: 48h}"),
    (".bestsellers.refreshBefore", "{ttl: 1h}"),
    (".refreshBefore", "{ttl: 1h, pattern: RefreshAhead}"),
    (".prometheus.enabled", "{url: \"http://prometheus-operated.monitoring:9090\"}"),
];

/// One step on the way to a field.
#[derive(Clone)]
enum Step<'a> {
    Field { name: &'a str, of: &'a Value },
    Item,
}

/// The example of a field, and where it belongs.
struct Example<'a> {
    path: String,
    steps: Vec<Step<'a>>,
    value: Value,
}

/// The first example in a field's description: texts as they stand, all else as YAML.
fn example_of(path: &str, field: &Value) -> Value {
    let words: Vec<&str> = field["description"].as_str().unwrap_or_default().split_whitespace().collect();
    let text = words.join(" ");
    let written = text.split("Example: `").nth(1).and_then(|rest| rest.split('`').next());
    let written = written.unwrap_or_else(|| panic!("{path} has no example that can be tried: {text}"));
    if field["type"] == "string" && !written.starts_with('"') {
        return Value::String(written.to_owned());
    }
    serde_yaml_ng::from_str(written).unwrap_or_else(|error| panic!("{path}: {written} is no YAML: {error}"))
}

/// The examples of all fields below a schema.
fn examples<'a>(path: &str, steps: &[Step<'a>], schema: &'a Value, found: &mut Vec<Example<'a>>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let mut steps = steps.to_vec();
        steps.push(Step::Field { name, of: schema });
        found.push(Example { value: example_of(&path, field), path: path.clone(), steps: steps.clone() });
        examples(&path, &steps, field, found);
        steps.push(Step::Item);
        examples(&format!("{path}[]"), &steps, &field["items"], found);
    }
}

/// The fields that an object must have besides one of them, with their examples.
fn required_beside(name: &str, object: &Value) -> Map<String, Value> {
    let all = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).filter(|it| *it != name);
    all.map(|it| (it.to_owned(), example_of(it, &object["properties"][it]))).collect()
}

impl Example<'_> {
    /// A spec with nothing but the example, and what must be there with it.
    fn spec(&self, beside: Option<&str>) -> Value {
        let beside: Map<String, Value> = beside.map(|it| serde_yaml_ng::from_str(it).unwrap()).unwrap_or_default();
        let place = |(inner, beside): (Value, Map<String, Value>), step: &Step| match step {
            Step::Item => (Value::Array(vec![inner]), beside),
            Step::Field { name, of } => {
                let mut fields = required_beside(name, of);
                fields.extend(beside);
                fields.insert((*name).to_owned(), inner);
                (Value::Object(fields), Map::new())
            }
        };
        self.steps.iter().rev().fold((self.value.clone(), beside), place).0
    }
}

#[test]
fn the_example_of_every_field_is_accepted_where_it_belongs() {
    let schema = schema();
    let (compiled, validator) = (compile_schema(schema), Validator::new());
    let of_spec = &schema["properties"]["spec"];
    let complaint = |spec: &Value| -> Option<String> {
        let by_rules = || validator.validate_compiled(&compiled, &store(spec), None).err().map(|it| it.to_string());
        let by_types = || serde_json::from_value::<StoreSpec>(spec.clone()).err().map(|it| it.to_string());
        misfit(of_spec, spec).or_else(by_rules).or_else(by_types)
    };
    let mut all = Vec::new();
    examples("", &[], of_spec, &mut all);
    assert!(all.len() > 400, "{} examples", all.len());
    let mut wrong = Vec::new();
    for example in &all {
        let beside = BESIDE.iter().find(|(end, _)| example.path.ends_with(end)).map(|(_, fields)| *fields);
        let alone = complaint(&example.spec(None));
        if beside.is_some() && alone.is_none() {
            wrong.push(format!("{} needs nothing beside it", example.path));
        }
        let said = if beside.is_some() { complaint(&example.spec(beside)) } else { alone };
        wrong.extend(said.map(|said| format!("{} {}: {said}", example.path, example.value)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (end, _) in BESIDE {
        assert!(all.iter().any(|example| example.path.ends_with(end)), "there is no {end}");
    }
}
