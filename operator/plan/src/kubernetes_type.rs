//! Parts of a Store whose type is Kubernetes' own, and not in the Store's schema.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads a value as a type of Kubernetes. Fields that the type doesn't have are refused by their path, as they would be lost.
pub(crate) fn typed<T: DeserializeOwned + Serialize>(value: &Value) -> Result<T, String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    match lost(value, &kept, "") {
        Some(path) => Err(format!("there is no field {}", path.trim_start_matches('.'))),
        None => Ok(typed),
    }
}

/// The path of the first field that is not in what was kept.
fn lost(given: &Value, kept: &Value, path: &str) -> Option<String> {
    match given {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match kept.get(name) {
                Some(kept) => lost(value, kept, &path),
                None if is_nothing(value) => None,
                None => Some(path),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| kept.get(index).and_then(|kept| lost(item, kept, &format!("{path}[{index}]")))),
        _ => None,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{Affinity, PodSpec};
    use serde_json::json;

    #[test]
    fn what_the_type_has_is_read() {
        let value = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}]}}});
        assert!(typed::<Affinity>(&value).is_ok());
        assert!(typed::<PodSpec>(&json!({"containers": [{"name": "a", "env": []}]})).is_ok());
    }

    #[test]
    fn what_it_does_not_have_is_named() {
        let misspelt = json!({"containers": [{"name": "a"}, {"name": "b", "imag": "x"}]});
        assert_eq!(typed::<PodSpec>(&misspelt).unwrap_err(), "there is no field containers[1].imag");
        assert_eq!(typed::<Affinity>(&json!({"nodeAfinity": {}})).unwrap_err(), "there is no field nodeAfinity");
        assert!(typed::<PodSpec>(&json!({"containers": "all"})).is_err());
    }
}
