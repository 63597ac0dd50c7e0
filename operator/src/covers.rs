//! Whether a live object has all that a plan asks for.

use serde_json::Value;
use shopkeeper_api::Quantity;

/// Whether every field of `desired` has the same value in `live`. What the API server or others added is of no interest.
pub fn covers(live: &Value, desired: &Value) -> bool {
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => desired.iter().all(|(name, wanted)| match live.get(name) {
            Some(present) => covers(present, wanted),
            None => is_nothing(wanted),
        }),
        (Value::Array(live), Value::Array(desired)) => {
            live.len() == desired.len() && live.iter().zip(desired).all(|(present, wanted)| covers(present, wanted))
        }
        (Value::String(live), Value::String(desired)) => live == desired || same_amount(live, desired),
        (live, desired) => live == desired,
    }
}

/// Fields that the API server leaves out of an object when they are empty.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The API server rewrites amounts: `0.5` becomes `500m`.
fn same_amount(live: &str, desired: &str) -> bool {
    match (live.parse::<Quantity>(), desired.parse::<Quantity>()) {
        (Ok(live), Ok(desired)) => live.millis() == desired.millis(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_added_does_not_matter() {
        let live = json!({"spec": {"replicas": 1, "strategy": {"type": "RollingUpdate"}, "ports": [{"port": 80, "protocol": "TCP"}]}});
        assert!(covers(&live, &json!({"spec": {"replicas": 1, "ports": [{"port": 80}]}})));
    }

    #[test]
    fn what_differs_or_is_missing_does() {
        let live = json!({"spec": {"replicas": 2, "ports": [{"port": 80}, {"port": 81}]}});
        assert!(!covers(&live, &json!({"spec": {"replicas": 1}})));
        assert!(!covers(&live, &json!({"spec": {"ports": [{"port": 80}]}})));
        assert!(!covers(&live, &json!({"spec": {"paused": false}})));
        assert!(!covers(&live, &json!({"metadata": {"labels": {"a": "b"}}})));
    }

    #[test]
    fn amounts_are_compared_by_value() {
        assert!(covers(&json!({"cpu": "500m"}), &json!({"cpu": "0.5"})));
        assert!(!covers(&json!({"cpu": "500m"}), &json!({"cpu": "0.6"})));
    }
}
